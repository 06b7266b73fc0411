// The desk: one page that runs a graph of nodes as a form. It talks to the server's public API alone.

import { drawBatch, showBatchOf, watchBatch } from "./batch.js";
import { element } from "./elements.js";
import { modelField, promptField, weightField } from "./fields.js";
import { checkFit } from "./findings.js";
import { EXAMPLE, LOAD, modelFiles, pictures, prompts, unknownKinds, weights } from "./graph.js";
import { History } from "./history.js";
import { changesOf, isGraph, isObject, isText, keep, keepHere, recall, recallHere, recallShared, withChanges } from "./kept.js";
import { ready, tellLacks } from "./missing.js";
import { watchName } from "./names.js";
import { graphIn, nameNodes, takeDrops } from "./opening.js";
import { pictureTile } from "./pictures.js";
import { drawPresets, watchPresets } from "./presets.js";
import { PROFILE, profileField, profiles } from "./profiles.js";
import { watchQueue } from "./queue.js";
import { watchPictures } from "./result_tools.js";
import { cancelRun, makePicture, resume, showMaps, unfinished } from "./runs.js";
import { saidOf, Server } from "./server.js";
import { sharedSettingField, sharedSettings } from "./shared_settings.js";
import { awaited, patiently, settled } from "./waiting.js";

const HOME = "ArmatureControlMap"; // a node of this pack: the server says which folder it lies in
const OFTEN = [LOAD, EXAMPLE, PROFILE]; // nodes that the desk may put into a graph
const NOTES = ["Note", "MarkdownNote"];
const NAMES = [[/ip adapter/, "IP-Adapter"], [/loras?/, (word) => word.replace("lora", "LoRA")], [/controlnext/, "ControlNeXt"], [/sd15/, "SD 1.5"], [/sdxl/, "SDXL"], [/svd/, "SVD"]];
const OWN = "own:"; // before the name of a graph from a file of the person's
const MOST_OWN = 5; // such graphs that are kept
const at = (id) => document.getElementById(id);

const desk = {
  server: new Server(recallHere("client", isText)),
  info: {},
  pack: "",
  shipped: {}, // the graph as it was opened, before anything was changed
  graph: null,
  name: "",
  own: ownGraphs(recall),
  ownNotes: {}, // of graphs that were opened since the page was

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

  /** Learn what the server knows about kinds of node that the graph did not have. */
  know: (kinds) => learn(kinds),

  /** Draw all fields anew, after asking what the server has now; as far as it is known, where the server does not answer. */
  async redraw() {
    try {
      await learn([...kindsIn(this.graph), ...OFTEN], true);
    } finally {
      draw();
    }
  },

  /** Do something for a button or field, and say what went wrong. */
  async act(work) {
    try {
      return await work();
    } catch (error) {
      this.fail(error);
    }
  },

  fail(error) {
    this.say(saidOf(error), "error");
  },

  /** What is shown was made with other values, which the browser keeps from now on. */
  outdate() {
    keepChanges();
    for (const one of document.querySelectorAll(".figures")) one.classList.add("stale");
  },

  /** A run has ended, one way or another. */
  ended() {
    this.history.refresh();
  },

  /** Show all runs of a batch, of which one is a row of the history. */
  showBatch(project, batch) {
    showBatchOf(desk, project, batch);
  },

  /** Put the prompt of a run into the graph's place; a graph that is not offered becomes one of the person's own. */
  async restore(name, prompt) {
    const offered = isOffered(name);
    if (!offered) addOwn(`${ownName(name) || name || "run"}`, prompt);
    const wanted = offered ? name : OWN + (ownName(name) || name || "run");
    at("graph").value = wanted;
    if (wanted !== this.name && !(await choose(wanted))) throw new Error("Another graph was chosen meanwhile. Nothing was restored.");
    await this.replace(prompt);
  },

  /** Put a graph into the place of the one that is set; Undo takes that back. */
  async replace(graph) {
    const before = this.graph;
    this.graph = graph;
    this.outdate();
    this.before = before; // at once: what is changed while the fields are drawn anew ends the offer
    offerStartOver();
    await this.redraw();
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
  keepHere("client", desk.server.clientId);
  await patiently(desk, () => learn([HOME, ...OFTEN]));
  desk.pack = desk.info[HOME].python_module.split(".").pop();
  const names = (await patiently(desk, () => desk.server.json("workflow_templates")))[desk.pack].sort();
  offer(names);
  const run = unfinished();
  const wanted = [run?.graph, nameInAddress(), recall("graph", isText), "control_signal", names[0]];
  at("graph").value = wanted.find(isOffered);
  desk.history = new History(desk, guarded);
  try {
    await patiently(desk, () => choose(at("graph").value));
  } finally {
    watchBatch(desk, guarded); // also where this graph cannot be opened: another can
    await watchPresets(desk, guarded);
  }
  if (run) await resume(desk, run);
}

/** The graphs to choose among: those that are shipped, and those from files of the person's. */
function offer(names) {
  const own = Object.keys(desk.own).map((name) => element("option", { value: OWN + name }, name));
  at("graph").replaceChildren(...names.map((name) => element("option", { value: name }, spoken(name))));
  if (own.length) at("graph").append(element("optgroup", { label: "From files of yours" }, ...own));
}

const isOffered = (name) => [...at("graph").options].some((one) => one.value === name);
const ownName = (name) => (name?.startsWith(OWN) ? name.slice(OWN.length) : "");

/** The graphs from files of the person's: of this tab, or with recallShared of all tabs. */
function ownGraphs(from) {
  return Object.fromEntries(Object.entries(from("own", isObject) ?? {}).filter(([, graph]) => isGraph(graph)));
}

/** The name behind the # of the page's address; empty where it is none. */
function nameInAddress() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return ""; // a lone %
  }
}

