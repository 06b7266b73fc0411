// Shows in the reader's language what the front end itself shows in English: the options of our combos, each behind the value
// that help and prompts name, and the rows of inputs that grow. Values and saved graphs stay as they are.

import { app } from "../../../scripts/app.js";

const SETTING = "Comfy.Locale";
let options = {}; // value -> its words in the reader's language; empty in English

app.registerExtension({
  name: "Armature.Languages",
  async init() {
    await load(app.extensionManager?.setting?.get?.(SETTING));
    // Told before it is set, and before the graph is opened anew.
    app.ui?.settings?.addEventListener?.(`${SETTING}.change`, (event) => load(event.detail.value));
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

async function load(language) {
  options = {};
  if (!language || language === "en") return;
  try {
    const answer = await fetch(new URL(`../options/${language}.json`, import.meta.url));
    if (answer.ok) options = (await answer.json()).options;
  } catch (failure) {
    console.warn(`Armature: no options in the language "${language}".`, failure);
  }
}

/** An input of ours, when it is made or loaded: the widget that belongs to it, or the name of its row. */
function translate(node, input) {
  const widget = node.widgets?.find((one) => one.name === input.widget?.name);
  if (widget) label(widget);
  else nameRow(input);
}

function label(widget) {
  const values = widget.options?.values;
  if (widget.type !== "combo" || !Array.isArray(values) || !values.some((value) => value in options)) return;
  widget.options.getOptionLabel = (value) => (value in options ? `${value} · ${options[value]}` : String(value ?? ""));
}

/** The front end puts the id of a row over its translated name, but not over a label that is there already. */
function nameRow(input) {
  const [, id] = /^\w+\.(\w+_\d+)$/.exec(input.name) ?? [];
  if (!id || !input.localized_name || [id, input.name].includes(input.localized_name)) return;
  if (!input.label || input.label === id) input.label = "";
}
