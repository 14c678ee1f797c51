// Frames and messages of a connection: two long lists, and what was chosen of them in full.
"use strict";

const OPCODES = ["continuation", "text", "binary", "reserved-3", "reserved-4", "reserved-5",
  "reserved-6", "reserved-7", "close", "ping", "pong", "reserved-11", "reserved-12", "reserved-13",
  "reserved-14", "reserved-15"];
const SENDERS = ["client", "server"];
const ARROWS = ["↑ client", "↓ server"];

function range(length) {
  return Array.from({ length }, (_, index) => index);
}

function framesSection(report, connection) {
  const { frames, messages } = connection;
  const state = { type: "", sender: "", found: "" };
  const detail = el("div", { class: "detail-box", id: "frame-detail", "aria-live": "polite" });
  const ofMessage = new Map(messages.number.map((number, index) => [number, index]));
  const type = (index) => OPCODES[frames.head[index] & 15];
  const list = windowedList({
    id: "frame-list", label: "frames: arrow keys move, Enter shows one",
    columns: [["frame", "number"], ["time (s)", "number"], ["sender", "side"], ["type", "type"],
      ["bits", "bits"], ["payload", "number"], ["packet", "number"], ["", "verdict-cell"],
      ["begins with", "wide"]],
    cells: (index) => [count(index), seconds(frames.t[index] - connection.started),
      ARROWS[frames.sender[index]], type(index), bits(frames, index), size(frames.length[index]),
      count(frames.packet[index]), verdictOf(connection, index), startOf(index)],
    kind: (index) => SENDERS[frames.sender[index]],
    onopen: (index) => { history.replaceState(null, "", link(connection.connection, index)); open(index); },
  });

  // What a message, or a control frame, begins with: in the row of its first frame.
  function startOf(index) {
    const message = ofMessage.get(frames.message[index]);
    if (message !== undefined) return messages.frame[message] === index ? beginning(messages, message) : "";
    const payload = frames.payloads[index];
    if (payload === undefined) return "";
    const bytes = bytesOf(payload);
    return new TextDecoder("utf-8").decode(type(index) === "close" ? bytes.subarray(2) : bytes);
  }

  function open(index) {
    detail.replaceChildren(frameElement(report, connection, index, ofMessage));
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
    frames.total ? [controls, list.element, detail] : el("p", {}, "None."));
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

function frameElement(report, connection, index, ofMessage) {
  const { frames } = connection;
  const opcode = frames.head[index] & 15;
  const [begins, ends] = [frames.packet[index], frames.packet_end[index]];
  const packets = begins === ends ? count(begins) : ends > begins ? `${count(begins)} to ${count(ends)}`
    : `${count(begins)}; its last byte came earlier, in ${count(ends)}`;
  const message = ofMessage.get(frames.message[index]);
  const payload = frames.payloads[index];
  const content = opcode >= 8
    ? payload !== undefined ? controlElement(opcode, bytesOf(payload))
      : frames.length[index] ? el("p", { class: "note" }, "Its payload was not kept.") : null
    : message !== undefined ? messageElement(report, connection, message) : null;
  const header = frames.headers[index];
  return el("div", {},
    el("h4", {}, `Frame ${count(index)} of connection ${connection.connection}`),
    facts([
      ["sent by", SENDERS[frames.sender[index]]],
      ["at", `${seconds(frames.t[index] - connection.started)} s`],
      ["packet", packets],
      ["place in the stream", `byte ${count(frames.offset[index])}`],
      ["opcode", `${opcode} (${OPCODES[opcode]})`],
      ["bits", bits(frames, index) || "none"],
      ["header", header ? el("code", {}, header.match(/../g).join(" ")) : `${frames.header[index]} bytes`],
      ["masking key", frames.key[index] && el("code", {}, frames.key[index])],
      ["payload", `${count(frames.length[index])} bytes`],
      ["captured of it", frames.captured[index] < Number(frames.length[index]) && `${count(frames.captured[index])} bytes`],
      ["close code", frames.code[index]],
      ["in Wireshark", el("code", {}, `frame.number == ${frames.packet_end[index]}`)],
      ["in the ladder", el("a", { href: `${link(connection.connection, index)}&in=ladder` }, `frame ${count(index)} among its neighbours`)],
    ].filter(([, value]) => value !== false)),
    (connection.frameFindings.get(index) || []).map((each) => findingElement(report, each, false)),
    content);
}

function controlElement(opcode, bytes) {
  const body = opcode === 8 ? bytes.subarray(2) : bytes;
  const notes = opcode === 8 ? ["the reason, behind the two bytes of the code"] : [];
  return body.length ? payloadElement(body, true, notes) : null;
}

function messageElement(report, connection, index) {
  const { messages } = connection;
  const isText = Boolean(messages.text[index]);
  const bytes = bytesOf(messages.payload[index]);
  const notes = [];
  if (messages.redacted[index]) notes.push("Secrets in it are redacted: what follows is not byte for byte what was sent.");
  if (!messages.complete[index]) notes.push("The message is incomplete: a gap, a limit or the capture's end cut it.");
  if (!messages.whole[index]) notes.push(`Only its first ${count(bytes.length)} bytes are in this report.`);
  if (messages.utf8[index] === false) notes.push("It is not UTF-8: what cannot be decoded is shown as U+FFFD; hex shows the bytes.");
  return el("div", {},
    el("h4", {}, `Message ${count(messages.number[index])}`),
    facts([
      ["frames", `${count(messages.frames[index])}, from `],
      ["length", messages.length[index] === null ? "could not be decompressed" : `${count(messages.length[index])} bytes`],
      ["on the wire", messages.compressed[index] ? `${count(messages.wire[index])} bytes, compressed` : null],
      ["SHA-256", messages.sha256[index] && el("code", {}, messages.sha256[index])],
    ].map(([label, value]) => label === "frames"
      ? [label, el("span", {}, value, linkToFrame(connection.connection, messages.frame[index]))] : [label, value])),
    payloadElement(bytes, isText, notes));
}

function messagesSection(report, connection) {
  const { messages } = connection;
  const state = { sender: "", text: "" };
  const detail = el("div", { class: "detail-box", id: "message-detail", "aria-live": "polite" });
  const list = windowedList({
    id: "message-list", label: "messages: arrow keys move, Enter shows one",
    columns: [["message", "number"], ["time (s)", "number"], ["sender", "side"], ["type", "type"],
      ["length", "number"], ["begins with", "wide"]],
    cells: (index) => [count(messages.number[index]), seconds(messages.t[index] - connection.started),
      ARROWS[messages.sender[index]], messages.text[index] ? "text" : "binary",
      messages.length[index] === null ? "?" : size(messages.length[index]), beginning(messages, index)],
    kind: (index) => SENDERS[messages.sender[index]],
    onopen: (index) => detail.replaceChildren(messageElement(report, connection, index)),
  });
  function filter() {
    const wanted = state.text.toLowerCase();
    list.show(range(messages.shown).filter((index) =>
      (!state.sender || SENDERS[messages.sender[index]] === state.sender) &&
      (!wanted || contents(messages, index).toLowerCase().includes(wanted))), messages.total);
  }
  const controls = el("div", { class: "controls" },
    search("search in payloads", (text) => { state.text = text; filter(); }),
    select("sender", [["", "all"], ...SENDERS.map((each) => [each, each])], (value) => { state.sender = value; filter(); }));
  const element = section("messages", "Messages",
    messages.total ? [controls, list.element, detail] : el("p", {}, "None."));
  filter();
  return element;
}

function contents(messages, index) {
  return new TextDecoder("utf-8").decode(bytesOf(messages.payload[index]));
}

function beginning(messages, index) {
  const some = bytesOf(messages.payload[index].slice(0, 160));
  if (messages.text[index]) return new TextDecoder("utf-8").decode(some);
  return [...some.subarray(0, 40)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
