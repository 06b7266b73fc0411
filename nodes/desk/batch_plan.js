// What several runs of a graph may go through, and the graph of each of them. Nothing here touches the page.

import { settings, weights } from "./graph.js";
import { rangeText } from "./refusals.js";

export const MOST_RUNS = 64; // as in the server's batches.py

/** What may be gone through: {key, title, seeds} for seeds, {key, title, moved, times} for weights. */
export function variables(graph, info) {
  const seeds = settings(graph, info).filter(({ spec }) => spec.name.endsWith("seed"));
  const moved = weights(graph, info);
  const controls = moved.filter(({ sort }) => sort === "Control");
  return [
    ...(seeds.length ? [{ key: "seeds", title: "Seeds", seeds }] : []),
    ...moved.map((one) => ({ key: `${one.id} ${one.inputs[0]}`, title: `Weight of ${one.name}`, moved: [one], times: false })),
    ...(controls.length > 1 ? [{ key: "controls", title: "Weights of all controls, times", moved: controls, times: true }] : []),
  ];
}

/** How many runs a text asks for. Raises an error in words. */
export function countIn(text) {
  const count = /^\s*\d{1,9}\s*$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= MOST_RUNS) return count;
  throw new Error(`How many: “${text.trim()}” is no number of runs. Give a whole number from 1 to ${MOST_RUNS}.`);
}

/** The runs with so many seeds, counted up from those that are set: [{label, changes}]. Raises an error in words. */
export function seedRuns({ seeds }, count) {
  for (const { title, spec, value } of seeds) {
    const top = Math.min(spec.max ?? Infinity, Number.MAX_SAFE_INTEGER);
    if (!(value + count - 1 <= top)) throw new Error(`${title}: from seed ${value} on there are no ${count} more. Take a smaller seed.`);
  }
  return Array.from({ length: count }, (_, number) => ({
    label: `seed ${[...new Set(seeds.map(({ value }) => value + number))].join(", ")}`,
    changes: seeds.map(({ id, spec, value }) => [id, spec.name, value + number]),
  }));
}

/** The runs with each of some weights: [{label, changes}]. Raises an error in words for one that a node does not take. */
export function weightRuns({ moved, times }, values) {
  return values.map((given) => {
    const all = moved.map((one) => [one, times ? Number((one.value * given).toFixed(6)) : given]);
    for (const [{ name, spec }, weight] of all) {
      const fits = weight >= (spec.min ?? -Infinity) && weight <= (spec.max ?? Infinity);
      if (!fits) throw new Error(`${name}: the weight ${weight} is out of range${times ? `, from “times ${given}”` : ""}. Give ${rangeText({ min: spec.min, max: spec.max })}.`);
    }
    return {
      label: times ? `controls × ${given}` : `${moved[0].name} ${given}`,
      changes: all.flatMap(([{ id, inputs }, weight]) => inputs.map((input) => [id, input, weight])),
    };
  });
}
