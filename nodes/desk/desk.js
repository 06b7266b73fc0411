// The desk: one page that runs a graph of nodes as a form. It talks to the server's public API alone.

import { element } from "./elements.js";
import { modelField, promptField, settingField, weightField } from "./fields.js";
import { checkFit } from "./findings.js";
import { EXAMPLE, LOAD, modelFiles, pictures, prompts, settings, unknownKinds, weights } from "./graph.js";
import { pictureTile } from "./pictures.js";
import { cancelRun, makePicture, showMaps } from "./runs.js";
import { Server } from "./server.js";

const HOME = "ArmatureControlMap"; // a node of this pack: the server says which folder it lies in
const NOTES = ["Note", "MarkdownNote"];
const NAMES = [[/ip adapter/, "IP-Adapter"], [/loras?/, (word) => word.replace("lora", "LoRA")], [/controlnext/, "ControlNeXt"], [/sd15/, "SD 1.5"], [/sdxl/, "SDXL"], [/svd/, "SVD"]];
const at = (id) => document.getElementById(id);

const desk = {
  server: new Server(),
  info: {},
  pack: "",
  graph: null,
  name: "",

  /** Put a value into the graph. */
  set(id, input, value) {
    this.graph[id].inputs[input] = value;
    this.outdate();
  },

  /** Put the name of a model file into the graph: what depends on it is looked at anew. */
  setFile(id, input, value) {
    this.set(id, input, value);
    drawSection("weights");
    lookAtFiles();
  },

  /** Another picture: inputs for a node, or another kind of node in its place, with `more` nodes before it. */
  change(id, { class_type: kind, inputs, more = {} }) {
    const node = this.graph[id];
    Object.assign(this.graph, more);
    this.graph[id] = kind ? { ...node, class_type: kind, inputs } : { ...node, inputs: { ...node.inputs, ...inputs } };
    this.outdate();
  },

  /** Draw all fields anew, after asking what the server has now. */
  async redraw() {
    await learn(Object.values(this.graph).map((node) => node.class_type), true);
    await learn([LOAD, EXAMPLE], true);
    draw();
  },

  /** What is shown was made with other values. */
  outdate() {
    for (const one of document.querySelectorAll(".figures")) one.classList.add("stale");
  },

  say(text, kind = "") {
    at("status").textContent = text;
    at("status").className = kind;
  },

  /** Ask the server anew what its nodes take, and draw the fields with it. */
  async relearn() {
    await learn(Object.keys(this.info), true);
    draw();
  },

  /** Bring the field of a node into view. */
  show(id) {
    const field = document.querySelector(`[data-node="${CSS.escape(String(id))}"] :is(select, input, textarea)`);
    field?.closest("details")?.setAttribute("open", "");
    field?.focus();
  },

  /** Do what the person clicked for in a finding. */
  apply({ node, input, value }) {
    if (!(input in (this.graph[node]?.inputs ?? {}))) return false;
    this.set(node, input, value);
    draw();
    return true;
  },
};

/** Ask the server what it knows about some kinds of node; once, unless `again`. */
async function learn(kinds, again = false) {
  const asked = [...new Set(kinds)].filter((kind) => again || !(kind in desk.info));
  const answers = await Promise.all(asked.map((kind) => desk.server.nodeInfo(kind)));
  asked.forEach((kind, number) => (desk.info[kind] = answers[number]));
}

async function start() {
  await learn([HOME, LOAD, EXAMPLE]);
  desk.pack = desk.info[HOME].python_module.split(".").pop();
  const names = (await desk.server.json("workflow_templates"))[desk.pack].sort();
  at("graph").replaceChildren(...names.map((name) => element("option", { value: name }, spoken(name))));
  const wanted = decodeURIComponent(location.hash.slice(1));
  at("graph").value = names.includes(wanted) ? wanted : names.includes("control_signal") ? "control_signal" : names[0];
  await choose(at("graph").value);
}

