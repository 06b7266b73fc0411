// Running: the maps alone, or the whole graph; one run at a time. A page that is loaded anew goes on with the run of this tab.

import { element } from "./elements.js";
import { mapPrompt, maps, shownMaps } from "./graph.js";
import { keepHere, recallHere } from "./kept.js";
import { Progress } from "./progress.js";
import { figures, reports, resultNodes } from "./results.js";
import { Lost, Refused } from "./server.js";

const RUNNING = "running"; // where this tab keeps {id, what, graph, began, leftOut} of its run
const at = (id) => document.getElementById(id);
const section = (id, part) => document.querySelector(`#${id} ${part}`);
let running = null; // the id of the run, "" while it is being sent

/** Make the control maps and show them: only the part of the graph that leads to them runs. */
export async function showMaps(desk) {
  const wanted = maps(desk.graph, desk.info);
  if (!wanted.length) return desk.say("This graph has no control maps.");
  await run(desk, "Maps", mapPrompt(desk.graph, wanted));
}

/** Run the whole graph and show its pictures and what its nodes report. `more` is kept by the server with the run. */
export const makePicture = (desk, more) => run(desk, "Picture", structuredClone(desk.graph), more);

/** The run that this tab began before the page was loaded anew: {id, what, graph, began}, or null. */
export const unfinished = () => recallHere(RUNNING);

/** Go on with it, and show what comes of it. */
export async function resume(desk, kept) {
  if (running !== null) return;
  busy(kept.id);
  desk.say(`${kept.what}: looking for the run that was begun before …`);
  try {
    await follow(desk, kept, desk.graph);
  } finally {
    busy(null);
  }
}

/** Say how many runs the server has to make, whoever sent them. Takes the websocket's messages. */
export function tellQueue({ type, data }) {
  const count = type === "status" ? data.status?.exec_info?.queue_remaining : undefined;
  if (count !== undefined) at("queue").textContent = count ? `${count} run${count > 1 ? "s" : ""} in the server's queue` : "";
}

/** Stop what runs, if anything does. */
export async function cancelRun(desk) {
  if (running) await desk.server.cancel(running);
}

/** Run a prompt to its end and show what came out. */
async function run(desk, what, prompt, more) {
  if (running !== null) return;
  busy("");
  const began = Date.now();
  desk.say(`${what}: sent to the server …`);
  try {
    await provideDemo(desk, prompt);
    const { id, leftOut } = await desk.server.submit(prompt, more);
    const kept = { id, what, graph: desk.name, began, leftOut };
    keepHere(RUNNING, kept);
    busy(id);
    await follow(desk, kept, prompt);
  } finally {
    busy(null);
  }
}

/** Wait for the end of a run, whoever sent it when, and show what came out. */
async function follow(desk, { id, what, began, leftOut }, prompt) {
  const progress = new Progress(prompt, (seen) => show(desk, what, seen));
  const record = await desk.server.follow(id, (message) => progress.see(message)).catch((error) => {
    if (error instanceof Lost) keepHere(RUNNING, null);
    throw error;
  });
  keepHere(RUNNING, null);
  try {
    if (!ended(record)) return desk.say("Cancelled.");
    const made = SHOWING[what](desk, record.prompt[2], record.outputs);
    const seconds = `${((Date.now() - began) / 1000).toFixed(1)} s`;
    const told = made ? `${what} done in ${seconds}.` : `The graph ran to its end in ${seconds}, and no node of it saved or showed a picture.`;
    desk.say([told, ...leftOut].join("\n"), leftOut.length || !made ? "error" : "");
  } finally {
    desk.ended(id, what);
  }
}

/** Each shows what came out of a run, and says how many pictures that were. */
const SHOWING = {
  Maps(desk, prompt, outputs) {
    const shown = shownMaps(prompt);
    const made = figures(desk.server, outputs, shown.map((map) => [map.id, map.title]));
    fill("maps", made);
    const told = shown.filter((map) => outputs[map.report]?.text);
    const texts = told.map((map) => element("div", {}, element("h3", {}, map.title), element("p", {}, outputs[map.report].text.join("\n"))));
    section("maps", ".reports").replaceChildren(...texts);
    return made.length;
  },

  Picture(desk, prompt, outputs) {
    const found = maps(prompt, desk.info);
    const made = figures(desk.server, outputs, resultNodes(prompt, outputs, new Set(found.map((map) => map.id))));
    fill("result", made);
    const seenMaps = figures(desk.server, outputs, found.map((map) => [map.id, map.title]));
    if (seenMaps.length) fill("maps", seenMaps);
    const told = reports(prompt, outputs);
    section("result", ".report").hidden = !told.length;
    section("result", ".report > div").replaceChildren(...told);
    return made.length;
  },
};

/** The demo's models come with the pack: those that the prompt names and the server lacks are written there. */
async function provideDemo(desk, prompt) {
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
  for (const one of ["show-maps", "run"]) at(one).setAttribute("aria-disabled", id !== null);
  at("cancel").disabled = !id;
  if (id === "") at("progress").removeAttribute("value");
  if (id === null) at("progress").value = 0;
}

function show(desk, what, { text, share, picture }) {
  if (text) desk.say(`${what}: ${text}`);
  if (share === null) at("progress").removeAttribute("value");
  else if (share !== undefined) at("progress").value = share;
  if (picture) showPreview(picture);
}

function showPreview(picture) {
  const address = URL.createObjectURL(picture);
  const seen = element("img", { src: address, alt: "What the sampler sees so far" });
  seen.onload = () => URL.revokeObjectURL(address);
  fill("result", [element("figure", {}, seen)]);
}

function fill(id, children) {
  const place = section(id, ".figures");
  place.classList.remove("stale");
  place.replaceChildren(...children);
}
