// Checks the open graph before it is queued, shows what was found, and outlines the nodes concerned.

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { say } from "./phrases.js";
import { COLOURS, reportTable } from "./report_table.js";

const NODE = "ArmatureCompatibilityCheck";
// For each verdict what is said when it is recorded, and when it has been.
const SAID = {
  validated: [() => say("Record this graph as validated"), (sheet) => say("Recorded as validated in {sheet}", sheet)],
  refused: [() => say("Record this graph as refused"), (sheet) => say("Recorded as refused in {sheet}", sheet)],
};

// As the front end's own dialogs look, in its theme's colours.
const STYLE = `
dialog.armature-report { width: min(64rem, 90vw); max-height: 80vh; overflow: auto; padding: 0; border-radius: 16px;
  color: var(--input-text); background: var(--comfy-menu-bg); border: 1px solid var(--border-color); font-size: 14px;
  box-shadow: 0 12px 40px rgb(0 0 0 / 0.5); }
dialog.armature-report::backdrop { background: rgb(0 0 0 / 0.4); }
dialog.armature-report > header { position: sticky; top: 0; display: flex; align-items: center; gap: 1rem; padding: 12px 16px;
  background: inherit; border-bottom: 1px solid var(--border-color); }
dialog.armature-report h2 { flex: 1; margin: 0; font-size: 16px; font-weight: 600; }
dialog.armature-report > div { padding: 12px 16px; }
dialog.armature-report p { margin: 0 0 8px; }
dialog.armature-report button { font: inherit; padding: 4px 10px; border-radius: 8px; cursor: pointer; color: inherit;
  background: var(--comfy-input-bg); border: 1px solid var(--border-color); }
dialog.armature-report button:hover { filter: brightness(1.25); }
dialog.armature-report button:disabled { opacity: 0.5; cursor: default; }
`;

app.registerExtension({
  name: "Armature.Compatibility",
  commands: [
    {
      id: "Armature.CheckCompatibility",
      label: "Check compatibility",
      icon: "pi pi-check-circle",
      tooltip: "Say whether the model files of this graph belong together, before it is queued",
      function: checkOpenGraph,
    },
    {
      id: "Armature.Record.validated",
      label: "Record this graph as validated",
      icon: "pi pi-book",
      tooltip: "Add its checkpoint, control nets and preprocessors to your team's armature.json",
      function: () => recordOpenGraph("validated"),
    },
    {
      id: "Armature.Record.refused",
      label: "Record this graph as refused",
      icon: "pi pi-book",
      tooltip: "Add its checkpoint, control nets and preprocessors to your team's armature.json",
      function: () => recordOpenGraph("refused"),
    },
  ],
  menuCommands: [
    {
      path: ["Extensions", "Armature"],
      commands: ["Armature.CheckCompatibility", "Armature.Record.validated", "Armature.Record.refused"],
    },
  ],
  actionBarButtons: [
    {
      icon: "icon-[lucide--check-check]",
      get tooltip() {
        return say("Check compatibility of the model files");
      },
      onClick: checkOpenGraph,
    },
  ],
  init() {
    document.head.append(Object.assign(document.createElement("style"), { textContent: STYLE }));
  },
  nodeCreated(node) {
    if (node.comfyClass === NODE) showReportOn(node);
  },
});

/** Ask the server about the open graph and show its answer. Resolves to the report, or to null when there is none. */
async function checkOpenGraph() {
  const answer = await send("/armature/compatibility", {});
  if (!answer) return null;
  outline(answer.findings);
  openDialog(answer);
  return answer;
}

/** Add the combinations of the open graph to the team's sheet, with a note that the person may give. */
async function recordOpenGraph(verdict) {
  const note = await app.extensionManager.dialog.prompt({
    title: SAID[verdict][0](),
    message: say("Note for your team:"),
    defaultValue: "",
  });
  if (note === null || note === undefined) return;
  const answer = await send("/armature/sheet", { verdict, note });
  if (answer) toast("success", SAID[verdict][1](answer), answer.recorded.join("; "));
}

