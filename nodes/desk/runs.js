// Running: the maps alone, or the whole graph; one run at a time. A page that is loaded anew goes on with the run of this tab.

import { element } from "./elements.js";
import { tellEnd, titleShare } from "./finish.js";
import { mapPrompt, maps, masks, shownMaps } from "./graph.js";
import { offerHands } from "./hands.js";
import { isObject, isText, isTexts, keepHere, recallHere } from "./kept.js";
import { clearPreview, madeNothing, noPicture } from "./outcome.js";
import { Progress } from "./progress.js";
import { offerTools, shownName } from "./result_tools.js";
import { figures, reports, resultNodes } from "./results.js";
import { Lost, Refused } from "./server.js";

const RUNNING = "running"; // where this tab keeps {id, what, graph, began, leftOut, found} of its run
const at = (id) => document.getElementById(id);
const section = (id, part) => document.querySelector(`#${id} ${part}`);
let running = null; // the id of the run, "" while it is being sent

/** Make the control maps and show them: only the part of the graph that leads to them runs. */
export async function showMaps(desk) {
  const wanted = [...maps(desk.graph, desk.info), ...masks(desk.graph, desk.info)];
  if (!wanted.length) return desk.say("This graph has no control maps.");
  await run(desk, "Maps", mapPrompt(desk.graph, wanted));
}

/** Run the whole graph and show its pictures and what its nodes report. `more` is kept by the server with the run. */
export const makePicture = (desk, more) => run(desk, "Picture", structuredClone(desk.graph), more);

/** The run that this tab began before the page was loaded anew: {id, what, graph, began}, or null. */
export const unfinished = () => recallHere(RUNNING, (kept) => isObject(kept) && [kept.id, kept.what, kept.graph].every(isText) && isTexts(kept.leftOut) && Array.isArray(kept.found ?? []));

/** Go on with it, and show what comes of it. */
export async function resume(desk, kept) {
  if (running !== null) return;
  busy(kept.id);
  desk.say(`${kept.what}: looking for the run that was begun before …`);
  try {
    await follow(desk, kept, desk.graph);
  } catch (error) {
    throw madeNothing(kept.what, error, desk.name === kept.graph);
  } finally {
    busy(null);
  }
}

/** Stop what runs, if anything does. */
export async function cancelRun(desk) {
  if (running) await desk.server.cancel([running]);
}

/** Run a prompt to its end and show what came out; resolves to the outputs of its nodes, or to null where there are none. */
async function run(desk, what, prompt, more) {
  if (running !== null) return null;
  busy("");
  const { name } = desk;
  const began = Date.now();
  desk.say(`${what}: sent to the server …`);
  try {
    await provideDemo(desk, prompt);
    const { id, leftOut, found } = await desk.server.submit(prompt, more);
    const kept = { id, what, graph: name, began, leftOut, found };
    keepHere(RUNNING, kept);
    busy(id);
    return await follow(desk, kept, prompt);
  } catch (error) {
    throw madeNothing(what, error, desk.name === name);
  } finally {
    busy(null);
  }
}

/** Wait for the end of a run, whoever sent it when, and show what came out. */
async function follow(desk, { id, what, graph: name, began, leftOut, found = [] }, prompt) {
  const progress = new Progress(prompt, (seen) => show(desk, what, seen));
  const record = await desk.server.follow(id, (message) => progress.see(message)).catch((error) => {
    if (error instanceof Lost) keepHere(RUNNING, null);
    throw error;
  });
  keepHere(RUNNING, null);
  try {
    if (!ended(record)) {
      desk.say("Cancelled.");
      clearPreview();
      titleShare(null);
      return null;
    }
    const seconds = ((Date.now() - began) / 1000).toFixed(1);
    const elsewhere = name === desk.name ? [] : [`The graph ${shownName(name)} made it, which was left meanwhile.`];
    desk.say([`${what} done in ${seconds} s.`, ...elsewhere, ...leftOut].join("\n"), leftOut.length ? "error" : "");
    tellEnd(what, true);
    const made = SHOWING[what]?.(desk, record.prompt[2], record.outputs, name);
    if (what === "Picture" && !made) desk.say(...noPicture(record.outputs, found, !elsewhere.length));
    return record.outputs;
  } finally {
    desk.ended(id, what);
  }
}

