// Shows in the reader's language what the front end itself shows in English: the options of our combos, each behind the value
// that help and prompts name, and the rows of inputs that grow. Values and saved graphs stay as they are.

import { app } from "../../../scripts/app.js";
import { hasWords, optionLabel, useLanguage } from "./phrases.js";

const SETTING = "Comfy.Locale";

app.registerExtension({
  name: "Armature.Languages",
  async init() {
    await useLanguage(app.extensionManager?.setting?.get?.(SETTING));
    // Told before it is set, and before the graph is opened anew.
    app.ui?.settings?.addEventListener?.(`${SETTING}.change`, (event) => useLanguage(event.detail.value));
  },
  nodeCreated(node) {
    if (!node.comfyClass?.startsWith("Armature")) return;
    for (const input of node.inputs ?? []) translate(node, input);
    const before = node.onInputAdded;
    node.onInputAdded = function (input) {
      before?.apply(this, arguments);
      translate(this, input);
    };
  },
});

/** An input of ours, when it is made or loaded: the widget that belongs to it, or the name of its row. */
function translate(node, input) {
  const widget = node.widgets?.find((one) => one.name === input.widget?.name);
  if (widget) label(widget);
  else nameRow(input);
}

function label(widget) {
  const values = widget.options?.values;
  if (widget.type !== "combo" || !Array.isArray(values) || !values.some(hasWords)) return;
  widget.options.getOptionLabel = optionLabel;
}

/** The front end puts the id of a row over its translated name, but not over a label that is there already. */
function nameRow(input) {
  const [, id] = /^\w+\.(\w+_\d+)$/.exec(input.name) ?? [];
  if (!id || !input.localized_name || [id, input.name].includes(input.localized_name)) return;
  if (!input.label || input.label === id) input.label = "";
}
