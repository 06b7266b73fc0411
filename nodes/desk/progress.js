// How far a run has got, in words and as a bar, from the websocket's messages.

import { titleOf } from "./graph.js";

/** Follows the messages of one run and shows them through `show({text, share, picture})`; share is null when unknown. */
export class Progress {
  constructor(graph, show) {
    this.graph = graph;
    this.show = show;
    this.done = new Set();
    this.total = Object.keys(graph).length;
  }

  see({ type, data, picture }) {
    if (type === "preview") (this.running || this.first) && this.show({ picture }); // else it is of a run that comes before
    else if (type === "away") this.show({ text: "the server does not answer; the page waits for it …", share: null });
    else if (type === "back") this.show({ text: "goes on …", share: null });
    else if (type === "waiting") this.wait(data);
    else if (type === "execution_cached") for (const id of data.nodes ?? []) this.done.add(id);
    else if (type === "executing" && data.node) this.begin(data.display_node ?? data.node);
    else if (type === "progress" && data.max > 1) this.step(data.node, data.value, data.max);
  }

  /** Other runs come first; names: of whose they are, as far as they said. */
  wait({ before, names }) {
    const whose = names.length ? ` (${names.map((name) => `${name}’s`).join(", ")})` : "";
    this.show({ text: `waits for ${before} other run${before > 1 ? "s" : ""}${whose} …`, share: null });
  }

  begin(id) {
    if (this.running) this.done.add(this.running);
    this.running = id;
    this.first = null;
    this.show({ text: `${titleOf(this.graph, id)} (${this.done.size + 1} of ${this.total} steps of the graph)`, share: null });
  }

  step(id, value, total) {
    const node = id ?? this.running;
    if (this.first?.node !== node || value < this.first.value) this.first = { node, value, time: performance.now() };
    const left = this.left(node, value, total);
    this.show({ text: `${titleOf(this.graph, node)}: ${value} of ${total}${left ? `, about ${left} left` : ""}`, share: value / total });
  }

  /** The time that the steps take which are left, as words: of this node, and of nodes of its kind that are still to come. */
  left(node, value, total) {
    const { value: from, time } = this.first;
    const kind = this.graph[node]?.class_type;
    const others = Object.entries(this.graph).filter(([id, one]) => one.class_type === kind && id !== node && !this.done.has(id)).length;
    const steps = total - value + others * total;
    if (value <= from || !steps) return "";
    return inWords(((performance.now() - time) / (value - from)) * steps);
  }
}

function inWords(milliseconds) {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 90) return `${Math.max(1, seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
