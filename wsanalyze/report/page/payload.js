// A payload as text, as JSON on several lines, or in hex.
"use strict";

const DEEPEST = 40;

// The same JSON with line feeds and indentation: tokens stay as they were sent, numbers too large
// for a browser and names that come twice included. null where it is none.
function prettyJson(text) {
  try {
    if (typeof JSON.parse(text) !== "object") return null;
  } catch {
    return null;
  }
  let depth = 0;
  const line = () => "\n" + "  ".repeat(Math.min(depth, DEEPEST));
  return text.replace(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+|\s+/g, (token, place) => {
    if (/^\s/.test(token)) return "";
    if (token === "{" || token === "[") {
      const empty = /^\s*[}\]]/.test(text.slice(place + 1, place + 200));
      depth += 1;
      return empty ? token : token + line();
    }
    if (token === "}" || token === "]") {
      depth -= 1;
      const empty = /[{[]\s*$/.test(text.slice(Math.max(place - 200, 0), place));
      return empty ? token : line() + token;
    }
    if (token === ",") return token + line();
    return token === ":" ? ": " : token;
  });
}

function hexDump(bytes) {
  const lines = [];
  for (let start = 0; start < bytes.length; start += 16) {
    const row = [...bytes.subarray(start, start + 16)];
    const digits = row.map((byte) => byte.toString(16).padStart(2, "0"));
    const left = digits.slice(0, 8).join(" ").padEnd(23);
    const right = digits.slice(8).join(" ").padEnd(23);
    const text = row.map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : ".")).join("");
    lines.push(`${start.toString(16).padStart(8, "0")}  ${left}  ${right}  ${text}`);
  }
  return lines.join("\n");
}

// `bytes`; `isText`: whether it is shown as text first; `notes`: sentences about it.
function payloadElement(bytes, isText, notes) {
  const text = new TextDecoder("utf-8").decode(bytes);
  const pretty = isText ? prettyJson(text) : null;
  const ways = {
    Text: () => shown(text, true),
    JSON: () => pretty.split("\n").flatMap((line, place) => [
      ...(place ? [document.createTextNode("\n")] : []), ...shown(line)]),
    Hex: () => [document.createTextNode(hexDump(bytes))],
  };
  const names = pretty === null ? ["Text", "Hex"] : ["Text", "JSON", "Hex"];
  const box = el("pre", { class: "payload", tabindex: 0, "aria-label": "payload" });
  const buttons = names.map((name) => el("button", { type: "button", onclick: () => use(name) }, name));
  function use(name) {
    box.replaceChildren(...ways[name]());
    buttons.forEach((button) =>
      button.setAttribute("aria-pressed", String(button.textContent === name)));
  }
  use(pretty !== null ? "JSON" : isText ? "Text" : "Hex");
  return el("div", {}, el("div", { class: "buttons", role: "group", "aria-label": "payload as" }, buttons),
    notes.map((note) => el("p", { class: "note" }, note)), box);
}
