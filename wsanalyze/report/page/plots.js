// Bars and points, drawn as SVG; each has a table's worth of words in its title.
"use strict";

const WIDE = 640;
const HIGH = 150;
const LEFT = 66;
const BOTTOM = 22;

function axes(label, top, ends) {
  return [
    svg("title", {}, label),
    svg("path", { class: "axis", d: `M${LEFT} 8V${HIGH - BOTTOM}H${WIDE - 4}` }),
    svg("text", { class: "tick", x: LEFT - 6, y: 16, "text-anchor": "end" }, top),
    svg("text", { class: "tick", x: LEFT - 6, y: HIGH - BOTTOM, "text-anchor": "end" }, "0"),
    svg("text", { class: "tick", x: LEFT, y: HIGH - 6 }, ends[0]),
    svg("text", { class: "tick", x: WIDE - 4, y: HIGH - 6, "text-anchor": "end" }, ends[1]),
  ];
}

function figure(title, drawing, ...words) {
  return el("figure", {}, el("figcaption", {}, title), drawing, ...words);
}

function legend() {
  return el("p", { class: "legend" }, el("span", { class: "swatch client" }), "client ",
    el("span", { class: "swatch server" }), "server");
}

// `bars`: {client, server} of the same length, drawn next to each other.
function barPlot(label, bars, describe, top, ends) {
  const most = Math.max(...bars.client, ...bars.server, 1);
  const room = HIGH - BOTTOM - 10;
  const step = (WIDE - LEFT - 6) / bars.client.length;
  const drawn = [];
  for (const [side, values] of [["client", bars.client], ["server", bars.server]]) {
    values.forEach((value, place) => {
      if (!value) return;
      const height = Math.max((value / most) * room, 1);
      const x = LEFT + 1 + place * step + (side === "server" ? step / 2 : 0);
      drawn.push(svg("rect", {
        class: side, x: x.toFixed(2), y: (HIGH - BOTTOM - height).toFixed(2),
        width: Math.max(step / 2 - 0.4, 0.8).toFixed(2), height: height.toFixed(2),
      }, svg("title", {}, `${describe(place)}, ${side}: ${count(value)}`)));
    });
  }
  return svg("svg", { class: "plot", viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", "aria-label": label },
    axes(label, top(most), ends), drawn);
}

function throughputPlot(connection) {
  const { step, client, server } = connection.throughput;
  const sum = (values) => values.reduce((all, each) => all + each, 0);
  const label = `Payload bytes on the wire over time: client ${size(sum(client))}, ` +
    `server ${size(sum(server))}; each bar is ${duration(step)}`;
  const plot = barPlot(label, { client, server },
    (place) => `${duration(place * step)} to ${duration((place + 1) * step)}`,
    size, ["0", duration(connection.ended - connection.started)]);
  return figure(`Throughput: payload bytes per ${duration(step)}`, plot, legend());
}

function sizesPlot(connection) {
  const { client, server, unknown } = connection.sizes;
  const range = (place) => (place === 0 ? "empty" : place === 1 ? "1 B"
    : `${count(2 ** (place - 1))} to ${count(2 ** place - 1)} B`);
  const last = client.length - 1;
  const plot = barPlot("Messages by size", { client, server }, range, count,
    [range(0), last ? range(last) : ""]);
  const note = unknown ? el("p", { class: "note" }, `${counted(unknown, "message")} of unknown length`) : null;
  return figure("Messages by size, in powers of two", plot, legend(), note);
}

function pingPlot(connection) {
  const rows = connection.pings.rows.filter((each) => each.rtt !== null);
  const most = Math.max(...rows.map((each) => each.rtt), 1);
  const span = Math.max(connection.ended - connection.started, 1);
  const points = rows.map((each) => svg("circle", {
    class: each.sender, r: 3.5,
    cx: (LEFT + 4 + ((each.t - connection.started) / span) * (WIDE - LEFT - 14)).toFixed(2),
    cy: (HIGH - BOTTOM - (each.rtt / most) * (HIGH - BOTTOM - 14)).toFixed(2),
  }, svg("title", {}, `frame ${each.f}, ${each.sender}: ${duration(each.rtt)}`)));
  const label = `Round-trip times of ${counted(rows.length, "Ping")}, at most ${duration(most)}`;
  return figure(label, svg("svg", { class: "plot", viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img",
    "aria-label": label }, axes(label, duration(most), ["0", duration(span)]), points), legend());
}
