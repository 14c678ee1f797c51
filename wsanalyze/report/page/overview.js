// What is true of all captures together: counts, findings, a timeline, the table of connections.
"use strict";

function overview(report) {
  const { totals } = report;
  const cards = [
    card(count(totals.connections), totals.connections === 1 ? "connection" : "connections",
      Object.entries(totals.outcomes).map(([name, number]) => badge(name, `${count(number)} ${name}`))),
    card(count(totals.frames), totals.frames === 1 ? "frame" : "frames",
      [`${counted(totals.messages, "message")}, ${size(totals.bytes)} of payload`]),
    card(count(Object.values(totals.severities).reduce((all, each) => all + each, 0)), "findings",
      Object.entries(totals.severities).map(([name, number]) => badge(name, `${count(number)} ${name}`))),
  ];
  const notices = report.left_out.map((text) => el("p", { class: "notice" }, text));
  const secrets = report.secrets
    ? "Credentials and tokens are shown as they were sent."
    : "Cookies, credentials, and tokens in addresses and subprotocols are redacted; long ones also where they come again in text. What else messages say is shown.";
  return el("section", { id: "overview", "aria-labelledby": "overview-title" },
    el("h2", { id: "overview-title" }, "Overview"),
    el("div", { class: "cards" }, cards),
    notices,
    report.captures.map((lines) => facts(lines)),
    el("p", { class: "note" }, secrets));
}

function card(number, noun, more) {
  return el("div", { class: "card" }, el("p", { class: "large" }, number, " ", el("small", {}, noun)),
    el("p", {}, more.flatMap((each, place) => (place ? [" ", each] : [each]))));
}

const LANE = 18;

// One bar for each connection, from its first packet to its last.
function timeline(report) {
  const all = report.connections;
  if (!all.length) return null;
  const began = Math.min(...all.map((each) => each.started));
  const span = Math.max(...all.map((each) => each.ended)) - began || 1;
  const [left, right] = [60, 950];
  const at = (time) => left + ((time - began) / span) * (right - left);
  const bars = all.map((each, place) => {
    const words = `connection ${each.connection}, ${each.outcome}` +
      (each.severity ? `, ${each.severity}` : "") + `, ${duration(each.ended - each.started)}`;
    return svg("a", { href: link(each.connection), "aria-label": words }, svg("title", {}, words),
      svg("text", { class: "tick", x: left - 8, y: place * LANE + 13, "text-anchor": "end" },
        `#${each.connection}`),
      svg("rect", { class: `bar ${each.outcome}`, x: at(each.started).toFixed(2), y: place * LANE + 3,
        width: Math.max(at(each.ended) - at(each.started), 2).toFixed(2), height: LANE - 6, rx: 2 }),
      each.severity === "error" || each.severity === "warning"
        ? svg("circle", { class: each.severity, cx: (at(each.ended) + 7).toFixed(2), cy: place * LANE + 9, r: 4 })
        : null);
  });
  const height = all.length * LANE + 24;
  const ends = [svg("text", { class: "tick", x: left, y: height - 6 }, "0"),
    svg("text", { class: "tick", x: right, y: height - 6, "text-anchor": "end" }, duration(span))];
  return el("section", { id: "timeline", "aria-labelledby": "timeline-title" },
    el("h2", { id: "timeline-title" }, "Timeline"),
    el("p", { class: "note" }, `From ${report.began}. Each bar is a connection, from its first packet to its last; a dot at its end is its worst finding.`),
    el("div", { class: "scroll timeline", tabindex: 0, role: "region", "aria-label": "timeline of all connections" },
      svg("svg", { viewBox: `0 0 970 ${height}` }, bars, ends)));
}

function findingsOverview(report) {
  const holder = el("div", {});
  const lists = { severity: "", text: "" };
  function show() {
    const wanted = lists.text.toLowerCase();
    const found = report.findings.filter((each) =>
      (!lists.severity || each.severity === lists.severity) &&
      `${each.check} ${each.message} ${each.reference}`.toLowerCase().includes(wanted));
    const some = found.slice(0, 200).map((each) => findingElement(report, each, true));
    const rest = found.length - some.length;
    holder.replaceChildren(...some, ...(rest > 0
      ? [el("p", { class: "notice" }, `${counted(rest, "more finding")}: filter, or see the connections`)] : []),
      ...(found.length ? [] : [el("p", { class: "note" }, "No finding.")]));
  }
  show();
  return el("section", { id: "findings", "aria-labelledby": "findings-title" },
    el("h2", { id: "findings-title" }, "Findings"),
    el("div", { class: "controls" },
      select("severity", [["", "all"], ...WORST.map((each) => [each, each])], (value) => { lists.severity = value; show(); }),
      search("search findings", (text) => { lists.text = text; show(); })),
    holder);
}

