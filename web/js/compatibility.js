// Checks the open graph before it is queued, shows what was found, and outlines the nodes concerned.

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { COLOURS, reportTable } from "./report_table.js";

const NODE = "ArmatureCompatibilityCheck";
const COMMAND = "Armature.CheckCompatibility";

const VERDICTS = ["validated", "refused"];
const recordCommand = (verdict) => `Armature.Record.${verdict}`;

app.registerExtension({
  name: "Armature.Compatibility",
  commands: [
    {
      id: COMMAND,
      label: "Check compatibility",
      icon: "pi pi-check-circle",
      tooltip: "Say whether the model files of this graph belong together, before it is queued",
      function: checkOpenGraph,
    },
    ...VERDICTS.map((verdict) => ({
      id: recordCommand(verdict),
      label: `Record this graph as ${verdict}`,
      icon: "pi pi-book",
      tooltip: "Add its checkpoint, control nets and preprocessors to your team's armature.json",
      function: () => recordOpenGraph(verdict),
    })),
  ],
  menuCommands: [{ path: ["Extensions", "Armature"], commands: [COMMAND, ...VERDICTS.map(recordCommand)] }],
  actionBarButtons: [
    {
      icon: "icon-[lucide--check-check]",
      tooltip: "Check compatibility of the model files",
      onClick: checkOpenGraph,
    },
  ],
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
    title: `Record this graph as ${verdict}`,
    message: "Note for your team:",
    defaultValue: "",
  });
  if (note === null || note === undefined) return;
  const answer = await send("/armature/sheet", { verdict, note });
  if (answer) toast("success", `Recorded as ${verdict} in ${answer.sheet}`, answer.recorded.join("; "));
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
  toast("error", "Could not be done", answer.error?.message ?? response.statusText);
  return null;
}

/** Outline the nodes that findings name, in the colour of the worst one. Nothing of it is saved with the graph. */
function outline(findings) {
  const worst = new Map();
  for (const found of findings) {
    const node = nodeOf(found.node);
    if (node && !worst.has(node)) worst.set(node, found.severity); // findings come most severe first
  }
  for (const node of app.graph.nodes) {
    const colour = COLOURS[worst.get(node)];
    node.strokeStyles ??= {};
    node.strokeStyles.armature = colour ? () => ({ color: colour, lineWidth: 3, padding: 8 }) : () => undefined;
  }
  app.graph.setDirtyCanvas(true, true);
}

/** The node of the open graph with an id of the prompt; for one inside a subgraph, the subgraph's node. */
function nodeOf(id) {
  return app.graph.getNodeById(Number(String(id).split(":")[0])) ?? null;
}

function openDialog(report) {
  document.querySelector("dialog.armature-report")?.remove();
  const dialog = document.createElement("dialog");
  dialog.className = "armature-report";
  Object.assign(dialog.style, {
    maxWidth: "70rem",
    maxHeight: "80vh",
    overflow: "auto",
    color: "var(--input-text)",
    background: "var(--comfy-menu-bg)",
    border: "1px solid var(--border-color)",
  });
  const close = document.createElement("button");
  close.textContent = "Close";
  close.onclick = () => dialog.close();
  dialog.onclose = () => dialog.remove();
  dialog.append(reportTable(report, { show: showNode, apply: applyChange }), close);
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
    toast("warn", "Not changed", `Node ${change.node} has no widget ${change.input} here; change it by hand.`);
    return false;
  }
  widget.value = change.value;
  widget.callback?.(change.value);
  app.graph.setDirtyCanvas(true, true);
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
