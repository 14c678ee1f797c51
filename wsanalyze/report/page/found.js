// Findings of all connections: what one check found is one row, with the places behind it.
"use strict";

// Places of one check that are listed at once.
const PLACES = 100;

// Findings by check and severity, worst first, then those that are on most connections.
function groupsOf(findings) {
  const groups = new Map();
  for (const each of findings) {
    const key = `${each.severity} ${each.check}`;
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(each);
  }
  const rank = (group) => WORST.indexOf(group[0].severity);
  return [...groups.values()].sort((one, other) => rank(one) - rank(other) ||
    connectionsOf(other) - connectionsOf(one) || other.length - one.length ||
    (one[0].check < other[0].check ? -1 : 1));
}

function connectionsOf(group) {
  return new Set(group.map((each) => each.c)).size;
}

function findingsOverview(report) {
  const holder = el("div", {});
  const state = { severity: "", text: "" };
  function show() {
    const wanted = state.text.toLowerCase();
    const matching = report.findings.filter((each) =>
      (!state.severity || each.severity === state.severity) &&
      `${each.check} ${report.rules[each.check]?.title} ${each.message} ${each.reference}`
        .toLowerCase().includes(wanted));
    const groups = groupsOf(matching.filter((each) => !each.told));
    holder.replaceChildren(...groups.map((group) => foundElement(report, group, true)),
      ...toldElsewhere(report, matching, null),
      ...(matching.length ? [] : [el("p", { class: "note" }, "No finding.")]));
  }
  show();
  return el("section", { id: "findings", "aria-labelledby": "findings-title" },
    el("h2", { id: "findings-title" }, "Findings"),
    el("div", { class: "controls" },
      select("severity", [["", "all"], ...WORST.map((each) => [each, each])], (value) => { state.severity = value; show(); }),
      search("search findings", (text) => { state.text = text; show(); })),
    holder);
}

// Of findings of which another one says all: how many they are, and which one that is.
function toldElsewhere(report, findings, connection) {
  const tellers = new Map();
  for (const each of findings.filter(({ told }) => told)) {
    const key = connection === null || each.told.c === connection ? each.told.check : `${each.told.check} ${each.told.c}`;
    if (!tellers.has(key)) tellers.set(key, []);
    tellers.get(key).push(each);
  }
  return [...tellers.values()].map((group) => {
    const { check, c } = group[0].told;
    const checks = [...new Set(group.map((each) => each.check))].sort().join(", ");
    const elsewhere = connection !== null && c !== null && c !== connection;
    const place = !elsewhere ? null : report.byNumber.has(c) ? el("a", { href: link(c) }, `connection ${c}`) : `connection ${c}`;
    return el("p", { class: "note told" }, `${counted(group.length, "further finding")} (${checks}): ${check}`,
      elsewhere ? " of " : null, place, " tells all of it");
  });
}

// One finding as it is, several of one check as one row.
function foundElement(report, group, withConnection) {
  return group.length === 1 ? findingElement(report, group[0], withConnection)
    : groupElement(report, group, withConnection);
}

function timesOf(group, withConnection) {
  const times = `${count(group.length)} times`;
  if (!withConnection) return times;
  const number = connectionsOf(group);
  if (number > 1) return `${times} on ${counted(number, "connection")}`;
  return group[0].c === null ? times : `${times} on connection ${group[0].c}`;
}

function groupElement(report, group, withConnection) {
  const [first] = group;
  const rule = report.rules[first.check];
  const times = timesOf(group, withConnection);
  const list = el("ul", { class: "found-at" });
  let shown = 0;
  const more = el("button", { type: "button", onclick: add }, "");
  function add() {
    const next = group.slice(shown, shown + PLACES);
    list.append(...next.map((each) => el("li", {},
      el("p", {}, each.message), el("p", { class: "places" }, placesOf(report, each, withConnection)),
      facts(evidenceOf(each).filter(([, value]) => value)))));
    shown += next.length;
    more.hidden = shown >= group.length;
    more.textContent = `show ${count(Math.min(PLACES, group.length - shown))} of ${count(group.length - shown)} more`;
  }
  const whole = el("details", { class: `finding ${first.severity}` },
    el("summary", {}, badge(first.severity), " ", el("code", {}, first.check), " ",
      rule ? rule.title : first.message, " ", el("span", { class: "times" }, times)),
    facts(ruleOf(report, first).filter(([, value]) => value)), list, more);
  // Places are made when somebody looks: there may be thousands of them.
  whole.addEventListener("toggle", () => { if (whole.open && !shown) add(); });
  addEventListener("beforeprint", () => { if (whole.isConnected && !shown) add(); });
  return whole;
}
