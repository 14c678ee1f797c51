// A long list of which only the rows in sight are in the page.
"use strict";

const ROW = 28;
const SPARE = 10;
const PRINTED = 500;

// `columns`: [title, class, what is read out where that is more] each; `cells(index)`: texts or nodes of a row; `onopen(index)`: called
// where a row is chosen with a click, Enter or the space bar. Returns {element, show, choose}.
function windowedList({ id, label, columns, cells, kind, onopen }) {
  let indices = [];
  let chosen = -1;
  let shownOf = "";
  const made = new Map();
  const spacer = el("div", { class: "spacer", role: "rowgroup" });
  // Its height is that of a row, and it stays in sight.
  const head = el("div", { class: "row head", role: "row", "aria-rowindex": 1 },
    columns.map(([title, name, spoken]) => el("span", { class: name, role: "columnheader", "aria-label": spoken }, title)));
  const view = el("div", { class: "view", tabindex: 0, role: "grid", "aria-label": label, id }, head, spacer);
  const said = el("p", { class: "said", role: "status" });
  const element = el("div", { class: "list" }, view, said);

  function room() {
    return view.clientHeight - ROW;
  }

  function draw() {
    const first = Math.max(Math.floor(view.scrollTop / ROW) - SPARE, 0);
    const last = Math.min(Math.ceil((view.scrollTop + room()) / ROW) + SPARE, indices.length);
    rows(first, last);
  }

  // Rows that are in the page already stay: scrolling makes those alone that come into sight.
  function rows(first, last) {
    for (const [place, row] of made) {
      if (place >= first && place < last) continue;
      row.remove();
      made.delete(place);
    }
    for (let place = first; place < last; place += 1) {
      if (!made.has(place)) made.set(place, rowAt(place));
      made.get(place).setAttribute("aria-selected", String(place === chosen));
    }
    const inOrder = range(last - first).map((each) => made.get(first + each));
    inOrder.forEach((row, place) => {
      if (spacer.children[place] !== row) spacer.insertBefore(row, spacer.children[place] || null);
    });
    const active = chosen >= first && chosen < last ? `${id}-${indices[chosen]}` : "";
    view.setAttribute("aria-activedescendant", active);
  }

  function rowAt(place) {
    const index = indices[place];
    const row = el("div", {
      class: `row ${kind(index)}`, role: "row", id: `${id}-${index}`, "aria-rowindex": place + 2,
      onclick: () => open(place),
    }, cells(index).map((cell, column) => el("span", { class: columns[column][1], role: "gridcell" }, cell)));
    row.style.top = `${place * ROW}px`;
    return row;
  }

  function move(place) {
    if (!indices.length) return;
    chosen = Math.min(Math.max(place, 0), indices.length - 1);
    const top = chosen * ROW;
    if (top < view.scrollTop) view.scrollTop = top;
    if (top + ROW > view.scrollTop + room()) view.scrollTop = top + ROW - room();
    draw();
  }

  function open(place) {
    move(place);
    if (indices.length) onopen(indices[chosen]);
  }

  view.addEventListener("scroll", () => requestAnimationFrame(draw));
  view.addEventListener("keydown", (event) => {
    const page = Math.max(Math.floor(room() / ROW) - 1, 1);
    const to = {
      ArrowDown: chosen + 1, ArrowUp: chosen - 1, PageDown: chosen + page, PageUp: chosen - page,
      Home: 0, End: indices.length - 1,
    }[event.key];
    if (to !== undefined) move(to);
    else if (event.key === "Enter" || event.key === " ") open(Math.max(chosen, 0));
    else return;
    event.preventDefault();
  });
  addEventListener("beforeprint", () => {
    if (!view.isConnected) return;
    rows(0, Math.min(indices.length, PRINTED));
    if (indices.length > PRINTED) said.textContent = `${shownOf}; printed are the first ${count(PRINTED)}`;
  });
  addEventListener("afterprint", () => {
    if (!view.isConnected) return;
    said.textContent = shownOf;
    draw();
  });

  return {
    element,
    show(shownIndices, of) {
      indices = shownIndices;
      made.clear();
      spacer.replaceChildren();
      chosen = -1;
      spacer.style.height = `${Math.min(indices.length, 1e6) * ROW}px`;
      view.style.height = `${(Math.min(Math.max(indices.length, 1), 14) + 1) * ROW + 2}px`;
      view.setAttribute("aria-rowcount", indices.length + 1);
      view.scrollTop = 0;
      shownOf = `${count(indices.length)} of ${count(of)} shown`;
      said.textContent = shownOf;
      requestAnimationFrame(draw);
    },
    choose(index) {
      const place = indices.indexOf(index);
      if (place >= 0) move(place);
      return place >= 0;
    },
  };
}
