// The ladder diagram, drawn of its rows: lanes, arrows, folded silences. Of a long session a window
// is drawn, which moves through all of it.
"use strict";

const DRAWN = 60;
// Rows above the one that was asked for.
const ABOVE = 6;
const LADDER = { width: 960, row: 30, top: 56, first: 190, last: 900, time: 104, packet: 168 };
// Two lanes on a telephone: the number of the packet stands where there is room for it, in the list.
const SMALL = { ...LADDER, width: 400, first: 96, last: 390, time: 80, packet: null };
const SMALL_SCREEN = matchMedia("screen and (max-width: 640px)");
const LETTER = 7.3;
const NARROW = 4;
// Styles of arrows that are not drawn through, and what they mean.
const LINES = {
  noted: "of note in TCP, as the brackets say: sent again, out of order, …",
  gap: "not in the capture",
  sealed: "sealed: in the capture, and no key that is known opens it",
};

function fits(text, width) {
  const most = Math.floor(width / LETTER);
  return text.length > most ? text.slice(0, Math.max(most - 1, 0)) + "…" : text;
}

function words(x, y, kind, text, anchor) {
  return svg("text", { class: kind, x, y, "text-anchor": anchor }, text);
}

// Returns {element, show(row), choose(frame)}; `onmove(row, frame)` is called where the reader moves it.
function ladderSection(connection, onmove) {
  const { lanes, rungs } = connection.ladder;
  const total = rungs.kind.length;
  const label = `Ladder diagram: ${lanes.join(" to ")}`;
  const box = el("div", { class: "ladder scroll", tabindex: 0, role: "region", "aria-label": label });
  const said = el("p", { class: "said", role: "status" });
  const last = Math.max(total - DRAWN, 0);
  let first = 0;
  let chosen = -1;

  function draw() {
    const rows = range(Math.min(DRAWN, total - first)).map((place) => rungAt(rungs, first + place));
    box.replaceChildren(...ladderDrawing(lanes, rows, label, chosen - first));
    if (total > DRAWN) said.textContent = `rows ${count(first + 1)} to ${count(first + rows.length)} of ${count(total)}${framesAmong(rows)}`;
    moves.forEach(([button, to]) => { button.disabled = Math.min(Math.max(to(), 0), last) === first; });
  }

  function framesAmong(rows) {
    const numbers = rows.filter((rung) => rung[0] === "arrow" && rung[9] === connection.connection).map((rung) => rung[10]);
    return numbers.length ? `: frames ${count(numbers[0])} to ${count(numbers.at(-1))}` : "";
  }

  function show(row) {
    first = Math.min(Math.max(row, 0), last);
    draw();
  }

  // What the reader does: the address follows, so that it can be passed on.
  function move(row, bottom = false) {
    show(row);
    box.scrollTop = bottom ? box.scrollHeight : 0;
    onmove(first);
  }

  // Puts a frame into the window, where it has a row or is among those that a row counts.
  function choose(frame) {
    chosen = rowOf(rungs, connection.connection, frame);
    if (chosen < 0) return false;
    if (chosen < first || chosen >= first + DRAWN) show(chosen - ABOVE);
    else draw();
    const row = box.querySelector(".at");
    const middle = row.getBoundingClientRect().top - box.getBoundingClientRect().top - box.clientHeight / 2;
    box.scrollTop += middle;
    return true;
  }

  const button = (text, to) => [el("button", { type: "button", onclick: () => move(to()) }, text), to];
  const moves = [button("First", () => 0), button("Previous", () => first - DRAWN),
    button("Next", () => first + DRAWN), button("Last", () => last)];
  const entry = el("input", { type: "number", min: 0, max: connection.frames.total - 1, step: 1,
    onchange: () => {
      if (entry.value === "") return;
      if (!choose(Number(entry.value))) said.textContent = `frame ${count(entry.value)} has no row here`;
      else onmove(first, Number(entry.value));
    } });
  const controls = total > DRAWN ? el("div", { class: "controls", role: "group", "aria-label": "move the ladder" },
    moves.map(([each]) => each), el("label", { class: "control" }, "to frame ", entry),
    el("span", { class: "note" }, "In the diagram Home, End, Page Up and Page Down move it, too.")) : null;
  box.addEventListener("keydown", (event) => {
    if (total <= DRAWN || event.target !== box || event.altKey || event.ctrlKey || event.metaKey) return;
    const atTop = box.scrollTop <= 0;
    const atBottom = box.scrollTop + box.clientHeight >= box.scrollHeight - 1;
    if (event.key === "Home") move(0);
    else if (event.key === "End") move(last, true);
    else if (event.key === "PageUp" && atTop && first > 0) move(first - DRAWN, true);
    else if (event.key === "PageDown" && atBottom && first < last) move(first + DRAWN);
    else return;
    event.preventDefault();
  });
  SMALL_SCREEN.addEventListener("change", () => { if (box.isConnected) draw(); });
  draw();
  return { element: section("ladder", "Ladder", controls, box, linesLegend(rungs), total > DRAWN ? said : null), show, choose };
}

// What the lines mean that are not drawn through, of those that there are.
function linesLegend(rungs) {
  const there = Object.keys(LINES).filter((style) => rungs.style.some((each, row) => each === style && rungs.kind[row] === "arrow"));
  if (!there.length) return null;
  return el("p", { class: "legend lines" }, there.map((style) => el("span", {},
    svg("svg", { viewBox: "0 0 44 10", "aria-hidden": "true" }, svg("g", { class: `${style} line-${style}` },
      svg("path", { class: "shaft", d: "M0 5H36" }), svg("path", { class: "tip", d: "M44 5l-8 -4v8z" }))), LINES[style])));
}