/** Post the open graph with more fields; resolves to the answer, or to null after saying why there is none. */
async function send(route, more) {
  const { output } = await app.graphToPrompt();
  const response = await api.fetchApi(route, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ prompt: output, ...more }),
  });
  const answer = await response.json();
  if (response.ok) return answer;
  toast("error", say("Could not be done"), answer.error?.message ?? response.statusText);
  return null;
}

/** Outline the nodes that findings name, in the colour of the worst one. Nothing of it is saved with the graph. */
function outline(findings) {
  const worst = new Map();
  for (const found of findings) {
    const node = nodeOf(found.node);
    if (node && !worst.has(node)) worst.set(node, found.severity); // findings come most severe first
  }
  for (const node of graph().nodes) {
    const colour = COLOURS[worst.get(node)];
    node.strokeStyles ??= {};
    node.strokeStyles.armature = colour ? () => ({ color: colour, lineWidth: 3, padding: 8 }) : () => undefined;
  }
  graph().setDirtyCanvas(true, true);
  outlineElements(worst);
}

/** The same where nodes are elements of the page, which the canvas does not draw. */
function outlineElements(worst) {
  let style = document.getElementById("armature-outlines");
  if (!style) {
    style = Object.assign(document.createElement("style"), { id: "armature-outlines" });
    document.head.append(style);
  }
  const rules = [...worst].map(([node, severity]) => {
    const place = `[data-node-id="${CSS.escape(String(node.id))}"]`;
    return `${place} { outline: 3px solid ${COLOURS[severity]}; outline-offset: 6px; border-radius: 12px; }`;
  });
  style.textContent = rules.join("\n");
}

/** The graph that is open; older front ends have no other than that of the canvas. */
function graph() {
  return app.rootGraph ?? app.graph;
}

/** The node of the open graph with an id of the prompt; for one inside a subgraph, the subgraph's node. */
function nodeOf(id) {
  return graph().getNodeById(Number(String(id).split(":")[0])) ?? null;
}

function openDialog(report) {
  document.querySelector("dialog.armature-report")?.remove();
  const dialog = document.createElement("dialog");
  dialog.className = "armature-report";
  dialog.setAttribute("aria-labelledby", "armature-report-title");
  const title = Object.assign(document.createElement("h2"), { id: "armature-report-title", textContent: say("Compatibility") });
  const close = Object.assign(document.createElement("button"), { textContent: say("Close"), className: "close" });
  close.onclick = () => dialog.close();
  dialog.onclose = () => dialog.remove();
  const bar = document.createElement("header");
  bar.append(title, close);
  dialog.append(bar, reportTable(report, { show: showNode, apply: applyChange }));
  document.body.append(dialog);
  dialog.showModal();
}

function showNode(id) {
  const node = nodeOf(id);
  if (!node) return;
  document.querySelector("dialog.armature-report")?.close();
  app.canvas.centerOnNode(node);
  app.canvas.selectNode(node);
}

/** Put the value that repairs a finding into its widget; only ever called by the person's click. */
function applyChange(change) {
  const node = String(change.node).includes(":") ? null : nodeOf(change.node);
  const widget = node?.widgets?.find((one) => one.name === change.input);
  if (!widget) {
    toast("warn", say("Not changed"), say("Node {node} has no widget {input} here; change it by hand.", change));
    return false;
  }
  widget.value = change.value;
  widget.callback?.(change.value);
  graph().setDirtyCanvas(true, true);
  return true;
}

/** Show the report that a run made as a table on its node. */
function showReportOn(node) {
  const place = document.createElement("div");
  place.style.overflow = "auto";
  const widget = node.addDOMWidget("report_table", "armature_report", place, {
    serialize: false,
    hideOnZoom: false,
    getMinHeight: () => 120,
  });
  widget.serialize = false;
  const before = node.onExecuted;
  node.onExecuted = function (output) {
    before?.apply(this, arguments);
    const report = output?.armature_report?.[0];
    if (report) place.replaceChildren(reportTable(report, { show: showNode, apply: applyChange }));
  };
}

function toast(severity, summary, detail) {
  app.extensionManager.toast.add({ severity, summary, detail, life: 8000 });
}
