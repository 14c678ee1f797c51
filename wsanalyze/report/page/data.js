// The data: unpacked once, and looked up by connection and frame.
"use strict";

const WORST = ["error", "warning", "info"];

function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let place = 0; place < text.length; place += 1) bytes[place] = text.charCodeAt(place);
  return bytes;
}

async function unpacked() {
  const block = JSON.parse(document.getElementById("data").textContent);
  const stream = new Blob([bytesOf(block.gzip)]).stream();
  const text = await new Response(stream.pipeThrough(new DecompressionStream("gzip"))).text();
  return JSON.parse(text);
}

// Adds to each connection its findings, and the worst of each frame.
function indexed(report) {
  const byNumber = new Map();
  for (const connection of report.connections) {
    connection.found = [];
    connection.frameFindings = new Map();
    byNumber.set(connection.connection, connection);
  }
  report.findings.forEach((finding) => {
    const connection = byNumber.get(finding.c);
    if (!connection) return;
    connection.found.push(finding);
    if (finding.f === null) return;
    const others = connection.frameFindings.get(finding.f) || [];
    connection.frameFindings.set(finding.f, [...others, finding]);
  });
  report.byNumber = byNumber;
  return report;
}

function worst(findings) {
  return WORST.find((severity) => findings.some((each) => each.severity === severity)) || null;
}

function link(connection, frame = null) {
  return frame === null ? `#c=${connection}` : `#c=${connection}&f=${frame}`;
}

function linkToFrame(connection, frame) {
  return el("a", { href: link(connection, frame) }, `frame ${count(frame)}`);
}

// A finding in full: where it is, what says so, and what to do.
function findingElement(report, finding, withConnection) {
  const rule = report.rules[finding.check];
  const places = [];
  if (withConnection && finding.c !== null) {
    const text = `connection ${finding.c}`;
    places.push(report.byNumber.has(finding.c) ? el("a", { href: link(finding.c) }, text) : text);
  }
  if (finding.f !== null) {
    const known = report.byNumber.has(finding.c);
    places.push(known ? linkToFrame(finding.c, finding.f) : `frame ${count(finding.f)}`);
  }
  if (finding.packet !== null) places.push(`packet ${count(finding.packet)}`);
  if (finding.sender) places.push(`sent by the ${finding.sender}`);
  if (finding.count > 1) places.push(`stands for ${count(finding.count)}`);
  if (finding.coverage && finding.coverage !== "full") places.push(`coverage: ${finding.coverage}`);
  const spread = places.flatMap((place, index) => (index ? [" · ", place] : [place]));
  return el("details", { class: `finding ${finding.severity}` },
    el("summary", {}, badge(finding.severity), " ", el("code", {}, finding.check), " ",
      finding.message),
    el("p", { class: "places" }, spread),
    facts([
      ["evidence", finding.evidence && el("code", {}, finding.evidence)],
      ["expected", finding.expected && el("code", {}, finding.expected)],
      ["rule", finding.reference],
      ["check", rule && `${rule.name}: ${rule.title}`],
      ["why", rule && rule.explanation],
      ["what to do", rule && rule.advice],
      ["in Wireshark", finding.packet !== null && el("code", {}, `frame.number == ${finding.packet}`)],
    ].filter(([, value]) => value)));
}
