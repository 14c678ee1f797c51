// What is true of all captures together: counts, findings, a timeline, the table of connections.
"use strict";

// Captures that are told without being asked.
const UNFOLDED = 3;

function overview(report) {
  const { totals } = report;
  const findings = Object.values(totals.severities).reduce((all, each) => all + each, 0);
  const cards = [
    card(count(totals.connections), totals.connections === 1 ? "connection" : "connections",
      Object.entries(totals.outcomes).map(([name, number]) => badge(name, `${count(number)} ${name}`))),
    card(count(totals.frames), totals.frames === 1 ? "frame" : "frames",
      [`${counted(totals.messages, "message")} in ${counted(totals.frames - totals.controls, "data frame")}, ${size(totals.bytes - totals.control_bytes)} of payload;`,
        `${counted(totals.controls, "control frame")} (Close, Ping, Pong), ${size(totals.control_bytes)}`]),
    card(count(findings), findings === 1 ? "finding" : "findings",
      Object.entries(totals.severities).map(([name, number]) => badge(name, name === "info" ? `${count(number)} info` : counted(number, name)))),
  ];
  const notices = [...problemsOf(report.captures), ...report.left_out].map((text) => el("p", { class: "notice" }, text));
  const secrets = report.secrets
    ? "Credentials and tokens are shown as they were sent."
    : "Redacted are cookies, credentials, and tokens in the addresses and subprotocols of handshakes, and JSON Web Tokens anywhere. Those of 12 characters and more are also redacted where they come again as they are, in whatever any connection of these captures said, binary messages included; not where an application encoded them. All else that messages say is shown, secrets that no handshake has among it.";
  return el("section", { id: "overview", "aria-labelledby": "overview-title" },
    el("h2", { id: "overview-title" }, "Overview"),
    el("div", { class: "cards" }, cards),
    notices,
    cutsElement(report),
    refusedElement(report),
    capturesElement(report.captures, ["looked at", report.looked_at]),
    el("p", { class: "note" }, secrets));
}

// Which captures could not be read to their end, and why.
function problemsOf(captures) {
  return captures.flatMap((lines) => {
    const of = new Map(lines);
    return of.has("problem") ? [`${of.get("capture")} was not read to its end: ${of.get("problem")}. What is behind that is not in this report.`] : [];
  });
}

// Who cut which connections; nothing where none was cut.
function cutsElement(report) {
  const { total, rows } = report.cuts;
  if (!total) return null;
  const named = (number) => report.byNumber.has(number) ? el("a", { href: link(number) }, number) : String(number);
  const left = (number) => number > 0 ? ` and ${count(number)} more` : "";
  return el("div", { id: "cuts" }, el("h3", {}, "Who cut it"),
    el("ul", {}, rows.map((row) => el("li", {}, `${row.cause}: `,
      row.total === 1 ? "connection " : "connections ",
      row.connections.flatMap((number, place) => (place ? [", ", named(number)] : [named(number)])),
      left(row.total - row.connections.length)))),
    total > rows.length ? el("p", { class: "note" }, `${left(total - rows.length).trim()}: see CLS-08`) : null);
}

// Tunnels that proxies refused, which are no connections; nothing where none was.
function refusedElement(report) {
  const { total, rows } = report.refused;
  if (!total) return null;
  const asked = (row) => [row.way.includes(" ") ? row.way : `${row.way}, before it was said where to`,
    row.outer ? ` (inside ${row.outer})` : ""].join("");
  return el("div", { id: "refused" }, el("h3", {}, "Refused tunnels"),
    el("p", { class: "note" }, "What proxies did not open: nothing was passed on, so none of them is a connection. wsanalyze explain CAPTURE --refused N tells one."),
    table(["#", "client", "proxy", "asked for", "answer", "at (s)", "packet"],
      rows.map((row, place) => [place, row.client, row.proxy, asked(row),
        `${row.code === null ? "" : `${row.code}: `}${row.meaning}`, seconds(row.t), count(row.packet)]), "Refused tunnels"),
    total > rows.length ? el("p", { class: "note" }, `and ${count(total - rows.length)} more`) : null);
}

