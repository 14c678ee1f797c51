// A long list of which only the rows in sight are in the page.
"use strict";

const ROW = 28;
const SPARE = 10;
const PRINTED = 500;

// `columns`: [title, class] each; `cells(index)`: texts or nodes of a row; `onopen(index)`: called
// where a row is chosen with a click, Enter or the space bar. Returns {element, show, choose}.
function windowedList({ id, label, columns, cells, kind, onopen }) {
  let indices = [];
  let chosen = -1;
  const spacer = el("div", { class: "spacer" });
  const view = el("div", { class: "view", tabindex: 0, role: "listbox", "aria-label": label, id },
    spacer);
  const head = el("div", { class: "row head", "aria-hidden": "true" },
    columns.map(([title, name]) => el("span", { class: name }, title)));
  const said = el("p", { class: "said", role: "status" });
  const element = el("div", { class: "list" }, head, view, said);

  function draw() {
    const first = Math.max(Math.floor(view.scrollTop / ROW) - SPARE, 0);
    const last = Math.min(Math.ceil((view.scrollTop + view.clientHeight) / ROW) + SPARE, indices.length);
    rows(first, last);
  }

  function rows(first, last) {
    const made = [];
    for (let place = first; place < last; place += 1) {
      const index = indices[place];
      const row = el("div", {
        class: `row ${kind(index)}`, role: "option", id: `${id}-${index}`,
        "aria-selected": String(place === chosen), "aria-posinset": place + 1,
        "aria-setsize": indices.length,
        onclick: () => open(place),
      }, cells(index).map((cell, column) => el("span", { class: columns[column][1] }, cell)));
      row.style.top = `${place * ROW}px`;
      made.push(row);
    }
    spacer.replaceChildren(...made);
    const active = chosen >= first && chosen < last ? `${id}-${indices[chosen]}` : "";
    view.setAttribute("aria-activedescendant", active);
  }

  function move(place) {
    if (!indices.length) return;
    chosen = Math.min(Math.max(place, 0), indices.length - 1);
    const top = chosen * ROW;
    if (top < view.scrollTop) view.scrollTop = top;
    if (top + ROW > view.scrollTop + view.clientHeight) view.scrollTop = top + ROW - view.clientHeight;
    draw();
  }

  function open(place) {
    move(place);
    if (indices.length) onopen(indices[chosen]);
  }

  view.addEventListener("scroll", () => requestAnimationFrame(draw));
  view.addEventListener("keydown", (event) => {
    const page = Math.max(Math.floor(view.clientHeight / ROW) - 1, 1);
    const to = {
      ArrowDown: chosen + 1, ArrowUp: chosen - 1, PageDown: chosen + page, PageUp: chosen - page,
      Home: 0, End: indices.length - 1,
    }[event.key];
    if (to !== undefined) move(to);
    else if (event.key === "Enter" || event.key === " ") open(Math.max(chosen, 0));
    else return;
    event.preventDefault();
  });
  addEventListener("beforeprint", () => view.isConnected && rows(0, Math.min(indices.length, PRINTED)));
  addEventListener("afterprint", () => view.isConnected && draw());

  return {
    element,
    show(shownIndices, of) {
      indices = shownIndices;
      chosen = -1;
      spacer.style.height = `${Math.min(indices.length, 1e6) * ROW}px`;
      view.style.height = `${Math.min(Math.max(indices.length, 1), 14) * ROW + 2}px`;
      view.scrollTop = 0;
      said.textContent = `${count(indices.length)} of ${count(of)} shown`;
      requestAnimationFrame(draw);
    },
    choose(index) {
      const place = indices.indexOf(index);
      if (place >= 0) move(place);
      return place >= 0;
    },
  };
}
