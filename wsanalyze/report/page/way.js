// How proxies were asked for a way, and for whom they said that they ask: one row for each message.
"use strict";

function wayElement(report, connection) {
  if (!connection.way.length) return null;
  const announces = connection.way.every((step) => step.label.startsWith("PROXY protocol"));
  return el("div", { class: "way" },
    el("h4", {}, announces ? "The proxy says who its client is" : "The way through the proxy"),
    connection.way.map((step) => wayStep(report, connection, step)));
}

function wayStep(report, connection, step) {
  const arrow = step.sender === "client" ? "→" : "←";
  return el("details", { class: "step" },
    el("summary", {}, el("span", { class: "place" }, `packet ${count(step.packet)}, ${seconds(step.t - connection.started)} s `),
      el("span", { class: step.sender }, `${step.ends[0]} ${arrow} ${step.ends[1]}`), " ", el("b", {}, step.label),
      step.length === null ? null : ` ${size(step.length)}`),
    el("p", { class: "note" }, step.said),
    step.parts.length ? table(["bytes", "part", "says"],
      step.parts.map(([bytes, name, text]) => [el("code", {}, bytes || "not shown"), name, text]), step.label) : null,
    step.head ? headElement(report, "", step.head, null) : null,
    step.findings.map((place) => found(report, place)));
}
