// All connections over time: one bar each; long times without any are folded, and labelled.
"use strict";

const LANE = 18;
const TIMELINE = { top: 20, left: 60, right: 950, fold: 46, folds: 8, most: 120, least: 10 };

// Times in which there are connections, in order: [start, stop] each.
function busyTimes(connections) {
  const busy = [];
  const spans = connections.map((each) => [each.started, each.ended]).sort((a, b) => a[0] - b[0]);
  for (const [start, stop] of spans) {
    const last = busy.at(-1);
    if (last && start <= last[1]) last[1] = Math.max(last[1], stop);
    else busy.push([start, stop]);
  }
  return busy;
}

// Where to fold: the longest gaps, where they are longer than all that happens; every long one
// where otherwise most connections would stand in one place.
function foldedGaps(busy) {
  const gaps = busy.slice(1).map(([start], place) => [start - busy[place][1], place + 1])
    .sort((a, b) => b[0] - a[0]);
  const active = busy.reduce((all, [start, stop]) => all + stop - start, 0);
  const longest = gaps.slice(0, TIMELINE.folds).filter(([length]) => length >= Math.max(1e9, 2 * active));
  const left = longest.reduce((all, [length]) => all - length, busy.at(-1)[1] - busy[0][0]);
  const seen = (left * 2) / (TIMELINE.right - TIMELINE.left);
  const crowded = gaps.slice(longest.length).filter(([length]) => length < seen).length;
  const chosen = crowded < gaps.length / 2 ? longest
    : gaps.filter(([length]) => length >= Math.max(1e9, active / 20)).slice(0, TIMELINE.most);
  return new Set(chosen.map(([, place]) => place));
}

// Times between folds, in order: [start, stop] each.
function stretches(connections) {
  const busy = busyTimes(connections);
  const folded = foldedGaps(busy);
  const found = [];
  busy.forEach(([start, stop], place) => {
    if (place === 0 || folded.has(place)) found.push([start, stop]);
    else found.at(-1)[1] = stop;
  });
  return found;
}

// Places of times: {at(time), folds: [[x, width, length]]}.
function timeScale(connections) {
  const found = stretches(connections);
  const { left, right } = TIMELINE;
  const fold = Math.min(TIMELINE.fold, (0.4 * (right - left)) / (found.length - 1 || 1));
  const least = Math.min(TIMELINE.least, (0.3 * (right - left)) / found.length);
  const total = found.reduce((all, [start, stop]) => all + stop - start, 0) || 1;
  const free = right - left - fold * (found.length - 1) - least * found.length;
  const places = [];
  const folds = [];
  let x = left;
  found.forEach(([start, stop], place) => {
    if (place) {
      folds.push([x, fold, start - found[place - 1][1]]);
      x += fold;
    }
    const width = least + (free * (stop - start)) / total;
    places.push({ start, stop, x, width });
    x += width;
  });
  function at(time) {
    const place = places.find((each) => time <= each.stop) || places.at(-1);
    const part = (time - place.start) / (place.stop - place.start || 1);
    return place.x + Math.min(Math.max(part, 0), 1) * place.width;
  }
  return { at, folds };
}

// A duration in its largest unit alone, where there is little room.
function roughly(nanoseconds) {
  const units = [["d", 864e11], ["h", 36e11], ["min", 6e10], ["s", 1e9]];
  const [unit, length] = units.find(([, each]) => nanoseconds >= each) || units.at(-1);
  return `${Math.round(nanoseconds / length)} ${unit}`;
}

