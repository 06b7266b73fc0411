// Running: the maps alone, or the whole graph; one run at a time.

import { element } from "./elements.js";
import { mapNode, mapPrompt, maps, reportNode } from "./graph.js";
import { Progress } from "./progress.js";
import { figures, reports, resultNodes } from "./results.js";
import { Refused } from "./server.js";

const at = (id) => document.getElementById(id);
const section = (id, part) => document.querySelector(`#${id} ${part}`);
let running = null; // the id of the run, "" while it is being sent

/** Make the control maps and show them: only the part of the graph that leads to them runs. */
export async function showMaps(desk) {
  const wanted = maps(desk.graph, desk.info);
  if (!wanted.length) return desk.say("This graph has no control maps.");
  const outputs = await run(desk, mapPrompt(desk.graph, wanted), "Maps");
  if (!outputs) return;
  fill("maps", figures(desk.server, outputs, wanted.map((map) => [mapNode(map), map.title])));
  const told = wanted.filter((map) => outputs[reportNode(map)]?.text);
  const texts = told.map((map) => element("div", {}, element("h3", {}, map.title), element("p", {}, outputs[reportNode(map)].text.join("\n"))));
  section("maps", ".reports").replaceChildren(...texts);
}

/** Run the whole graph and show its pictures and what its nodes report. */
export async function makePicture(desk) {
  const graph = structuredClone(desk.graph);
  const found = maps(graph, desk.info);
  const outputs = await run(desk, graph, "Picture");
  if (!outputs) return;
  const mapIds = new Set(found.map((map) => map.id));
  fill("result", figures(desk.server, outputs, resultNodes(graph, outputs, mapIds)));
  const shownMaps = figures(desk.server, outputs, found.map((map) => [map.id, map.title]));
  if (shownMaps.length) fill("maps", shownMaps);
  const told = reports(graph, outputs);
  section("result", ".report").hidden = !told.length;
  section("result", ".report > div").replaceChildren(...told);
}

/** Stop what runs, if anything does. */
export async function cancelRun(desk) {
  if (running) await desk.server.cancel(running);
}

/** Run a prompt to its end; resolves to the outputs of its nodes, or to null when it was cancelled. */
async function run(desk, prompt, what) {
  if (running !== null) return null;
  busy("");
  const began = performance.now();
  desk.say(`${what}: sent to the server …`);
  try {
    await provideDemo(desk, prompt);
    const { id, leftOut } = await desk.server.submit(prompt);
    busy(id);
    const progress = new Progress(prompt, (seen) => show(desk, what, seen));
    const record = await desk.server.follow(id, (message) => progress.see(message));
    if (!ended(record)) {
      desk.say("Cancelled.");
      return null;
    }
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    desk.say([`${what} done in ${seconds} s.`, ...leftOut].join("\n"), leftOut.length ? "error" : "");
    return record.outputs;
  } finally {
    busy(null);
  }
}

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
