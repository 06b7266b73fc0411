// Shows the report of a run in the body of the node that made it: wrapped, warnings marked, no taller than a limit.
// Nothing of it is saved with the graph or goes into the prompt. Where a graph is opened again of which the editor still knows
// what its nodes showed (another tab, an undone change), they show it again.

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";

const NAME = "armature_report_text";
const OWN_TABLE = "ArmatureCompatibilityCheck"; // shows its report as a table of its own
const WARNING = "Warning: "; // as common/report_lines.py begins such lines
const LIMIT = 180; // pixels; a longer report is scrolled
const MARGIN = 10; // pixels that the canvas leaves free on each side of such a widget
const TOLD = "$$node-text-preview"; // the editor's own widget for what a node tells while it runs

const STYLE = `
.armature-report-text { overflow-y: auto; max-height: ${LIMIT}px; min-height: 0; box-sizing: border-box; padding: 4px 6px;
  border-radius: 4px; font: 11px/1.4 system-ui, sans-serif; white-space: pre-wrap; overflow-wrap: anywhere; user-select: text;
  color: var(--input-text); background: var(--comfy-input-bg); cursor: text; }
.armature-report-text .warning { color: #f5a623; }
.armature-report-text .warning::before { content: "⚠ "; }
`;

app.registerExtension({
  name: "Armature.NodeReport",
  init() {
    const style = document.createElement("style");
    style.textContent = STYLE;
    document.head.append(style);
    // Warnings that other nodes, samplers above all, were given by us in the run before.
    api.addEventListener("execution_start", () => {
      for (const graph of allGraphs())
        for (const node of graph.nodes ?? []) if (String(toldOn(node)?.value).startsWith(WARNING)) forgetTold(node);
    });
  },
  nodeCreated(node) {
    if (!isOurs(node)) return;
    const before = node.onExecuted;
    node.onExecuted = function (output) {
      before?.apply(this, arguments);
      showOutput(this, output);
    };
  },
  afterConfigureGraph() {
    setTimeout(showAgain); // the editor brings back what it knows after the graph
  },
});

function showOutput(node, output) {
  const text = output?.text;
  if (text === undefined) return;
  forgetTold(node);
  show(node, [].concat(text).join("\n"));
}

/** What was told while the node ran is in the report; left alone, it would stand there after later runs. */
function forgetTold(node) {
  const told = toldOn(node);
  if (!told) return;
  told.onRemove?.();
  node.widgets.splice(node.widgets.indexOf(told), 1);
}

function toldOn(node) {
  return node.widgets?.find((widget) => widget.name === TOLD);
}

function allGraphs() {
  const root = app.rootGraph ?? app.graph;
  return [root, ...(root.subgraphs?.values() ?? [])];
}

function showAgain() {
  const graphs = allGraphs();
  for (const graph of graphs)
    for (const node of graph.nodes ?? []) {
      if (!isOurs(node) || widgetOf(node)) continue;
      const place = graph === graphs[0] ? String(node.id) : `${graph.id}:${node.id}`;
      showOutput(node, app.nodeOutputs?.[place]);
    }
}

function isOurs(node) {
  return node.comfyClass?.startsWith("Armature") && node.comfyClass !== OWN_TABLE;
}

/** Put a report on a node; the widget for it is made with the first one. */
function show(node, report) {
  const place = (widgetOf(node) ?? addWidget(node)).element;
  place.replaceChildren(...report.split("\n").filter(Boolean).map(line));
  place.dataset.height = String(heightOf(place, node.size[0] - 2 * MARGIN));
  const [width, least] = node.computeSize();
  node.setSize([Math.max(node.size[0], width), Math.max(node.size[1], least)]);
  app.canvas.setDirty(true, true);
}

function widgetOf(node) {
  return node.widgets?.find((widget) => widget.name === NAME);
}

function addWidget(node) {
  const place = document.createElement("div");
  place.className = "armature-report-text";
  // The canvas would take the wheel for a zoom of the graph.
  place.addEventListener("wheel", (event) => event.stopPropagation(), { passive: true });
  const height = () => Number(place.dataset.height ?? 0);
  const widget = node.addDOMWidget(NAME, "armature_report", place, {
    serialize: false,
    hideOnZoom: false,
    margin: MARGIN,
    getMinHeight: height,
    getMaxHeight: height,
  });
  widget.serialize = false;
  return widget;
}

/** One line of the report. As text, never as markup: it holds names of files. */
function line(text) {
  const made = document.createElement("div");
  const isWarning = text.startsWith(WARNING);
  if (isWarning) made.className = "warning";
  made.textContent = isWarning ? text.slice(WARNING.length) : text;
  return made;
}

/** Pixels that the text needs at this width, up to the limit. Measured beside the page: on the canvas it may be hidden. */
function heightOf(place, width) {
  const copy = place.cloneNode(true);
  Object.assign(copy.style, { position: "absolute", visibility: "hidden", width: `${width}px`, height: "auto" });
  document.body.append(copy);
  const height = copy.scrollHeight;
  copy.remove();
  return Math.min(LIMIT, height) + 2 * MARGIN;
}
