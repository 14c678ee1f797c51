// Frames of a connection: a long list, and what was chosen of it in full.
"use strict";

const OPCODES = ["continuation", "text", "binary", "reserved-3", "reserved-4", "reserved-5",
  "reserved-6", "reserved-7", "close", "ping", "pong", "reserved-11", "reserved-12", "reserved-13",
  "reserved-14", "reserved-15"];
const SENDERS = ["client", "server"];
const ARROWS = ["↑ client", "↓ server"];

function framesSection(report, connection) {
  const { frames, messages } = connection;
  const state = { type: "", sender: "", found: "" };
  const detail = el("div", { class: "detail-box", id: "frame-detail", "aria-live": "polite" });
  const ofMessage = new Map(messages.number.map((number, index) => [number, index]));
  const parts = fragments(frames, messages, ofMessage);
  const type = (index) => OPCODES[frames.head[index] & 15];
  const list = windowedList({
    id: "frame-list", label: "frames: arrow keys move, Enter shows one",
    columns: [["frame", "number"], ["time (s)", "number"], ["sender", "side"], ["type", "type"],
      ["bits", "bits"], ["payload", "number"], ["packet", "number"], ["", "verdict-cell", "worst finding"],
      ["begins with", "wide"]],
    cells: (index) => [count(index), seconds(frames.t[index] - connection.started),
      ARROWS[frames.sender[index]], type(index), bits(frames, index), size(frames.length[index]),
      count(frames.packet[index]), verdictOf(connection, index), startOf(index)],
    kind: (index) => SENDERS[frames.sender[index]],
    onopen: (index) => { history.replaceState(null, "", link(connection.connection, index)); open(index); },
  });

  // What a message, its part, or a control frame begins with.
  function startOf(index) {
    const part = parts.get(index);
    if (part) {
      return [badge(messages.complete[part.of] ? "part" : "warning", partName(messages, part)), " ",
        partBegins(messages, part, Number(frames.length[index]))];
    }
    const message = ofMessage.get(frames.message[index]);
    if (message !== undefined) return beginning(messages, message);
    const payload = frames.payloads[index];
    if (payload === undefined) return "";
    const bytes = bytesOf(payload);
    return new TextDecoder("utf-8").decode(type(index) === "close" ? bytes.subarray(2) : bytes);
  }

  function open(index) {
    detail.replaceChildren(frameElement(report, connection, index, ofMessage, parts.get(index)));
  }

  function filter() {
    list.show(range(frames.shown).filter((index) =>
      (!state.type || type(index) === state.type) &&
      (!state.sender || SENDERS[frames.sender[index]] === state.sender) &&
      (!state.found || connection.frameFindings.has(index))), frames.total);
  }

  const types = [...new Set(range(frames.shown).map(type))];
  const choices = (words) => [["", "all"], ...words.map((each) => [each, each])];
  const change = (name) => (value) => { state[name] = value; filter(); };
  const controls = el("div", { class: "controls" },
    select("type", choices(types), change("type")), select("sender", choices(SENDERS), change("sender")),
    select("findings", [["", "with or without"], ["with", "with findings"]], change("found")));
  const element = section("frames", "Frames",
    frames.total ? [controls, list.element, detail] : el("p", {}, "None."),
    frames.written.map(writtenElement));
  filter();
  return { element, choose(index) {
    if (!list.choose(index)) {
      element.querySelectorAll("select").forEach((box) => { box.value = ""; });
      Object.keys(state).forEach((name) => { state[name] = ""; });
      filter();
    }
    if (index < frames.shown) { list.choose(index); open(index); } else {
      detail.replaceChildren(el("p", { class: "notice" }, index < frames.total
        ? `Frame ${count(index)} is not listed: the first ${count(frames.shown)} are.`
        : `There is no frame ${count(index)}: the connection has ${count(frames.total)}.`));
    }
  } };
}

function bits(frames, index) {
  const head = frames.head[index];
  const names = [[0x80, "FIN"], [0x40, "RSV1"], [0x20, "RSV2"], [0x10, "RSV3"]];
  return [...names.filter(([bit]) => head & bit).map(([, name]) => name),
    ...(frames.key[index] ? ["MASK"] : [])].join(" ");
}

function verdictOf(connection, index) {
  const severity = worst(connection.frameFindings.get(index) || []);
  return severity ? badge(severity, VERDICTS[severity]) : "";
}

function frameElement(report, connection, index, ofMessage, part) {
  const { frames, messages } = connection;
  const opcode = frames.head[index] & 15;
  const message = ofMessage.get(frames.message[index]);
  const payload = frames.payloads[index];
  const content = opcode >= 8
    ? payload !== undefined ? controlElement(opcode, bytesOf(payload))
      : frames.length[index] ? el("p", { class: "note" }, "Its payload was not kept.") : null
    : message !== undefined ? messageElement(connection, message, true) : null;
  const header = frames.headers[index];
  return el("div", {},
    el("h4", {}, `Frame ${count(index)} of connection ${connection.connection}`),
    facts([
      ["sent by", SENDERS[frames.sender[index]]],
      ["at", `${seconds(frames.t[index] - connection.started)} s`],
      ["packet", packetsOf(frames.packet[index], frames.packet_end[index])],
      ["place in the stream", `byte ${count(frames.offset[index])}`],
      ["opcode", `${opcode} (${OPCODES[opcode]})`],
      ["bits", bits(frames, index) || "none"],
      ["header", header ? el("code", {}, header.match(/../g).join(" ")) : `${frames.header[index]} bytes`],
      ["masking key", frames.key[index] && el("code", {}, frames.key[index])],
      ["payload", counted(frames.length[index], "byte")],
      ["captured of it", frames.captured[index] < Number(frames.length[index]) && counted(frames.captured[index], "byte")],
      ["fragment", part && `${partName(messages, part)}, of message ${count(messages.number[part.of])}`],
      ["close code", frames.code[index]],
      ["in Wireshark", el("code", {}, `frame.number == ${frames.packet_end[index]}`)],
      ["in the ladder", el("a", { href: `${link(connection.connection, index)}&in=ladder` }, `frame ${count(index)} among its neighbours`)],
    ].filter(([, value]) => value !== false)),
    (connection.frameFindings.get(index) || []).map((each) => findingElement(report, each, false)),
    part ? partElement(messages, part, Number(frames.length[index])) : null,
    content);
}

// What one frame brought of its message; nothing where that cannot be told.
function partElement(messages, part, length) {
  const bytes = bytesOfPart(messages, part, length);
  if (bytes === null || !bytes.length) return null;
  const notes = bytes.length < length ? [`Only its first ${counted(bytes.length, "byte")} ${bytes.length === 1 ? "is" : "are"} in this report.`] : [];
  return el("div", {}, el("h4", {}, "Payload of this frame"), payloadElement(bytes, Boolean(messages.text[part.of]), notes));
}

// What an end writes where frames should be: no row of the list is of it.
function writtenElement(each) {
  return el("div", { class: "notice" },
    el("p", {}, `In packet ${count(each.packet)} the ${each.sender} begins to write HTTP in the place of frames, ${counted(each.length, "byte")}; it begins with`),
    el("pre", {}, each.text));
}

function controlElement(opcode, bytes) {
  const body = opcode === 8 ? bytes.subarray(2) : bytes;
  const notes = opcode === 8 ? ["the reason, behind the two bytes of the code"] : [];
  return body.length ? payloadElement(body, true, notes) : null;
}
