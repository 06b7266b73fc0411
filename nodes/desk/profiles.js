// The choice between speed and fidelity: of the graph's own Profile nodes, or of one that the desk puts in.

import { choice, labelled } from "./elements.js";
import { changed, inputsOf, isLink, values } from "./graph.js";

export const PROFILE = "ArmatureProfile";
const ID = "desk_profile";
const SAMPLING = { steps: 1, sampler_name: 2, scheduler: 3 }; // input of a sampler -> output of a Profile node
const FEWEST = 12; // steps; a sampling of fewer, or without guidance, is of a model that a profile's sampler does not suit
const NONE = ["", "as the graph says"];

/** The choices: {id, title, spec, value}; value "" where the graph has a use for a profile and holds none. */
export function profiles(graph, info) {
  const own = values(graph, info).filter(({ kind, spec }) => kind === PROFILE && spec.name === "profile");
  const spec = info[PROFILE] && inputsOf(PROFILE, info).find(({ name }) => name === "profile");
  if (own.length || !spec || !takers(graph, info).length) return own;
  return [{ id: ID, title: "Profile", spec, value: "" }];
}

/** The inputs that a profile has a use for: [id, input, output of the profile]. */
function takers(graph, info) {
  const savings = [];
  const sampling = [];
  for (const [id, { class_type: kind, inputs }] of Object.entries(graph)) {
    const specs = inputsOf(kind, info);
    for (const { name } of specs.filter(({ type }) => type.split(",").includes("CONTROL_SAVINGS"))) savings.push([id, name, 0]);
    const names = Object.keys(SAMPLING);
    if (inputs.steps >= FEWEST && inputs.cfg > 1 && names.every((name) => inputs[name] !== undefined && !isLink(inputs[name])))
      sampling.push(...names.map((name) => [id, name, SAMPLING[name]]));
  }
  return savings.length ? [...savings, ...sampling] : [];
}

/** The graph with a Profile node at all that has a use for it, or, for "", without the one that the desk put in. */
export function withProfile(graph, info, name) {
  const before = graph[ID]?._meta.before ?? [];
  const ours = before.filter(([id, input]) => graph[id]?.inputs[input]?.[0] === ID); // others are linked elsewhere since
  const bare = changed(graph, ours.map(([id, input, value]) => [id, input, value ?? undefined]));
  delete bare[ID];
  if (!name) return bare;
  const wanted = takers(bare, info);
  const made = changed(bare, wanted.map(([id, input, slot]) => [id, input, [ID, slot]]));
  // Kept in the graph itself, so that it can be taken out after the graph was saved and opened.
  const kept = wanted.map(([id, input]) => [id, input, bare[id].inputs[input] ?? null]);
  made[ID] = { class_type: PROFILE, inputs: { profile: name }, _meta: { title: "Profile", before: kept } };
  return made;
}

/** A choice of a profile, with what each leaves out. */
export function profileField(desk, { id, title, spec, value }) {
  const offers = spec.options.map((name) => [name, name.replaceAll("_", " ")]);
  const select = choice(id === ID ? [NONE, ...offers] : offers, value);
  select.onchange = () => desk.act(() => (id === ID ? desk.replace(withProfile(desk.graph, desk.info, select.value)) : desk.set(id, spec.name, select.value)));
  return labelled(title, select, spec.tooltip);
}
