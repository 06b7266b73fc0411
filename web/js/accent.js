// One colour on the titles of our nodes, where the person has chosen none. It is not saved with a graph.

import { app } from "../../../scripts/app.js";

const ACCENT = "#23463f"; // as dark as the front end's own; on a light theme it lightens all of them alike

app.registerExtension({
  name: "Armature.Accent",
  nodeCreated(node) {
    if (!node.comfyClass?.startsWith("Armature") || node.color) return;
    node.color = ACCENT; // a colour of a saved graph, or of the menu, comes later and stays
    const before = node.onSerialize;
    node.onSerialize = function (saved) {
      before?.apply(this, arguments);
      if (saved.color === ACCENT) delete saved.color;
    };
  },
});
