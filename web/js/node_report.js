// Shows the report of a run in the body of the node that made it: wrapped, warnings marked, no taller than a limit.
// Nothing of it is saved with the graph or goes into the prompt.

import { app } from "../../../scripts/app.js";

const NAME = "armature_report_text";
const OWN_TABLE = "ArmatureCompatibilityCheck"; // shows its report as a table of its own
const WARNING = "Warning: "; // as common/report_lines.py begins such lines
const LIMIT = 180; // pixels; a longer report is scrolled
const MARGIN = 10; // pixels that the canvas leaves free on each side of such a widget

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
  },
  nodeCreated(node) {
    if (!node.comfyClass?.startsWith("Armature") || node.comfyClass === OWN_TABLE) return;
    const before = node.onExecuted;
    node.onExecuted = function (output) {
      before?.apply(this, arguments);
      const text = output?.text;
      if (text !== undefined) show(this, [].concat(text).join("\n"));
    };
  },
});

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
