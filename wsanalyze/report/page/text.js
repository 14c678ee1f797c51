// Text from strangers, made visible: what wsanalyze/views/escape.py does for a terminal.
"use strict";

const HIDDEN =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Zs}\u115f\u1160\u3164\uffa0\u2800\u034f\u180b-\u180d\ufe00-\ufe0f]|(?<=[\p{Mn}\p{Me}]{3})[\p{Mn}\p{Me}]/gu;

function code(character) {
  const number = character.codePointAt(0);
  const digits = number.toString(16);
  if (number < 0x100) return "\\x" + digits.padStart(2, "0");
  return number < 0x10000 ? "\\u" + digits.padStart(4, "0") : "\\U" + digits.padStart(8, "0");
}

// The same as plain text, for attributes; spaces stay.
function plain(text) {
  return text.replace(HIDDEN, (found) => (found === " " ? found : code(found)));
}

// Nodes that show a text: what is invisible stands in marked boxes, so that nobody takes a
// backslash that was sent for one of ours. With `lines`, a line feed also begins a new line.
function shown(text, lines = false) {
  const nodes = [];
  let done = 0;
  for (const match of text.matchAll(HIDDEN)) {
    if (match[0] === " ") continue;
    if (match.index > done) nodes.push(document.createTextNode(text.slice(done, match.index)));
    const box = document.createElement("span");
    box.className = "hidden-character";
    box.textContent = lines && match[0] === "\n" ? "\\n" : code(match[0]);
    nodes.push(box);
    if (lines && match[0] === "\n") nodes.push(document.createTextNode("\n"));
    done = match.index + match[0].length;
  }
  if (done < text.length) nodes.push(document.createTextNode(text.slice(done)));
  return nodes;
}

function range(length) {
  return Array.from({ length }, (_, index) => index);
}

// Numbers as people read them, as wsanalyze/views/quantities.py writes them.
function count(number) {
  return Number(number).toLocaleString("en-US");
}

function counted(number, noun) {
  return `${count(number)} ${noun}${Number(number) === 1 ? "" : "s"}`;
}

function size(bytes) {
  let value = Number(bytes);
  for (const unit of ["B", "kB", "MB", "GB", "TB", "PB", "EB"]) {
    if (value < 999.5 || unit === "EB") {
      return `${value.toFixed(unit !== "B" && value < 9.95 ? 1 : 0)} ${unit}`;
    }
    value /= 1000;
  }
}

function duration(nanoseconds) {
  if (nanoseconds < 0) return "-" + duration(-nanoseconds);
  if (nanoseconds < 1e6) return `${(nanoseconds / 1e3).toFixed(0)} µs`;
  const milliseconds = nanoseconds / 1e6;
  if (milliseconds < 999.5) return `${milliseconds.toFixed(milliseconds >= 99.5 ? 0 : 1)} ms`;
  const seconds = nanoseconds / 1e9;
  if (seconds < 59.95) return `${seconds.toFixed(seconds < 9.995 ? 2 : 1)} s`;
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${String(whole % 60).padStart(2, "0")} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

// Seconds to the microsecond.
function seconds(nanoseconds) {
  return (Math.round(nanoseconds / 1e3) / 1e6).toFixed(6);
}