/** Each shows what came out of a run, and says how many pictures that were. */
const SHOWING = {
  Maps(desk, prompt, outputs, name) {
    const shown = shownMaps(prompt);
    const made = figures(desk.server, outputs, shown.map((map) => [map.id, map.title]));
    fillMaps(desk, made, name);
    const told = shown.filter((map) => outputs[map.report]?.text);
    const texts = told.map((map) => element("div", {}, element("h3", {}, map.title), element("p", {}, outputs[map.report].text.join("\n"))));
    section("maps", ".reports").replaceChildren(...texts);
    return made.length;
  },

  Picture(desk, prompt, outputs, name) {
    const found = maps(prompt, desk.info);
    const made = figures(desk.server, outputs, resultNodes(prompt, outputs, new Set(found.map((map) => map.id))));
    fill("result", made);
    offerTools(desk, prompt, name);
    const seenMaps = figures(desk.server, outputs, found.map((map) => [map.id, map.title]));
    if (seenMaps.length) fillMaps(desk, seenMaps, name);
    const told = reports(prompt, outputs);
    section("result", ".report").hidden = !told.length;
    section("result", ".report > div").replaceChildren(...told);
    return made.length;
  },
};

/** Show maps of the graph of a name; what had the focus among those before them gives it to its like. */
function fillMaps(desk, made, name) {
  const place = section("maps", ".figures");
  const held = place.contains(document.activeElement) ? document.activeElement : null;
  fill("maps", made);
  // No buttons below maps of a graph that was left meanwhile: another may have nodes of their names.
  if (name === desk.name) offerHands(desk, (part, what) => run(desk, what, part));
  if (!held) return;
  const all = [...place.querySelectorAll("button, a")];
  (all.find((one) => one.ariaLabel === held.ariaLabel) ?? all.find((one) => one.textContent === held.textContent) ?? all[0])?.focus();
}

/** The demo's models come with the pack: those that the prompt names and the server lacks are written there. */
export async function provideDemo(desk, prompt) {
  const named = new Set(JSON.stringify(prompt).match(/\barmature_demo\w*\.safetensors\b/g));
  if (!named.size) return;
  const { files } = await desk.server.json("armature/demo_models");
  const names = files.filter((file) => named.has(file.name) && !file.there).map((file) => file.name);
  if (!names.length) return;
  desk.say("The demo's models are being written from the pack, once …");
  await desk.server.post("armature/demo_models", { names });
  await desk.relearn();
}

/**
 * Whether a run ended well; false when it was stopped. Raises what its node said when it failed. The messages decide: the
 * status may be that of an earlier run.
 */
function ended({ status, prompt }) {
  const last = new Map(status?.messages ?? []);
  if (last.has("execution_interrupted")) return false;
  const failure = last.get("execution_error");
  if (!failure) return true;
  const title = prompt[2][failure.node_id]?._meta?.title ?? failure.node_type;
  throw new Refused(`${title}: ${failure.exception_message.trim()}`);
}

/** While something runs, only cancelling is possible. The buttons keep the focus, so that the keyboard goes on there. */
function busy(id) {
  running = id;
  for (const one of ["show-maps", "run"]) at(one).setAttribute("aria-disabled", id !== null || (one === "run" && at(one).dataset.lacks === "true"));
  at("cancel").disabled = !id;
  if (id === "") at("progress").removeAttribute("value");
  if (id === null) at("progress").value = 0;
}

function show(desk, what, { text, share, picture }) {
  if (text) desk.say(`${what}: ${text}`);
  if (share === null) at("progress").removeAttribute("value");
  else if (share !== undefined) at("progress").value = share;
  if (share !== undefined) titleShare(share);
  if (picture) showPreview(picture);
}

function showPreview(picture) {
  const address = URL.createObjectURL(picture);
  const seen = element("img", { src: address, alt: "What the sampler sees so far" });
  seen.onload = () => URL.revokeObjectURL(address);
  fill("result", [element("figure", { className: "preview" }, seen)]);
}

function fill(id, children) {
  const place = section(id, ".figures");
  place.classList.remove("stale");
  place.replaceChildren(...children);
}