function timeline(report) {
  const all = report.connections;
  if (!all.length) return null;
  const began = Math.min(...all.map((each) => each.started));
  const span = Math.max(...all.map((each) => each.ended)) - began || 1;
  const { at, folds } = timeScale(all);
  const height = TIMELINE.top + all.length * LANE + 6;
  const bars = all.map((each, place) => timelineBar(each, TIMELINE.top + place * LANE, at));
  const breaks = folds.flatMap(([x, width, length]) => foldElement(x, width, length, height));
  const scale = folds.length ? [tick(TIMELINE.left, "0", "start")] : ticksOf(began, span, at, height);
  const folded = folds.length
    ? ` It is ${duration(span)} in all; long times without a connection are folded, a strip says how long.` : "";
  return el("section", { id: "timeline", "aria-labelledby": "timeline-title" },
    el("h2", { id: "timeline-title" }, "Timeline"),
    el("p", { class: "note" }, `0 is ${report.starts}${firstOf(began)}. Each bar is a connection, from its first packet to its last; behind it a diamond stands for an error, a dot for a warning.${folded}`),
    el("div", { class: "scroll timeline", tabindex: 0, role: "region", "aria-label": "timeline of all connections" },
      svg("svg", { viewBox: `0 0 970 ${height}` }, breaks, scale, bars)));
}

// How far the zero of the timeline, the first connection, is behind the first packet of all.
function firstOf(began) {
  return began === 0 ? "" : `, when the first connection began, ${duration(Math.abs(began))} ${began > 0 ? "behind" : "before"} the first packet`;
}

function tick(x, text, anchor) {
  return svg("text", { class: "tick", x: x.toFixed(2), y: 12, "text-anchor": anchor }, text);
}

// Lengths of time that people count in, in ns: 1, 2, 5, 10 µs … 10, 20, 30 s, 1 min … days.
const ROUND = [
  ...range(8).flatMap((power) => [1, 2, 5].map((each) => each * 10 ** (power + 3))).filter((each) => each < 2e10),
  ...[20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 10800, 21600, 43200].map((each) => each * 1e9),
  ...range(5).flatMap((power) => [1, 2, 5].map((each) => each * 10 ** power * 864e11)),
];

// Round times, each with a line: some five of them, and the end.
function ticksOf(began, span, at, height) {
  const step = ROUND.find((each) => each * 6 >= span) || span;
  const found = [tick(TIMELINE.left, "0", "start"), tick(TIMELINE.right, duration(span), "end")];
  for (let time = step; time < span; time += step) {
    const x = at(began + time);
    found.push(svg("path", { class: "grid", d: `M${x.toFixed(2)} ${TIMELINE.top - 4}V${height}` }));
    const text = duration(time).replace(/\.0+(?= )|(?<=\.\d+)0+(?= )| 00 (min|s)$/, "");
    if (x < TIMELINE.right - 100) found.push(tick(x, text, "middle"));
  }
  return found;
}

function timelineBar(each, y, at) {
  const text = `connection ${each.connection}, ${each.outcome}` +
    (each.severity ? `, ${each.severity}` : "") + `, ${duration(each.ended - each.started)}`;
  const [start, stop] = [at(each.started), at(each.ended)];
  return svg("a", { href: link(each.connection), "aria-label": text }, svg("title", {}, text),
    svg("text", { class: "tick", x: TIMELINE.left - 8, y: y + 13, "text-anchor": "end" },
      `#${each.connection}`),
    svg("rect", { class: `bar ${each.outcome}`, x: start.toFixed(2), y: y + 3,
      width: Math.max(stop - start, 2).toFixed(2), height: LANE - 6, rx: 2 }),
    worstMark(each.severity, Math.max(stop, start + 2) + 7, y + 9));
}

// Told apart by form as well as by colour.
function worstMark(severity, x, y) {
  if (severity === "warning") return svg("circle", { class: severity, cx: x.toFixed(2), cy: y, r: 4 });
  return severity === "error" ? svg("path", { class: `mark ${severity}`, d: `M${(x - 5).toFixed(2)} ${y}l5 -5l5 5l-5 5z` }) : null;
}

function foldElement(x, width, length, height) {
  const strip = svg("rect", { class: "strip", x: (x + width * 0.06).toFixed(2), y: TIMELINE.top - 2,
    width: (width * 0.88).toFixed(2), height: height - TIMELINE.top },
  svg("title", {}, `folded: ${duration(length)} without a connection`));
  if (width < TIMELINE.fold - 1) return [strip];
  return [strip, tick(x + width / 2, roughly(length), "middle")];
}
