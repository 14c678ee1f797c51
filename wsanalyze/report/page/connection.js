// One connection in full.
"use strict";

function connectionView(report, connection) {
  const frames = framesSection(report, connection);
  const number = connection.connection;
  const ladder = ladderSection(connection, (row, frame = null) =>
    history.replaceState(null, "", `${link(number, frame)}${frame === null ? `&row=${row}` : "&in=ladder"}`));
  const element = el("article", { id: "connection", "aria-labelledby": "connection-title" },
    el("h2", { id: "connection-title", tabindex: -1 }, `Connection ${number}`),
    neighbours(report, connection),
    el("p", { class: "ends" }, connection.client, " → ", connection.server_address, " ",
      badge(connection.outcome), " ", connection.severity ? badge(connection.severity) : null),
    el("nav", { class: "parts", "aria-label": `parts of connection ${number}` }, parts(report, connection)),
    facts([
      ["resource", connection.target && el("code", {}, connection.target)],
      ["host", connection.host], ["origin", connection.origin],
      ["client program", connection.user_agent], ["server program", connection.server],
      ["version", connection.version], ["HTTP", httpOf(connection)], ["scheme", connection.scheme],
      ["subprotocol", connection.subprotocol],
      ["extensions", (connection.extensions || []).join(", ")],
      ["tunnel", connection.tunnel],
      ["through a proxy", otherLegs(connection)],
      ["TCP connect", connection.connect_ms === null ? null : duration(connection.connect_ms * 1e6)],
      ["answered after", connection.handshake_ms === null ? null : duration(connection.handshake_ms * 1e6)],
      ["lasted", duration(connection.ended - connection.started)],
      ["sent by the client", `${counted(connection.client_frames, "frame")}, ${size(connection.client_bytes)}`],
      ["sent by the server", `${counted(connection.server_frames, "frame")}, ${size(connection.server_bytes)}`],
      ["lost by the capture", connection.client_lost_bytes + connection.server_lost_bytes
        ? size(connection.client_lost_bytes + connection.server_lost_bytes) : null],
      ["retransmissions", connection.client_retransmissions + connection.server_retransmissions || null],
      ["Community ID", el("code", {}, connection.community_id)],
      ["capture", connection.capture],
    ]),
    handshakeSection(report, connection),
    ladder.element,
    frames.element,
    messagesSection(report, connection),
    section("plots", "Plots", connection.frames.total
      ? el("div", { class: "plots" }, throughputPlot(connection),
        connection.messages.total ? sizesPlot(connection) : null)
      : el("p", {}, "No frames.")),
    pingsSection(connection),
    section("found", "Findings of this connection", connection.found.length
      ? [groupsOf(connection.found.filter((each) => !each.told)).map((group) => foundElement(report, group, false)),
        toldElsewhere(report, connection.found, number)].flat() : el("p", {}, "None.")),
    closeSection(connection));
  return { element, frames, ladder };
}

// The ways to the connections before and behind it, and to all of them.
function neighbours(report, connection) {
  const place = report.connections.indexOf(connection);
  const way = (other, text, rel) => other ? el("a", { href: link(other.connection), rel }, text) : null;
  return el("nav", { class: "neighbours", "aria-label": "other connections" },
    way(report.connections[place - 1], "← previous", "prev"), way(report.connections[place + 1], "next →", "next"),
    el("a", { href: "#connections" }, "all connections"));
}

// Buttons, since the address holds which connection and frame is shown.
function parts(report, connection) {
  return [["handshake", "Handshake"], ["ladder", "Ladder"], ["frames", "Frames"], ["messages", "Messages"],
    ["plots", "Plots"], ["pings", "Pings"], ["found", "Findings"], ["close", "Close"]].map(([id, text]) =>
    el("button", { type: "button", onclick: () => document.getElementById(id).scrollIntoView() }, text));
}

function pingsSection(connection) {
  const { total, answered, rows } = connection.pings;
  if (!total) return section("pings", "Pings", el("p", {}, "None."));
  const times = rows.map((each) => [linkToFrame(connection.connection, each.f), each.sender,
    seconds(each.t - connection.started),
    each.pong === null ? "no Pong of its own" : linkToFrame(connection.connection, each.pong),
    each.rtt === null ? "" : duration(each.rtt)]);
  const some = total > rows.length ? el("p", { class: "notice" }, `The first ${count(rows.length)} are listed.`) : null;
  return section("pings", "Pings",
    el("p", {}, `${counted(total, "Ping")}, ${count(answered)} answered. A round trip is measured where the capture was made.`), some,
    rows.some((each) => each.rtt !== null) ? pingPlot(connection) : null,
    table(["Ping", "sent by", "at (s)", "Pong", "round trip"], times, "Pings and their Pongs"));
}

function closeSection(connection) {
  const { closes, ends, silences, cut, ended_by: how, more_closes: more } = connection.close;
  // What a finding of this connection says already is not said again.
  const own = cut ? connection.found.find((each) => each.message === cut) : null;
  const said = !own ? null : !own.told ? own.check : own.told.c === own.c ? own.told.check : null;
  const rows = closes.map((each) => [each.f === null ? "" : linkToFrame(connection.connection, each.f),
    each.sender, seconds(each.t - connection.started), each.code ?? "", each.reason || "", each.meaning, each.reference]);
  const tcp = ends.map((each) => [each.how, each.sender, seconds(each.t - connection.started), count(each.packet)]);
  const quiet = silences.map((each) => [seconds(each.t - connection.started), duration(each.length),
    each.after === null ? "" : linkToFrame(connection.connection, each.after)]);
  return section("close", "Close",
    facts([["ended by", how], ["cut", said ? `see ${said} among the findings` : cut]]),
    rows.length ? table(["frame", "sent by", "at (s)", "code", "reason", "meaning", "source"], rows, "Close frames")
      : el("p", {}, "No Close frame was seen."),
    more ? el("p", { class: "notice" }, `… and ${counted(more, "more Close frame")}.`) : null,
    tcp.length ? table(["how", "sent by", "at (s)", "packet"], tcp, "Ends of TCP or of the stream") : null,
    quiet.length ? table(["from (s)", "length", "after"], quiet, "Silences of 5 s and more") : null);
}

// Which ends are proxies, and the connections on their other sides.
function otherLegs(connection) {
  const { leg_before: before, leg_behind: behind, tunnel } = connection;
  const leg = (number) => el("a", { href: link(number) }, `connection ${number}`);
  const asked = (tunnel || "").split(", ").some((step) => step && !step.startsWith("PROXY "));
  const said = [];
  if (before !== null) said.push(["the client is a proxy, which passes on ", leg(before)]);
  if (behind !== null) said.push([asked ? "the proxy passes it on as " : "the server is a proxy, which passes it on as ", leg(behind)]);
  return said.length ? el("span", {}, said.flatMap((each, place) => place ? ["; ", ...each] : each)) : null;
}
