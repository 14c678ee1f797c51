// Elements made one by one: text only as text nodes, never as markup.
"use strict";

// el("p", {class: "note", onclick: f}, "text", node, …); a text is shown with `shown`.
function el(tag, properties = {}, ...children) {
  return filled(document.createElement(tag), properties, children);
}

function svg(tag, properties = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), properties, children);
}

function filled(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : plain(String(value)));
  }
  for (const child of children.flat()) {
    if (child === null || child === undefined) continue;
    if (child instanceof Node) element.append(child);
    else element.append(...shown(String(child)));
  }
  return element;
}

function section(id, title, ...children) {
  return el("section", { id, "aria-labelledby": `${id}-title` },
    el("h3", { id: `${id}-title` }, title), ...children);
}

// A list of facts; pairs without a value are left out.
function facts(pairs) {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return el("dl", { class: "facts" },
    known.flatMap(([label, value]) => [el("dt", {}, label), el("dd", {}, value)]));
}

function badge(kind, text = kind) {
  return el("span", { class: `badge ${kind}` }, text);
}

function select(label, options, onchange) {
  const box = el("select", { onchange: () => onchange(box.value) },
    options.map(([value, text]) => el("option", { value }, text)));
  return el("label", { class: "control" }, label, " ", box);
}

function table(heads, rows, caption) {
  return el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    el("table", {}, el("caption", {}, caption),
      el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))),
      el("tbody", {}, rows.map((row) => el("tr", {}, row.map((cell) => el("td", {}, cell)))))));
}
