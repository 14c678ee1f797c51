// The ladder diagram, drawn of its rows: lanes, arrows, folded silences.
"use strict";

const LADDER = { width: 960, row: 30, top: 56, first: 190, last: 900, time: 104, packet: 168 };
const LETTER = 7.3;

function fits(text, width) {
  const most = Math.floor(width / LETTER);
  return text.length > most ? text.slice(0, Math.max(most - 1, 0)) + "…" : text;
}

function words(x, y, kind, text, anchor) {
  return svg("text", { class: kind, x, y, "text-anchor": anchor }, text);
}

function ladderElement(ladder) {
  const lanes = ladder.lanes.length;
  const places = ladder.lanes.map((_, lane) =>
    LADDER.first + ((LADDER.last - LADDER.first) * lane) / (lanes - 1));
  const height = LADDER.top + LADDER.row * ladder.rungs.length + 20;
  const parts = [words(LADDER.time, LADDER.top - 16, "place", "seconds", "end"),
    words(LADDER.packet, LADDER.top - 16, "place", "packet", "end")];
  ladder.lanes.forEach((lane, place) => {
    const [name, address] = [lane.split(" ")[0], lane.split(" ").slice(1).join(" ")];
    const anchor = place === 0 ? "start" : place === lanes - 1 ? "end" : "middle";
    parts.push(words(places[place], LADDER.top - 34, "name", name, anchor),
      words(places[place], LADDER.top - 16, "place", address, anchor),
      svg("path", { class: "lane", d: `M${places[place]} ${LADDER.top - 8}V${height - 8}` }));
  });
  ladder.rungs.forEach((rung, place) =>
    parts.push(...rungParts(rung, LADDER.top + LADDER.row * place + 18, places)));
  const label = `Ladder diagram: ${ladder.lanes.join(" to ")}`;
  return el("div", { class: "ladder scroll", tabindex: 0, role: "region", "aria-label": label },
    svg("svg", { viewBox: `0 0 ${LADDER.width} ${height}`, role: "img", "aria-label": label }, parts));
}

function rungParts([kind, time, packet, from, to, label, detail, style, severity], y, places) {
  const [start, stop] = [places[from], places[to]];
  const middle = (start + stop) / 2;
  const wide = Math.abs(stop - start);
  if (kind === "fold") {
    const breaks = places.map((x) => svg("path", { class: "break", d: `M${x} ${y - 10}v18` }));
    return [...breaks, washed((places[0] + places.at(-1)) / 2, y + 2, "fold", label,
      places.at(-1) - places[0])].flat();
  }
  const place = [words(LADDER.time, y + 4, "place", time, "end"),
    words(LADDER.packet, y + 4, "place", packet, "end")];
  if (kind === "note") {
    return [...place, ...washed(middle, y + 4, "note", detail ? `${label}: ${detail}` : label, wide)];
  }
  const mark = { error: " ✗", warning: " !" }[severity] || "";
  const lead = stop > start ? 8 : -8;
  const name = fits(label, wide - 30) + mark;
  const left = wide - 30 - name.length * LETTER;
  const more = detail && left > 40 ? svg("tspan", { class: "detail" }, "  " + fits(detail, left)) : null;
  const shaft = `M${start} ${y}H${stop - lead}`;
  const dashed = style === "noted" || style === "gap" ? " dashed" : "";
  const colour = severity === "error" || severity === "warning" ? severity : style;
  return [...place, svg("g", { class: `${colour}${dashed}` },
    svg("text", { class: "label", x: middle, y: y - 6, "text-anchor": "middle" }, name, more),
    svg("path", { class: "shaft", d: shaft }),
    svg("path", { class: "tip", d: `M${stop} ${y}l${-lead} -4v8z` }))];
}

function washed(x, y, kind, text, wide) {
  const cut = fits(text, wide - 20);
  const width = cut.length * LETTER + 16;
  return [svg("rect", { class: "wash", x: x - width / 2, y: y - 13, width, height: 18 }),
    words(x, y, kind, cut, "middle")];
}