function search(label, oninput) {
  const box = el("input", { type: "search", "aria-label": label, placeholder: label,
    oninput: () => oninput(box.value) });
  return box;
}

const TABLE = [
  ["#", (each) => each.connection, (each) => each.connection, "number"],
  ["client", (each) => each.client],
  ["server", (each) => each.server_address],
  ["resource", (each) => each.target || ""],
  ["outcome", (each) => each.outcome, (each) => badge(each.outcome)],
  ["status", (each) => each.status ?? -1, (each) => each.status ?? "", "number"],
  ["frames", (each) => each.client_frames + each.server_frames, (each) => count(each.client_frames + each.server_frames), "number"],
  ["payload", (each) => each.client_bytes + each.server_bytes, (each) => size(each.client_bytes + each.server_bytes), "number"],
  ["time", (each) => each.ended - each.started, (each) => duration(each.ended - each.started), "number"],
  ["ended by", (each) => each.ended_by || ""],
  ["findings", (each) => severityRank(each) * 1e6 + each.findings, (each) => each.severity ? badge(each.severity, count(each.findings)) : "0", "number"],
];

function severityRank(connection) {
  return connection.severity ? WORST.length - WORST.indexOf(connection.severity) : 0;
}

function connectionsTable(report) {
  const state = { column: 0, down: false, outcome: "", severity: "", text: "" };
  const body = el("tbody");
  const said = el("p", { class: "said", role: "status" });
  const heads = TABLE.map(([title, , , kind], column) => el("th", { scope: "col", class: kind },
    el("button", { type: "button", onclick: () => sort(column) }, title)));
  const rows = new Map(report.connections.map((each) => [each, connectionRow(each)]));

  function sort(column) {
    state.down = state.column === column ? !state.down : false;
    state.column = column;
    show();
  }

  function show() {
    const key = TABLE[state.column][1];
    const wanted = state.text.toLowerCase();
    const chosen = report.connections.filter((each) =>
      (!state.outcome || each.outcome === state.outcome) &&
      (!state.severity || (each.severity || "none") === state.severity) &&
      searched(each).includes(wanted));
    chosen.sort((one, other) => {
      const [a, b] = [key(one), key(other)];
      const order = a < b ? -1 : a > b ? 1 : one.connection - other.connection;
      return state.down ? -order : order;
    });
    heads.forEach((head, column) => head.setAttribute("aria-sort",
      column !== state.column ? "none" : state.down ? "descending" : "ascending"));
    body.replaceChildren(...chosen.map((each) => rows.get(each)));
    said.textContent = `${count(chosen.length)} of ${counted(report.connections.length, "connection")}`;
  }

  const outcomes = [...new Set(report.connections.map((each) => each.outcome))];
  const element = el("section", { id: "connections", "aria-labelledby": "connections-title" },
    el("h2", { id: "connections-title" }, "Connections"),
    el("div", { class: "controls" },
      search("search connections", (text) => { state.text = text; show(); }),
      select("outcome", [["", "all"], ...outcomes.map((each) => [each, each])], (value) => { state.outcome = value; show(); }),
      select("worst finding", [["", "all"], ...WORST.map((each) => [each, each]), ["none", "none"]],
        (value) => { state.severity = value; show(); })),
    el("div", { class: "scroll connections", tabindex: 0, role: "region", "aria-label": "table of connections" },
      el("table", {}, el("thead", {}, el("tr", {}, heads)), body)),
    said);
  show();
  return { element, mark: (chosen) => rows.forEach((row, each) =>
    row.classList.toggle("chosen", each === chosen)) };
}

function searched(each) {
  return [each.connection, each.client, each.server_address, each.target, each.host, each.origin,
    each.user_agent, each.server, each.subprotocol, each.outcome, each.status, each.ended_by,
    each.capture].join(" ").toLowerCase();
}

function connectionRow(each) {
  const go = () => { location.hash = link(each.connection); };
  return el("tr", { onclick: go }, TABLE.map(([, key, cell, kind], column) => el("td", { class: kind },
    column === 0 ? el("a", { href: link(each.connection) }, each.connection)
      : (cell || key)(each))));
}