/** A file's name as a title: ip_adapter_style becomes IP-Adapter style. */
function spoken(name) {
  const words = NAMES.reduce((text, [pattern, written]) => text.replace(pattern, written), name.replaceAll("_", " "));
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Open a graph that is offered; whether it was. Whoever types in the choice passes others on the way: the last one counts. */
const choose = (name) =>
  awaited(choosing(name)).catch((error) => {
    if (desk.name && name === at("graph").value) at("graph").value = desk.name; // which is still shown
    throw error;
  });

async function choosing(name) {
  const { graph, notes } = await graphNamed(name);
  const kept = await withKept(graph, name);
  if (name !== at("graph").value) return false;
  history.replaceState(null, "", `#${encodeURIComponent(name)}`);
  keep("graph", name);
  if (ownName(name)) at("editor").removeAttribute("href");
  else at("editor").href = `./?${new URLSearchParams({ template: name, source: desk.pack })}`;
  open(kept, name, notes);
  return true;
}

async function graphNamed(name) {
  if (ownName(name)) return { graph: desk.own[ownName(name)], notes: desk.ownNotes[ownName(name)] ?? [] };
  const folder = `workflow_templates/${desk.pack}`;
  const [graph, saved] = await Promise.all([desk.server.json(`${folder}/api/${name}.json`), desk.server.json(`${folder}/${name}.json`)]);
  return { graph, notes: saved.nodes.filter((node) => NOTES.includes(node.type)).map((node) => node.widgets_values[0]) };
}

/** Open the graph in a file of the person's; the last few are kept. */
async function openFile(file) {
  if (!file) return;
  const { prompt, notes } = await graphIn(desk.server, file);
  // Changes belong to what was opened: another graph of this name begins as its file has it.
  if (JSON.stringify(desk.own[file.name]) !== JSON.stringify(prompt)) keep(`changes ${OWN}${file.name}`, {});
  addOwn(file.name, prompt);
  desk.ownNotes[file.name] = notes;
  at("graph").value = OWN + file.name;
  await choose(at("graph").value);
}

function addOwn(name, graph) {
  const others = Object.entries({ ...desk.own, ...ownGraphs(recallShared) }).filter(([other]) => other !== name);
  desk.own = Object.fromEntries([[name, graph], ...others].slice(0, MOST_OWN));
  keep("own", desk.own);
  offer([...at("graph").querySelectorAll(":scope > option")].map((one) => one.value));
}

const kindsIn = (graph) => Object.values(graph).map((node) => node.class_type);

/** A graph with what was changed in it before: {shipped, graph, lost}. */
async function withKept(given, name) {
  const shipped = structuredClone(given);
  await learn(kindsIn(shipped), true);
  nameNodes(shipped, desk.info); // before changes are told from it
  const kept = withChanges(shipped, recall(`changes ${name}`, isObject));
  await learn(kindsIn(kept.graph));
  return { shipped, ...kept };
}

function open({ shipped, graph, lost }, name, notes) {
  Object.assign(desk, { shipped, graph, name, before: null });
  at("note").hidden = !notes.length;
  at("note").querySelector("div").replaceChildren(...notes.map((note) => element("p", {}, note.replace(/^What to change first\s*/, ""))));
  for (const place of document.querySelectorAll(".figures, .reports, .report > div")) place.replaceChildren();
  document.querySelector(".report").hidden = true;
  draw();
  at("desk").dataset.graph = ownName(name) || name;
  const unknown = unknownKinds(graph, desk.info);
  const changed = offerStartOver();
  if (unknown.length) desk.say(`This server lacks the nodes ${unknown.join(", ")}. Install the packs that hold them.`, "error");
  else desk.say([`${ownName(name) || spoken(name)} is ready.`, changed && "What you changed is back.", lost && `The graph is another one now; changes that found no place: ${lost}.`].filter(Boolean).join(" "));
}

/** Keep how the graph differs from what was opened. */
function keepChanges() {
  const changes = changesOf(desk.shipped, desk.graph);
  const kept = keep(`changes ${desk.name}`, changes); // no changes too: another tab may have kept some
  if (!kept && !desk.warned) desk.say("This browser keeps nothing for this page: what you change is lost on a reload.", "error");
  desk.warned ||= !kept;
  desk.before = null;
  offerStartOver();
}

/** The button that gives the graph as it came, and after such a step takes it back; whether there is anything changed. */
function offerStartOver() {
  const changed = Object.keys(changesOf(desk.shipped, desk.graph)).length > 0;
  at("start-over").hidden = !changed && !desk.before;
  at("start-over").textContent = desk.before ? "Undo" : "Start over";
  return changed;
}

function startOver() {
  const before = desk.before ? null : desk.graph;
  desk.graph = desk.before ?? structuredClone(desk.shipped);
  desk.outdate();
  desk.before = before;
  offerStartOver();
  draw();
  desk.say(before ? "The graph is as it came." : "What you changed is back.");
}

const SECTIONS = {
  pictures: [pictures, pictureTile],
  prompts: [prompts, promptField],
  weights: [weights, weightField],
  models: [modelFiles, modelField],
  profiles: [profiles, profileField],
  settings: [sharedSettings, sharedSettingField],
};

/** Draw all fields anew; what had the focus has it again. */
function draw() {
  const focused = document.activeElement?.id;
  const holder = document.activeElement?.closest("[data-node]");
  Object.keys(SECTIONS).forEach(drawSection);
  drawPresets(desk);
  drawBatch(desk);
  if (holder && !document.contains(holder)) desk.show(holder.dataset.node);
  else at(focused)?.focus();
  lookAtFiles();
}

function drawSection(section) {
  const [find, field] = SECTIONS[section];
  const found = find(desk.graph, desk.info);
  at(section).hidden = !found.length;
  at(section).querySelector(":scope > div").replaceChildren(...found.map((one) => withNode(field(desk, one), one)));
}

function lookAtFiles() {
  nameMissing(modelFiles(desk.graph, desk.info).filter((one) => one.missing));
  checkFit(desk, at("findings"), (text, bad) => tally("findings", text, bad));
  tellLacks(desk);
}

function withNode(field, { id, input, spec }) {
  field.dataset.node = id;
  field.dataset.input = input ?? spec.name;
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
const guarded = (work) => (event) => {
  event?.preventDefault?.();
  return desk.act(() => work(event));
};

at("graph").onchange = guarded(() => at("graph").value && choose(at("graph").value));
addEventListener("hashchange", guarded(() => {
  const name = nameInAddress(); // as a bookmark has it, or a person wrote it
  if (name === desk.name || !isOffered(name)) return;
  at("graph").value = name;
  return choose(name);
}));
at("own-graph").onchange = guarded(async () => {
  const [file] = at("own-graph").files;
  at("own-graph").value = ""; // so that the same file may be chosen again
  await openFile(file);
});
at("show-maps").onclick = guarded(async () => (await settled(desk)) && showMaps(desk));
at("desk").onsubmit = guarded(async () => (await settled(desk)) && (await ready(desk)) && makePicture(desk, await desk.history.note()));
at("desk").addEventListener("input", () => tellLacks(desk));
at("start-over").onclick = guarded(() => startOver());
takeDrops((files) => desk.act(() => {
  if (files.length > 1) throw new Error(`These are ${files.length} files. Drop one graph, or pictures beside the choice of a picture.`);
  return openFile(files[0]);
}));
watchPictures(desk);
watchQueue(desk);
watchName();
at("cancel").onclick = guarded(() => cancelRun(desk));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") guarded(() => cancelRun(desk))();
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) at("desk").requestSubmit();
});
guarded(start)();
