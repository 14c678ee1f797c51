// Messages of a connection: a long list, what was chosen of it in full, and which frame is what part.
"use strict";

// Characters of base64 that a row begins with.
const BEGUN = 160;

// `frame`: what is said of it stands above already.
function messageElement(connection, index, frame = false) {
  const { messages } = connection;
  const isText = Boolean(messages.text[index]);
  const bytes = bytesOf(messages.payload[index]);
  const notes = [];
  if (messages.redacted[index]) notes.push("Secrets in it are redacted: what follows is not byte for byte what was sent.");
  if (!messages.complete[index]) notes.push("The message is incomplete: it never ended, or a gap, a limit or the capture's end cut it.");
  if (!messages.whole[index]) notes.push(`Only its first ${counted(bytes.length, "byte")} ${bytes.length === 1 ? "is" : "are"} in this report.`);
  if (messages.utf8[index] === false) notes.push("It is not UTF-8: what cannot be decoded is shown as U+FFFD; hex shows the bytes.");
  return el("div", {},
    el("h4", {}, `Message ${count(messages.number[index])}`, messages.complete[index] ? null : [" ", incomplete()]),
    facts([
      ["sent by", frame ? null : SENDERS[messages.sender[index]]],
      ["at", frame ? null : `${seconds(messages.t[index] - connection.started)} s`],
      ["frames", frame && messages.frames[index] === 1 ? null : el("span", {}, `${count(messages.frames[index])}, from `, linkToFrame(connection.connection, messages.frame[index]))],
      ["packets", frame && messages.frames[index] === 1 ? null : packetsOf(messages.packet[index], messages.packet_end[index])],
      ["length", messages.length[index] === null ? "could not be decompressed" : counted(messages.length[index], "byte")],
      ["on the wire", messages.compressed[index] ? `${counted(messages.wire[index], "byte")}, compressed` : null],
      ["SHA-256", messages.sha256[index] && el("code", {}, messages.sha256[index])],
    ]),
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
      messages.length[index] === null ? "?" : size(messages.length[index]),
      messages.complete[index] ? beginning(messages, index) : [incomplete(), " ", beginning(messages, index)]],
    kind: (index) => SENDERS[messages.sender[index]],
    onopen: (index) => detail.replaceChildren(messageElement(connection, index)),
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

function incomplete() {
  return badge("warning", "incomplete");
}

function packetsOf(begins, ends) {
  if (begins === ends) return count(begins);
  return ends > begins ? `${count(begins)} to ${count(ends)}` : `${count(begins)}; its last byte came earlier, in ${count(ends)}`;
}

function contents(messages, index) {
  return new TextDecoder("utf-8").decode(bytesOf(messages.payload[index]));
}

function beginning(messages, index) {
  return begun(bytesOf(messages.payload[index].slice(0, BEGUN)), messages.text[index]);
}

// A text up to its last whole character, bytes in hex.
function begun(bytes, isText) {
  if (isText) return new TextDecoder("utf-8").decode(bytes, { stream: true });
  return [...bytes.subarray(0, 40)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

// Of the frames of messages that have several, or should: {part, of: place of the message, first: where
// its bytes begin in the message, or null where that is not known}, by frame.
function fragments(frames, messages, ofMessage) {
  const found = new Map();
  const last = new Map();
  for (let index = 0; index < frames.shown; index += 1) {
    const of = ofMessage.get(frames.message[index]);
    if (of === undefined || (messages.frames[of] === 1 && messages.complete[of])) continue;
    const before = last.get(of);
    const first = before ? before.next : messages.compressed[of] || messages.redacted[of] ? null : 0;
    const whole = first !== null && frames.captured[index] === Number(frames.length[index]);
    found.set(index, { part: before ? before.part + 1 : 1, of, first });
    last.set(of, { part: before ? before.part + 1 : 1, next: whole ? first + frames.captured[index] : null });
  }
  return found;
}

function partName(messages, { part, of }) {
  return messages.complete[of] ? `part ${count(part)} of ${count(messages.frames[of])}`
    : `part ${count(part)} of ${count(messages.frames[of])} that came`;
}

// The bytes that one frame brought of its message, as far as they are in this report; null where they
// cannot be told from those of the other frames.
function bytesOfPart(messages, { of, first }, length, most = Infinity) {
  if (first === null) return null;
  const skipped = Math.floor(first / 3);
  const stop = Number.isFinite(most) ? (skipped + 1) * 4 + most : undefined;
  const bytes = bytesOf(messages.payload[of].slice(skipped * 4, stop));
  return bytes.subarray(first - skipped * 3, first - skipped * 3 + length);
}

// How a fragment begins: its own bytes; of a message that only makes sense as a whole, at its end.
function partBegins(messages, fragment, length) {
  const bytes = bytesOfPart(messages, fragment, length, BEGUN);
  if (bytes !== null) return begun(trimmed(bytes), messages.text[fragment.of]);
  const isLast = messages.complete[fragment.of] && fragment.part === messages.frames[fragment.of];
  return isLast ? beginning(messages, fragment.of) : "";
}

// Without the end of a character (RFC 3629) that began in the frame before.
function trimmed(bytes) {
  let first = 0;
  while (first < Math.min(3, bytes.length) && (bytes[first] & 0xc0) === 0x80) first += 1;
  return bytes.subarray(first);
}