// What each capture is; folded where there are many.
function capturesElement(captures, ofAll) {
  if (captures.length === 1) return [facts([...captures[0], ofAll])];
  const lists = captures.map((lines) => facts(lines));
  if (captures.length <= UNFOLDED) return [...lists, facts([ofAll])];
  return [el("details", {}, el("summary", {}, `${counted(captures.length, "capture")}, one by one`), lists),
    facts([ofAll])];
}

function card(number, noun, more) {
  return el("div", { class: "card" }, el("p", { class: "large" }, number, " ", el("small", {}, noun)),
    el("p", {}, more.flatMap((each, place) => (place ? [" ", each] : [each]))));
}

function search(label, oninput) {
  const box = el("input", { type: "search", "aria-label": label, placeholder: label,
    oninput: () => oninput(box.value) });
  return box;
}

// Title, what is sorted by, what is shown where that is something else, class; and, of columns that
// most captures have nothing for, whether a connection has something.
const TABLE = [
  ["#", (each) => each.connection, (each) => each.connection, "number"],
  ["client", (each) => each.client],
  ["server", (each) => each.server_address],
  ["resource", (each) => each.target || "", null, "resource"],
  ["scheme", (each) => each.scheme],
  ["HTTP", (each) => each.http_version || "", httpOf],
  ["outcome", (each) => each.outcome, (each) => badge(each.outcome)],
  ["status", (each) => each.status ?? -1, (each) => each.status ?? "", "number"],
  ["frames", (each) => each.client_frames + each.server_frames, (each) => count(each.client_frames + each.server_frames), "number"],
  ["bytes", (each) => each.client_bytes + each.server_bytes, (each) => size(each.client_bytes + each.server_bytes), "number"],
  ["time", (each) => each.ended - each.started, (each) => duration(each.ended - each.started), "number"],
  ["ended by", (each) => each.ended_by || ""],
  ["findings", (each) => severityRank(each) * 1e6 + each.findings, (each) => each.severity ? badge(each.severity, count(each.findings)) : "0", "number"],
  ["other leg", (each) => legs(each).map(([number]) => number)[0] ?? -1, legsCell, "", (each) => legs(each).length],
  ["tunnel", (each) => each.tunnel || "", null, "tunnel", (each) => each.tunnel],
];

function httpOf(each) {
  if (!each.http_version) return "";
  return each.http_stream === null ? each.http_version : `${each.http_version}, stream ${each.http_stream}`;
}

// The other legs of a connection through a proxy: [number, where that is].
function legs(each) {
  return [[each.leg_before, "behind "], [each.leg_behind, "in front of "]].filter(([number]) => number !== null);
}

function legsCell(each) {
  return legs(each).flatMap(([number, where], place) =>
    [place ? ", " : null, where, el("a", { href: link(number), "aria-label": `connection ${number}` }, number)]);
}

function severityRank(connection) {
  return connection.severity ? WORST.length - WORST.indexOf(connection.severity) : 0;
}

function connectionsTable(report) {
  const state = { column: 0, down: false, outcome: "", severity: "", text: "" };
  const body = el("tbody");
  const said = el("p", { class: "said", role: "status" });
  const columns = TABLE.filter(([, , , , has]) => !has || report.connections.some(has));
  const heads = columns.map(([title, , , kind], column) => el("th", { scope: "col", class: kind },
    el("button", { type: "button", onclick: () => sort(column) }, title)));
  const rows = new Map(report.connections.map((each) => [each, connectionRow(each, columns)]));

  function sort(column) {
    state.down = state.column === column ? !state.down : false;
    state.column = column;
    show();
  }

  function show() {
    const key = columns[state.column][1];
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
    each.scheme, httpOf(each), each.tunnel, each.capture].join(" ").toLowerCase();
}

function connectionRow(each, columns) {
  // A link in it goes where it says.
  const go = (event) => { if (!event.target.closest("a")) location.hash = link(each.connection); };
  return el("tr", { onclick: go }, columns.map(([, key, cell, kind], column) => el("td", { class: kind },
    column === 0 ? el("a", { href: link(each.connection) }, each.connection)
      : (cell || key)(each))));
}
