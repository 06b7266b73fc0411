// Under the text of a schedule: its presets by name, and the curve that it makes. The text stays what is saved and sent.

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { optionLabel, say } from "./phrases.js";

const TEXT = "schedule";
const NAME = "armature_schedule_curve";
const HEIGHT = 64; // pixels, with the margins of such a widget
const WIDTH = 100; // of the drawing, in its own units
const TALL = 30;
const PAUSE = 250; // milliseconds without a key before the server is asked

const STYLE = `
.armature-schedule { display: flex; gap: 6px; align-items: stretch; box-sizing: border-box; height: 44px; font-size: 11px; }
.armature-schedule select { flex: 0 0 40%; min-width: 0; align-self: center; font: inherit; padding: 3px; border-radius: 6px;
  color: var(--input-text); background: var(--comfy-input-bg); border: 1px solid var(--border-color); }
.armature-schedule svg { flex: 1; min-width: 0; height: 100%; border-radius: 4px; background: var(--comfy-input-bg); }
.armature-schedule polyline { fill: none; stroke: #4c9be8; stroke-width: 2; vector-effect: non-scaling-stroke; }
.armature-schedule .wrong { flex: 1; overflow: auto; overflow-wrap: anywhere; color: #f5a623; }
`;

app.registerExtension({
  name: "Armature.ScheduleCurve",
  init() {
    document.head.append(Object.assign(document.createElement("style"), { textContent: STYLE }));
  },
  nodeCreated(node) {
    if (!node.comfyClass?.startsWith("Armature")) return;
    const text = node.widgets?.find((widget) => widget.name === TEXT);
    if (text) draw(node, text);
  },
});

function draw(node, text) {
  const place = Object.assign(document.createElement("div"), { className: "armature-schedule" });
  const presets = document.createElement("select");
  presets.setAttribute("aria-label", say("presets of the schedule"));
  const shown = document.createElement("div");
  shown.style.display = "contents";
  place.append(presets, shown);
  // Last, and not saved: the values of a saved node are told apart by their places.
  const widget = node.addDOMWidget(NAME, "armature_curve", place, {
    serialize: false,
    hideOnZoom: true,
    getMinHeight: () => HEIGHT,
    getMaxHeight: () => HEIGHT,
  });
  widget.serialize = false;

  let waiting;
  let asked = 0;
  async function refresh() {
    const number = ++asked;
    const answer = await curveOf(text.value);
    if (number === asked) show(answer, text.value, presets, shown);
  }
  function later() {
    clearTimeout(waiting);
    waiting = setTimeout(refresh, PAUSE);
  }
  presets.onchange = () => {
    if (!presets.value) return void refresh(); // a curve of one's own is written, and what is there stays
    text.value = presets.value;
    text.callback?.(presets.value);
    app.canvas.setDirty(true, true);
  };
  chain(text, "callback", later);
  chain(node, "onConfigure", later);
  later();
}

/** Let `after` follow whatever an object's method does. */
function chain(object, name, after) {
  const before = object[name];
  object[name] = function () {
    const result = before?.apply(this, arguments);
    after();
    return result;
  };
}

/** What the server makes of a text: {values, presets}, or {error}. The names of the presets come along. */
async function curveOf(text) {
  try {
    const response = await api.fetchApi(`/armature/curve?text=${encodeURIComponent(text ?? "")}`);
    const answer = await response.json();
    return response.ok ? answer : { ...answer, error: answer.error?.message ?? response.statusText };
  } catch {
    return { error: say("The server does not answer.") };
  }
}

function show(answer, text, presets, shown) {
  if (answer.presets && presets.options.length < 2) {
    presets.replaceChildren(...["", ...answer.presets].map((name) => new Option(name ? optionLabel(name) : say("own curve"), name)));
  }
  const name = text.trim().toLowerCase() || "constant"; // as an empty text is read
  presets.value = answer.presets?.includes(name) ? name : "";
  shown.replaceChildren(answer.values ? picture(answer.values) : problem(answer.error));
}

function picture(values) {
  const most = Math.max(1, ...values);
  const points = values.map((value, i) => [(i / (values.length - 1)) * WIDTH, TALL - (value / most) * (TALL - 2) - 1]);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${TALL}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  const ends = { first: values[0], last: values.at(-1) };
  svg.setAttribute("aria-label", say("weight from {first} at the first step to {last} at the last", ends));
  const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  line.setAttribute("points", points.map((point) => point.map((one) => one.toFixed(2)).join(",")).join(" "));
  svg.append(line);
  return svg;
}

function problem(message) {
  const place = Object.assign(document.createElement("div"), { className: "wrong", textContent: message });
  place.title = message;
  return place;
}
