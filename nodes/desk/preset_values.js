// What a preset holds of a graph, and what it changes in one, in words. Nothing here touches the page.

import { inputsOf, isLink, weights } from "./graph.js";
import { rangeText } from "./refusals.js";
import { SHIPPED } from "./shipped_presets.js";

const MORE = ["start_percent", "end_percent", "schedule"];
const SPOKEN = { start_percent: "begins at", end_percent: "ends at", schedule: "curve" };
const TOP = 2; // where a shipped preset stops to raise a weight; what the graph itself has stays

/** The nodes that steer: [{id, title, sort, inputs: the weights, specs by name, values by name}]. */
export function steering(graph, info) {
  const found = new Map();
  for (const { id, title, sort, inputs } of weights(graph, info)) {
    const known = found.get(id) ?? { id, title, sort, inputs: [] };
    found.set(id, { ...known, inputs: [...known.inputs, ...inputs] });
  }
  return [...found.values()].map((one) => {
    const node = graph[one.id];
    const names = [...one.inputs, ...MORE];
    const specs = inputsOf(node.class_type, info).filter(({ name }) => names.includes(name) && !isLink(node.inputs[name]));
    const values = specs.map(({ name, default: usual }) => [name, node.inputs[name] ?? usual]).filter(([, value]) => value !== undefined);
    return { ...one, specs: Object.fromEntries(specs.map((spec) => [spec.name, spec])), values: Object.fromEntries(values) };
  });
}

/** What is set now, as a preset keeps it. */
export const controlsOf = (graph, info) => steering(graph, info).map(({ sort, title, values }) => ({ sort, title, values }));

/** The shipped presets that a graph has a use for. */
export function shippedFor(graph, info) {
  const sorts = new Set(steering(graph, info).map(({ sort }) => sort));
  return SHIPPED.filter(({ sets, needs }) => (needs ? sorts.has(needs) : Object.keys(sets).some((sort) => sorts.has(sort))));
}

/** What a shipped preset sets: [{one, values}]; came: the graph as it was opened. */
function shippedValues({ sets }, nodes, came, info) {
  const before = new Map(steering(came, info).map((one) => [one.id, one]));
  return nodes.flatMap((one) => {
    const set = sets[one.sort];
    if (!set) return [];
    const { times = 1, ...rest } = set;
    const start = before.get(one.id) ?? one;
    const known = Object.entries({ ...start.values, ...rest }).filter(([name]) => one.specs[name]);
    const weighed = known.map(([name, value]) => [name, one.inputs.includes(name) ? timed(value, times) : value]);
    return [{ one, values: Object.fromEntries(weighed) }];
  });
}

const timed = (value, times) => (times > 1 ? Math.max(value, Math.min(TOP, rounded(value * times))) : rounded(value * times));
const rounded = (value) => Number(value.toFixed(3));

/** What a saved preset sets: each of its controls goes to the one of the same title and sort, the first that is left of its sort else. */
function savedValues({ controls }, nodes) {
  const left = [...nodes];
  const take = (fits) => {
    const index = left.findIndex(fits);
    return index < 0 ? null : left.splice(index, 1)[0];
  };
  const exact = controls.map((control) => take((one) => one.sort === control.sort && one.title === control.title));
  const chosen = controls.map((control, index) => exact[index] ?? take((one) => one.sort === control.sort));
  const found = controls.flatMap(({ values }, index) => (chosen[index] ? [{ one: chosen[index], values }] : []));
  const lost = controls.filter((_, index) => !chosen[index]).map(({ sort, title }) => `${title} (${sort})`);
  return { found, lost };
}

/**
 * A preset on a graph: {changes: [[id, input, value]], told: lines}. What does not fit is left as it is, and told.
 * came: the graph as it was opened.
 */
export function applied(preset, graph, came, info) {
  const nodes = steering(graph, info);
  const { found, lost } = preset.sets ? { found: shippedValues(preset, nodes, came, info), lost: [] } : savedValues(preset, nodes);
  const results = found.map(({ one, values }) => differences(one, values));
  const untouched = nodes.filter((one) => !found.some((other) => other.one === one)).map(({ title }) => title);
  return {
    changes: results.flatMap(({ changes }) => changes),
    told: [
      ...results.flatMap(({ told }) => told),
      lost.length ? `Not in this graph: ${lost.join(", ")}.` : "",
      untouched.length ? `Left as it is: ${untouched.join(", ")}.` : "",
    ].filter(Boolean),
  };
}

function differences(one, values) {
  const changes = [];
  const said = [];
  const bad = [];
  for (const [name, value] of Object.entries(values)) {
    const why = misfit(one.specs[name], value);
    if (why) bad.push(`${one.title}: ${spoken(name)} ${shown(name, value)} does not fit: ${why}.`);
    else if (one.values[name] !== value) {
      changes.push([one.id, name, value]);
      said.push(`${spoken(name)} ${shown(name, one.values[name])} → ${shown(name, value)}`);
    }
  }
  return { changes, told: [...(said.length ? [`${one.title}: ${said.join(", ")}.`] : []), ...bad] };
}

/** Why a node does not take a value; empty where it does. */
function misfit(spec, value) {
  if (!spec) return "it has no such field, or another node gives it";
  if (spec.type.split(",").includes("STRING")) return typeof value === "string" ? "" : "it takes text";
  const fits = typeof value === "number" && value >= (spec.min ?? -Infinity) && value <= (spec.max ?? Infinity);
  return fits ? "" : `it takes ${rangeText({ min: spec.min, max: spec.max })}`;
}

const spoken = (name) => SPOKEN[name] ?? name.replaceAll("_", " ");

function shown(name, value) {
  if (name === "schedule") return value ? `“${value}”` : "none";
  return name.endsWith("percent") && typeof value === "number" ? `${Number((100 * value).toFixed(1))}%` : String(value);
}
