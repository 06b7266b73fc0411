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
    if (type === "preview") this.show({ picture });
    else if (type === "waiting" && data.before) this.show({ text: `${data.before} before yours`, share: null });
    else if (type === "execution_cached") for (const id of data.nodes ?? []) this.done.add(id);
    else if (type === "executing" && data.node) this.begin(data.display_node ?? data.node);
    else if (type === "progress" && data.max > 1) this.step(data.node, data.value, data.max);
  }

  begin(id) {
    if (this.running) this.done.add(this.running);
    this.running = id;
    this.show({ text: `${titleOf(this.graph, id)} (${this.done.size + 1} of ${this.total} steps of the graph)`, share: null });
  }

  step(id, value, total) {
    this.show({ text: `${titleOf(this.graph, id ?? this.running)}: ${value} of ${total}`, share: value / total });
  }
}
