// A compatibility report as a table. Texts are set as text, never as markup: they hold names of files.

import { say } from "./phrases.js";

export const COLOURS = { error: "#e5484d", warning: "#f5a623", hint: "#4c9be8", unknown: "#8f8f8f" };

const VERDICTS = {
  fits: () => say("The parts of this graph fit together"),
  does_not_fit: () => say("Parts of this graph do not fit together"),
  not_understood_in_part: () => say("What was understood of this graph fits together, but not all of it was understood"),
};
const SEVERITIES = {
  error: (number) => (number > 1 ? say("{number} errors", { number }) : say("1 error")),
  warning: (number) => (number > 1 ? say("{number} warnings", { number }) : say("1 warning")),
  hint: (number) => (number > 1 ? say("{number} hints", { number }) : say("1 hint")),
  unknown: (number) => (number > 1 ? say("{number} unknown", { number }) : say("1 unknown")),
};
const SEVERITY = { error: () => say("error"), warning: () => say("warning"), hint: () => say("hint"), unknown: () => say("unknown") };

/** A table of a report's findings, with `show(nodeId)` behind each node and `apply(change)` behind each repair. */
export function reportTable(report, { show, apply }) {
  const place = document.createElement("div");
  place.append(element("p", summary(report)));
  if (!report.findings.length) return place;
  const table = element("table");
  table.style.borderCollapse = "collapse";
  for (const found of report.findings) table.append(row(found, show, apply));
  place.append(table);
  return place;
}

function summary(report) {
  const counted = Object.entries(report.counts).filter(([, number]) => number);
  const listed = counted.map(([severity, number]) => SEVERITIES[severity](number)).join(", ");
  return `${VERDICTS[report.verdict]()}: ${listed || say("nothing to say")}.`;
}

function row(found, show, apply) {
  const line = element("tr");
  const severity = element("td", SEVERITY[found.severity]());
  severity.style.color = COLOURS[found.severity];
  const node = element("button", found.title || `${found.class_type} ${found.node}`);
  node.onclick = () => show(found.node);
  const text = element("td", found.text);
  text.append(element("div", found.fix));
  if (found.candidates.length) text.append(element("div", say("Files of yours that fit: {files}", { files: found.candidates.join(", ") })));
  if (found.change) text.append(repair(found.change, apply));
  const place = element("td");
  place.append(node);
  line.append(severity, place, text);
  for (const cell of line.children) Object.assign(cell.style, { verticalAlign: "top", padding: "4px 8px" });
  return line;
}

function repair(change, apply) {
  const button = element("button", say("Set {input} to {value}", change));
  button.onclick = () => {
    button.disabled = apply(change);
  };
  return button;
}

function element(name, text) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  return made;
}