/** A file's name as a title: ip_adapter_style becomes IP-Adapter style. */
function spoken(name) {
  const words = NAMES.reduce((text, [pattern, written]) => text.replace(pattern, written), name.replaceAll("_", " "));
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Open a shipped graph. Whoever types in the choice passes others on the way: the last one counts. */
async function choose(name) {
  const folder = `workflow_templates/${desk.pack}`;
  const [graph, saved] = await Promise.all([desk.server.json(`${folder}/api/${name}.json`), desk.server.json(`${folder}/${name}.json`)]);
  if (name !== at("graph").value) return;
  history.replaceState(null, "", `#${name}`);
  at("editor").href = `./?${new URLSearchParams({ template: name, source: desk.pack })}`;
  await open(graph, name, saved.nodes.filter((node) => NOTES.includes(node.type)).map((node) => node.widgets_values[0]));
}

/** Open an API prompt from a file of the person's. */
async function openFile(file) {
  const graph = JSON.parse(await file.text());
  if (Array.isArray(graph.nodes)) throw new Error(`${file.name} is a graph as the editor saves it. In ComfyUI choose Export (API) and open that file.`);
  if (!Object.values(graph).every((node) => node?.class_type && node.inputs)) throw new Error(`${file.name} is no API prompt.`);
  at("editor").removeAttribute("href");
  await open(graph, file.name, []);
}

async function open(graph, name, notes) {
  Object.assign(desk, { graph, name });
  await learn(Object.values(graph).map((node) => node.class_type), true);
  at("note").hidden = !notes.length;
  at("note").querySelector("div").replaceChildren(...notes.map((note) => element("p", {}, note.replace(/^What to change first\s*/, ""))));
  for (const place of document.querySelectorAll(".figures, .reports, .report > div")) place.replaceChildren();
  document.querySelector(".report").hidden = true;
  draw();
  at("desk").dataset.graph = name;
  const unknown = unknownKinds(graph, desk.info);
  if (unknown.length) desk.say(`This server lacks the nodes ${unknown.join(", ")}. Install the packs that hold them.`, "error");
  else desk.say(`${spoken(name)} is ready.`);
}

const SECTIONS = {
  pictures: [pictures, pictureTile],
  prompts: [prompts, promptField],
  weights: [weights, weightField],
  models: [modelFiles, modelField],
  settings: [settings, settingField],
};

/** Draw all fields anew; what had the focus has it again. */
function draw() {
  const focused = document.activeElement?.id;
  const holder = document.activeElement?.closest("[data-node]");
  Object.keys(SECTIONS).forEach(drawSection);
  if (holder && !document.contains(holder)) desk.show(holder.dataset.node);
  else at(focused)?.focus();
  lookAtFiles();
}

function drawSection(section) {
  const [find, field] = SECTIONS[section];
  const found = find(desk.graph, desk.info);
  at(section).hidden = !found.length;
  at(section).querySelector(":scope > div").replaceChildren(...found.map((one) => withNode(field(desk, one), one.id)));
}

function lookAtFiles() {
  nameMissing(modelFiles(desk.graph, desk.info).filter((one) => one.missing));
  checkFit(desk, at("findings"), (text, bad) => tally("findings", text, bad));
}

function withNode(field, id) {
  field.dataset.node = id;
  return field;
}

/** Which model files are not there, and how to get them. */
function nameMissing(missing) {
  const names = [...new Set(missing.map((one) => one.value))];
  tally("models", names.length ? `${names.length} not on this server` : "", names.length);
  at("models").querySelector(".hint").textContent = names.length
    ? `Not on this server: ${names.join(", ")}.\nChoose files that it has, or download these where it runs: python armature.py fetch ${desk.name}`
    : "";
  if (names.length) at("models").open = true;
}

/** A few words behind the title of a section that may be closed. */
function tally(section, text, bad) {
  const place = at(section).querySelector(".count");
  place.textContent = text && `· ${text}`;
  place.classList.toggle("bad", Boolean(bad));
}

/** Runs something that may be refused, and says so. */
const guarded = (work) => async (event) => {
  event?.preventDefault?.();
  try {
    await work(event);
  } catch (error) {
    desk.say(error.message, "error");
  }
};

at("graph").onchange = guarded(() => choose(at("graph").value));
at("own-graph").onchange = guarded(() => openFile(at("own-graph").files[0]));
at("show-maps").onclick = guarded(() => showMaps(desk));
at("desk").onsubmit = guarded(() => makePicture(desk));
at("cancel").onclick = guarded(() => cancelRun(desk));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") guarded(() => cancelRun(desk))();
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) at("desk").requestSubmit();
});
guarded(start)();
