// What a graph still lacks before it can run, found before the server is asked, and the fields that are to blame.

import { element } from "./elements.js";
import { inputsOf, isLink, modelFiles, pictures, titleOf } from "./graph.js";
import { chooseText, lackingNode, rangeText } from "./refusals.js";

const OWN_FILES = /^armature_demo\w*\.safetensors$/; // the pack has them, and a run puts them in place
const at = (id) => document.getElementById(id);

/** The nodes that something saved or shown depends on. */
function needed(graph, info) {
  const found = new Set();
  const take = (id) => {
    if (found.has(id) || !graph[id]) return;
    found.add(id);
    for (const value of Object.values(graph[id].inputs)) if (isLink(value)) take(value[0]);
  };
  for (const [id, node] of Object.entries(graph)) if (!info[node.class_type] || info[node.class_type].output_node) take(id);
  return found;
}

/** What the graph lacks: {node, input, text}, in words that say what to do. */
export function lacksOf(graph, info) {
  const used = needed(graph, info);
  if (!used.size) return [{ text: "This graph saves and shows no picture. Add Save Image or Preview Image to it in ComfyUI." }];
  const nodes = [...used].filter((id) => !info[graph[id].class_type]).map((node) => ({ node, text: lackingNode(graph[node].class_type) }));
  const files = modelFiles(graph, info)
    .filter((one) => one.missing && !OWN_FILES.test(one.value))
    .map(({ id, title, spec, value }) => ({ node: id, input: spec.name, text: chooseText(title, spec.name, value) }));
  const shown = pictures(graph, info)
    .filter(({ form, value, options }) => form === "file" && (!value || (!/[/[]/.test(value) && !options.includes(value))))
    .map(({ id, title, input, value }) => ({ node: id, input, text: chooseText(title, "picture", value) }));
  const empty = [...used].flatMap((id) =>
    inputsOf(graph[id].class_type, info)
      .filter((spec) => info[graph[id].class_type].input.required?.[spec.name] && graph[id].inputs[spec.name] === undefined && spec.default === undefined && spec.type !== "COMBO" && !spec.type.startsWith("COMFY_"))
      .map((spec) => ({ node: id, input: spec.name, text: `${titleOf(graph, id)}: ${spec.name.replaceAll("_", " ")} is missing. Link something to it in ComfyUI.` })),
  );
  return [...nodes, ...shown, ...files, ...empty].filter((one) => used.has(one.node));
}

/** Numbers on the page that are no numbers, or out of range: the graph still has the last good one. */
function badNumbers() {
  return [...document.querySelectorAll("#desk input[type='number']")]
    .filter((field) => field.value === "" || !field.checkValidity())
    .map((field) => {
      const limits = Object.fromEntries(["min", "max", "step"].filter((key) => field[key] !== "" && field[key] !== "any").map((key) => [key, Number(field[key])]));
      return { field, text: `${field.labels[0]?.textContent ?? field.ariaLabel}: give ${rangeText(limits)}.` };
    });
}

const allLacks = (desk) => (desk.graph ? [...lacksOf(desk.graph, desk.info), ...badNumbers()] : []);

const inShort = (found) => (found.length > 1 ? `${found[0].text} And ${found.length - 1} more.` : (found[0]?.text ?? ""));

/** Say beside the button what is missing, and let it look as it is. It stays reachable by the keyboard. */
export function tellLacks(desk) {
  const found = allLacks(desk);
  const button = at("run");
  for (const field of document.querySelectorAll("#desk input[type='number']")) field.ariaInvalid = String(found.some((one) => one.field === field));
  button.dataset.lacks = String(found.length > 0);
  button.setAttribute("aria-disabled", String(found.length > 0 || isBusy()));
  at("lacks").textContent = inShort(found);
  at("lacks").hidden = !found.length;
}

/** Whether a run goes on. */
export const isBusy = () => at("show-maps").getAttribute("aria-disabled") === "true";

/** Whether the graph can run; otherwise says what is missing and goes there. Files may have come since the page asked.
 * besides: also while another run goes on. */
export async function ready(desk, besides = false) {
  if (isBusy() && !besides) return false;
  if (!allLacks(desk).length) return true;
  if (!badNumbers().length) await desk.relearn();
  const found = allLacks(desk);
  if (!found.length) return true;
  desk.say(`No picture: ${inShort(found)}`, "error");
  blame(found);
  return false;
}

/** Mark the fields that are to blame and go to the first of them: {node, input, field, text}. */
export function blame(found) {
  for (const old of document.querySelectorAll(".wrong")) forgive(old);
  const places = found.map((one) => [one.field?.closest(".field") ?? placeOf(one), one.text]).filter(([place]) => place);
  for (const [place, text] of places) {
    const control = controlIn(place);
    if (!control || place.classList.contains("wrong")) continue;
    place.classList.add("wrong");
    control.ariaInvalid = "true";
    const said = element("p", { className: "hint said", id: `${control.id}-said` }, text);
    control.setAttribute("aria-describedby", `${said.id} ${control.id}-hint`);
    control.closest(".field")?.append(said);
    place.addEventListener("input", () => forgive(place), { once: true });
  }
  const first = places[0] && controlIn(places[0][0]);
  first?.closest("details")?.setAttribute("open", "");
  first?.focus();
}

const controlIn = (place) => place.querySelector("select, input:not([type='file']), textarea");

function placeOf({ node, input }) {
  if (node === undefined) return null;
  const all = [...document.querySelectorAll(`[data-node="${CSS.escape(String(node))}"]`)];
  return all.find((one) => one.dataset.input === input) ?? all[0];
}

function forgive(place) {
  place.classList.remove("wrong");
  place.querySelector(".said")?.remove();
  const control = controlIn(place);
  if (!control) return;
  control.ariaInvalid = "false";
  if (at(`${control.id}-hint`)) control.setAttribute("aria-describedby", `${control.id}-hint`);
  else control.removeAttribute("aria-describedby");
}
