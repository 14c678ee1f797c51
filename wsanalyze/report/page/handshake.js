// Request and response side by side, each field with its meaning and its verdict.
"use strict";

const VERDICTS = { ok: "✓", error: "✗", warning: "!", info: "i", none: "" };
const SAID = {
  ok: "no fault found", error: "error", warning: "warning", info: "remark",
  none: "no rule of the handshake is about it",
};

// Characters of a field that is shown without a box of its own.
const LONG_FIELD = 1000;

function handshakeSection(report, connection) {
  const { request, response, interims } = connection.handshake;
  return section("handshake", "Handshake",
    headsElement(report, connection),
    interims.map((line) => el("p", { class: "note" }, "before the response: ", el("code", {}, line))),
    request || response ? proofElement(connection.handshake) : null,
    multiplexedElement(connection),
    wayElement(report, connection),
    connection.tls_around.map(([known, steps]) =>
      tlsElement(connection, connection.tls.length ? "TLS, the outer: with the proxy" : "TLS with the proxy", known, steps)),
    tlsElement(connection, connection.tls_around.length ? "TLS, the inner: in the tunnel, with the far end" : "TLS around it",
      connection.tls, connection.tls_steps));
}

// Both heads side by side; of one that is not there, why not.
function headsElement(report, connection) {
  const { request, response, meaning, sealed } = connection.handshake;
  if (!request && !response && !sealed) {
    return el("p", {}, "The capture begins after the handshake, or does not have it.");
  }
  const instead = (title, text) => el("div", { class: "head-box" }, el("h4", {}, title), el("p", {}, text));
  const closed = (sender) => `could not be read: no key that is known opens what the ${sender} sent.`;
  const there = connection.outcome === "unanswered" ? ", if there is one," : "";
  return el("div", { class: "heads" },
    request ? headElement(report, "Request, sent by the client", request, null)
      : instead("Request", sealed === "request" ? `It ${closed("client")}` : "It is not in the capture."),
    response ? headElement(report, "Response, sent by the server", response, meaning)
      : instead("Response", sealed === "answer" ? `It${there} ${closed("server")}` : "None was seen."));
}

// How HTTP/2 began: the preface, and what each end takes.
function multiplexedElement(connection) {
  if (!connection.multiplexed) return null;
  const { preface, settings, said } = connection.multiplexed;
  const place = (sender, time, packet, text) => [
    el("span", { class: "place" }, `packet ${count(packet)}, ${seconds(time - connection.started)} s `),
    el("span", { class: sender }, ARROWS[SENDERS.indexOf(sender)]), " ", el("b", {}, text)];
  const values = (rows) => rows.map(([name, value, meaning]) => [name, meaning ? `${count(value)}: ${meaning}` : count(value)]);
  return el("div", {}, el("h4", {}, "HTTP/2 begins"),
    el("p", { class: "note" }, said.filter(Boolean).join(" ")),
    preface ? el("p", {}, place("client", preface[0], preface[1], "the preface")) : null,
    settings.map(([sender, time, packet, rows]) => el("div", {},
      el("p", {}, place(sender, time, packet, rows.length ? "SETTINGS" : "SETTINGS, all as RFC 9113 has them")), facts(values(rows)))));
}

// The handshake of TLS: one row for each message, what it says folded behind it.
function tlsElement(connection, title, known, messages) {
  if (!known.length) return null;
  const steps = messages.map(([sender, time, packet, name, meaning, length, sealed, said, fields]) =>
    el("details", { class: "step" },
      el("summary", {}, el("span", { class: "place" }, `packet ${count(packet)}, ${seconds(time - connection.started)} s `),
        el("span", { class: sender }, ARROWS[SENDERS.indexOf(sender)]), " ", el("b", {}, name), ` ${size(length)}`,
        sealed ? el("span", { class: "times" }, ", encrypted") : null),
      meaning ? el("p", { class: "note" }, meaning) : null, facts(said),
      fields.length ? table(["bytes", "field", "says"], fields.map(fieldCells), `${name}, byte by byte`) : null));
  return el("div", {}, el("h4", {}, title), facts(known),
    steps.length ? el("p", { class: "note" }, "Its handshake, message by message. What is marked as encrypted was opened with the secrets that are known.") : null,
    steps);
}

// A field of a hello; what is in an extension is moved in.
function fieldCells([bytes, name, text, depth]) {
  return [el("code", { class: depth ? "within" : null }, bytes), name, text];
}

function headElement(report, title, head, meaning) {
  const place = [head.packet !== null ? `packet ${count(head.packet)}` : null,
    head.length !== null ? `${count(head.length)} bytes` : "fields of HTTP/2"].filter(Boolean).join(", ");
  return el("div", { class: "head-box" },
    title ? el("h4", {}, title) : null, el("p", { class: "note" }, place),
    head.start ? el("p", { class: "start" }, el("code", {}, head.start)) : null,
    meaning ? el("p", { class: "note" }, meaning) : null,
    el("ul", { class: "fields" }, head.lines.map((line) => fieldElement(report, line))),
    head.findings.map((place) => found(report, place)));
}

// A finding by its place in the list; the worst only are in it where there are very many.
function found(report, place) {
  const finding = report.findings[place];
  return finding ? findingElement(report, finding, false) : null;
}

function fieldElement(report, line) {
  const mark = el("span", { class: `verdict ${line.verdict}`, title: SAID[line.verdict], role: "img",
    "aria-label": SAID[line.verdict] }, VERDICTS[line.verdict]);
  return el("li", {}, mark, el("div", {},
    fieldText(line),
    line.meaning ? el("p", { class: "note" }, line.meaning) : null,
    line.findings.map((place) => found(report, place))));
}

// A field of many lines scrolls in a box of its own: what follows must stay in sight.
function fieldText(line) {
  const long = line.value.length > LONG_FIELD
    ? { class: "field long", tabindex: 0, role: "region", "aria-label": "a long field" } : { class: "field" };
  return el("p", long, el("code", {}, el("b", {}, line.name), ": ", line.value));
}

function proofElement({ proof, sealed }) {
  if (!proof) return null;
  const sent = proof.sent !== null ? proof.sent : sealed === "answer" ? "what could not be read" : "nothing";
  const right = { true: badge("ok", "right"), false: badge("error", "wrong"), null: "" }[String(proof.right)];
  return el("div", {}, el("h4", {}, "How the server proves that it read the request"),
    sealed === "request" ? el("p", {}, "The key is in the request, which could not be read.")
      : proof.why ? el("p", {}, proof.why) : null,
    proof.steps.length ? facts([...proof.steps.map(([label, text]) => [label, el("code", {}, text)]),
      ["the server sent", el("span", {}, el("code", {}, sent), " ", right)]]) : null);
}
