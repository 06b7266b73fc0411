// Presets: weights, ranges and curves under a name, shipped ones and those that were saved on this server.

import { element, pressOnEnter } from "./elements.js";
import { changed } from "./graph.js";
import { applied, controlsOf, shippedFor } from "./preset_values.js";
import { SHIPPED } from "./shipped_presets.js";

const ROUTE = "armature/presets";
const SAVED = "saved:"; // before the name of a saved one in the list
const at = (id) => document.getElementById(id);
let saved = [];
let undo = null; // {work, graph}: takes back what was done last; graph: the name of the graph it was done to, if it was
let turn = Promise.resolve(); // one act after the other: taking back belongs to what was clicked before it

/** Make the section work, and ask the server for what is saved. */
export async function watchPresets(desk, guarded) {
  const acts = { "use-preset": apply, "save-preset": save, "rename-preset": rename, "delete-preset": remove };
  for (const [id, act] of Object.entries(acts)) at(id).onclick = inTurn(guarded(() => act(desk)));
  at("undo-preset").onclick = inTurn(guarded(takeBack));
  at("preset").onchange = tellChosen;
  pressOnEnter(at("preset-name"), at("save-preset"));
  await guarded(() => ask(desk))();
}

const inTurn = (act) => () => (turn = turn.then(act));

/** Draw the list: what this graph has a use for. */
export function drawPresets(desk) {
  const shipped = shippedFor(desk.graph, desk.info);
  if (undo?.graph && undo.graph !== desk.name) withdraw();
  const before = at("preset").value;
  const group = (label, options) => (options.length ? [element("optgroup", { label }, ...options)] : []);
  at("presets").hidden = !shipped.length;
  at("preset").replaceChildren(
    ...group("Shipped", shipped.map(({ name }) => element("option", { value: name }, name))),
    ...group("Saved on this server", saved.map(({ name }) => element("option", { value: SAVED + name }, name))),
  );
  if ([...at("preset").options].some(({ value }) => value === before)) at("preset").value = before;
  tellChosen();
}

const chosenSaved = () => saved.find(({ name }) => SAVED + name === at("preset").value);

function tellChosen() {
  const own = chosenSaved();
  for (const id of ["rename-preset", "delete-preset"]) at(id).hidden = !own;
  at("preset-hint").textContent = own ? own.controls.map(({ title }) => title).join(", ") : (SHIPPED.find(({ name }) => name === at("preset").value)?.hint ?? "");
}

async function ask(desk) {
  const { presets, told } = await desk.server.json(ROUTE);
  if (!Array.isArray(presets)) throw new TypeError(ROUTE); // before it takes the place of those that are known
  saved = presets;
  drawPresets(desk);
  if (told.length) desk.say(told.join("\n"), "error");
}

async function apply(desk) {
  const preset = chosenSaved() ?? shippedFor(desk.graph, desk.info).find(({ name }) => name === at("preset").value);
  if (!preset) return;
  const { changes, told } = applied(preset, desk.graph, desk.shipped, desk.info);
  if (changes.length) {
    const before = changes.map(([id, input, value]) => ({ id, input, set: value, value: desk.graph[id].inputs[input] }));
    const shown = desk.replace(changed(desk.graph, changes));
    offerUndo("Undo the preset", () => unset(desk, preset, before), desk.name); // also where the server does not answer
    await shown;
  }
  desk.say([`${preset.name}: ${changes.length ? "set." : "nothing changes."}`, ...told].join("\n"));
}

/** Put back what a preset set; what was changed by hand since stays. */
async function unset(desk, preset, before) {
  const still = before.filter(({ id, input, set }) => desk.graph[id]?.inputs[input] === set);
  await desk.replace(changed(desk.graph, still.map(({ id, input, value }) => [id, input, value])));
  desk.say(still.length === before.length ? `${preset.name} is taken back.` : `${preset.name} is taken back, but for what you changed since.`);
}

async function save(desk) {
  const { name, replaced } = await post(desk, "save", { name: at("preset-name").value, controls: controlsOf(desk.graph, desk.info) });
  await showSaved(desk, name);
  const back = replaced ? () => post(desk, "save", { name, controls: replaced }) : () => post(desk, "delete", { name });
  offerUndo("Undo saving", () => doneBack(desk, back, replaced ? `${name} is as it was.` : `${name} is not kept.`));
  desk.say(replaced ? `${name} is saved, in the place of the one of this name.` : `${name} is saved.`);
}

async function rename(desk) {
  const { name: old } = chosenSaved();
  const { name } = await post(desk, "rename", { name: old, to: at("preset-name").value });
  await showSaved(desk, name);
  offerUndo("Undo renaming", () => doneBack(desk, () => post(desk, "rename", { name, to: old }), `It is called ${old} again.`));
  desk.say(`${old} is called ${name} now.`);
}

async function remove(desk) {
  const { name, deleted } = await post(desk, "delete", { name: chosenSaved().name });
  await ask(desk);
  offerUndo("Undo deleting", () => doneBack(desk, () => post(desk, "save", { name, controls: deleted }), `${name} is back.`));
  at("undo-preset").focus();
  desk.say(`${name} is deleted.`);
}

async function doneBack(desk, work, text) {
  await work();
  await ask(desk);
  desk.say(text);
}

async function showSaved(desk, name) {
  await ask(desk);
  at("preset").value = SAVED + name;
  tellChosen();
}

function offerUndo(text, work, graph = null) {
  undo = { work, graph };
  at("undo-preset").textContent = text;
  at("undo-preset").hidden = false;
}

function withdraw() {
  undo = null;
  at("undo-preset").hidden = true;
}

async function takeBack() {
  const { work } = undo ?? {};
  if (!work) return; // clicked twice
  await work();
  withdraw();
  at("preset").focus();
}

const post = (desk, what, body) => desk.server.post(`${ROUTE}/${what}`, body);