// A row as [kind, time, packet, start, stop, label, detail, style, severity, connection, frame].
function rungAt(rungs, row) {
  return [rungs.kind, rungs.time, rungs.packet, rungs.start, rungs.stop, rungs.label, rungs.detail,
    rungs.style, rungs.severity, rungs.connection, rungs.frame].map((column) => column[row]);
}

// The row of a frame, or the one that counts it among others; -1 where there is none.
function rowOf(rungs, connection, frame) {
  let found = -1;
  for (let row = 0; row < rungs.kind.length; row += 1) {
    if (rungs.connection[row] !== connection || rungs.frame[row] > frame) continue;
    if (rungs.frame[row] === frame) return row;
    found = rungs.kind[row] === "note" ? row : -1;
  }
  return found;
}

// The names of the lanes, which stay in sight, and the rows under them.
function ladderDrawing(names, rungs, label, chosen) {
  const lanes = names.length;
  const form = SMALL_SCREEN.matches && lanes === 2 ? SMALL : LADDER;
  const wide = (form.last - form.first) / (lanes - 1);
  const places = names.map((_, lane) => form.first + wide * lane);
  const height = form.top + form.row * rungs.length + 20;
  const head = atLeft(form, form.top - 16, "seconds", "packet");
  const begin = form.top - 8;
  const parts = [];
  names.forEach((lane, place) => {
    const [name, address] = [lane.split(" ")[0], lane.split(" ").slice(1).join(" ")];
    const anchor = place === 0 ? "start" : place === lanes - 1 ? "end" : "middle";
    head.push(words(places[place], form.top - 34, "name", name, anchor),
      words(places[place], form.top - 16, "place", form === SMALL ? fits(address, wide / 2) : address, anchor));
    parts.push(svg("path", { class: "lane", d: `M${places[place]} ${begin}V${height - 8}` }));
  });
  rungs.forEach((rung, place) => parts.push(
    ...rungParts(rung, form, form.top + form.row * place + 18, places, place === chosen)));
  const kind = form === SMALL ? "small" : "";
  return [svg("svg", { viewBox: `0 0 ${form.width} ${begin}`, class: `lanes ${kind}`, "aria-hidden": "true" }, head),
    svg("svg", { viewBox: `0 ${begin} ${form.width} ${height - begin}`, class: kind, role: "group", "aria-label": label }, parts)];
}

// What stands left of the lanes: time and packet.
function atLeft(form, y, time, packet) {
  return [words(form.time, y, "place", time, "end"),
    ...(form.packet === null ? [] : [words(form.packet, y, "place", packet, "end")])];
}

// A row that is about a frame leads to it.
function rungParts(rung, form, y, places, chosen) {
  const [connection, frame] = rung.slice(9);
  const parts = drawnRung(rung, form, y, places);
  if (frame === null || frame === undefined) return parts;
  return [svg("a", { href: link(connection, frame), class: chosen ? "at" : null, "aria-current": chosen ? "true" : null,
    "aria-label": `${rung[5]}: frame ${frame} of connection ${connection}` },
    svg("rect", { class: "row-ground", x: 0, y: y - 19, width: form.width, height: form.row }), parts)];
}

function drawnRung([kind, time, packet, from, to, label, detail, style, severity], form, y, places) {
  const [start, stop] = [places[from], places[to]];
  const middle = (start + stop) / 2;
  const wide = Math.abs(stop - start);
  if (kind === "fold") {
    const breaks = places.map((x) => svg("path", { class: "break", d: `M${x} ${y - 10}v18` }));
    return [...breaks, washed((places[0] + places.at(-1)) / 2, y + 2, "fold", label,
      places.at(-1) - places[0])].flat();
  }
  const place = atLeft(form, y + 4, time, packet);
  if (kind === "note") {
    return [...place, ...washed(middle, y + 4, "note", detail ? `${label}: ${detail}` : label, wide)];
  }
  const mark = { error: " ✗", warning: " !" }[severity] || "";
  const lead = stop > start ? 8 : -8;
  const at = labelAt(start, stop, places);
  const name = fits(label, at.wide - 30) + mark;
  const left = at.wide - 30 - name.length * LETTER;
  const more = detail && left > 40 ? svg("tspan", { class: "detail" }, "  " + fits(detail, left)) : null;
  const shaft = `M${start} ${y}H${stop - lead}`;
  const dashed = LINES[style] ? ` line-${style}` : "";
  const colour = severity === "error" || severity === "warning" ? severity : style;
  return [...place, svg("g", { class: `${colour}${dashed}` },
    svg("text", { class: at.kind, x: at.x, y: y - 6, "text-anchor": at.anchor }, name, more),
    svg("path", { class: "shaft", d: shaft }),
    svg("path", { class: "tip", d: `M${stop} ${y}l${-lead} -4v8z` }))];
}

// Where a label stands: in the middle of its arrow; between narrow lanes it goes on over those beside it.
function labelAt(start, stop, places) {
  const [low, high] = [Math.min(start, stop), Math.max(start, stop)];
  if (places.length < NARROW) return { x: (low + high) / 2, anchor: "middle", wide: high - low, kind: "label" };
  const kind = "label over";
  return places.at(-1) - high >= low - places[0]
    ? { x: low + 12, anchor: "start", wide: places.at(-1) - low, kind }
    : { x: high - 12, anchor: "end", wide: high - places[0], kind };
}

function washed(x, y, kind, text, wide) {
  const cut = fits(text, wide - 20);
  const width = cut.length * LETTER + 16;
  return [svg("rect", { class: "wash", x: x - width / 2, y: y - 13, width, height: 18 }),
    words(x, y, kind, cut, "middle")];
}
