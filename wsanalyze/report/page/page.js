// The page: what is shown follows the address. #c=3&f=17 is frame 17 in the list, with &in=ladder in
// the diagram; #c=3&row=60 the diagram from a row on; #c=3&in=ladder a part of the connection.
"use strict";

const NUMBER = /^\d{1,15}$/;

async function start() {
  const status = document.getElementById("status");
  if (typeof DecompressionStream === "undefined") {
    status.textContent = "This browser cannot unpack the data of this report (it lacks " +
      "DecompressionStream). Browsers since 2023 can.";
    return;
  }
  const report = indexed(await unpacked());
  const main = document.getElementById("main");
  const table = connectionsTable(report);
  const holder = el("div", { id: "holder" });
  document.getElementById("subtitle").replaceChildren(
    ...shown(`WebSocket report · ${counted(report.totals.connections, "connection")} · from ${report.began}`));
  if (report.made) {
    document.getElementById("made").replaceChildren(...shown(`Made by ${report.made.by} at ${report.made.at}.`));
  }
  main.replaceChildren(...[overview(report), table.element, timeline(report), findingsOverview(report),
    holder].filter(Boolean));

  const title = document.title;
  let view = null;
  let current = null;
  function follow() {
    const wanted = new URLSearchParams(location.hash.slice(1));
    document.title = title;
    if (!wanted.has("c")) {
      current = null;
      table.mark(null);
      holder.replaceChildren();
      return;
    }
    const connection = report.byNumber.get(Number(wanted.get("c")));
    if (!connection) {
      current = null;
      holder.replaceChildren(el("p", { class: "notice" }, `There is no connection ${wanted.get("c")} in this report.`));
      holder.scrollIntoView();
      return;
    }
    if (connection !== current) {
      view = connectionView(report, connection);
      holder.replaceChildren(view.element);
      table.mark(connection);
      current = connection;
    }
    document.title = `connection ${connection.connection}: ${title}`;
    const frame = wanted.get("f");
    const row = wanted.get("row");
    if (frame !== null && NUMBER.test(frame)) {
      view.frames.choose(Number(frame));
      const drawn = view.ladder.choose(Number(frame));
      document.getElementById(drawn && wanted.get("in") === "ladder" ? "ladder" : "frames").scrollIntoView();
    } else if (row !== null && NUMBER.test(row)) {
      view.ladder.show(Number(row));
      document.getElementById("ladder").scrollIntoView();
    } else if (partOf(view.element, wanted.get("in"))) {
      partOf(view.element, wanted.get("in")).scrollIntoView();
    } else {
      document.getElementById("connection-title").scrollIntoView();
      document.getElementById("connection-title").focus({ preventScroll: true });
    }
  }
  addEventListener("hashchange", follow);
  follow();
  document.documentElement.dataset.ready = "yes";
  performance.mark("ready");
}

// The part of a connection that an address names; null where there is none of that name.
function partOf(element, name) {
  return [...element.children].find((each) => each.tagName === "SECTION" && each.id === name) ?? null;
}

// Paper cannot be opened: what is folded is printed.
const folded = [];
addEventListener("beforeprint", () => {
  folded.push(...document.querySelectorAll("details:not([open])"));
  folded.forEach((each) => { each.open = true; });
});
addEventListener("afterprint", () => folded.splice(0).forEach((each) => { each.open = false; }));

start().catch((error) => {
  document.getElementById("status").textContent = `This report cannot be shown: ${error.message}`;
  throw error;
});
