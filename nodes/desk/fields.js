// The fields of the desk: words, weights, model files and settings. Each writes what is chosen through `desk.set`.

import { choice, element, labelled } from "./elements.js";

const RANDOM_TOP = 2 ** 32;

/** A text that becomes conditioning. */
export function promptField(desk, { id, title, spec, value }) {
  const field = element("textarea", { value, rows: value.length > 90 ? 4 : 3, spellcheck: true });
  field.oninput = () => desk.set(id, spec.name, field.value);
  return labelled(title, field);
}

/** A slider with a number beside it. */
export function weightField(desk, weight) {
  const { id, name, note, sort, spec, value, inputs, least, most } = weight;
  const slider = element("input", { type: "range", min: least, max: most, step: 0.05, value });
  const number = element("input", { type: "number", min: spec.min, max: spec.max, step: "any", value, "aria-label": `${name}, exactly` });
  const set = (from, to) => {
    if (from.value === "" || !from.checkValidity()) return;
    to.value = from.value;
    card.classList.toggle("off", Number(from.value) === 0);
    for (const input of inputs) desk.set(id, input, Number(from.value));
  };
  slider.oninput = () => set(slider, number);
  number.oninput = () => set(number, slider);
  const field = labelled(name, slider, note);
  field.insertBefore(number, slider.nextSibling);
  const card = element("div", { className: `weight ${sort.toLowerCase()}` }, element("span", { className: "sort" }, sort), field);
  card.classList.toggle("off", value === 0);
  return card;
}

/** A choice among the files that the server has; a missing one is named first. */
export function modelField(desk, { id, title, spec, value, missing }) {
  const offers = spec.options.map((name) => [name, name]);
  const select = choice(missing ? [[value, `missing: ${value}`], ...offers] : offers, value);
  const field = labelled(title, select);
  field.classList.toggle("missing", missing);
  select.onchange = () => {
    field.classList.toggle("missing", !spec.options.includes(select.value));
    desk.setFile(id, spec.name, select.value);
  };
  return field;
}

/** A number; a seed has a button for another one. */
export function settingField(desk, { id, title, spec, value }) {
  const number = element("input", { type: "number", min: spec.min, max: spec.max, step: spec.type === "INT" ? (spec.step ?? 1) : "any", value });
  number.oninput = () => number.value !== "" && number.checkValidity() && desk.set(id, spec.name, Number(number.value));
  const field = labelled(`${title}: ${spec.name.replaceAll("_", " ")}`, number);
  if (!spec.name.endsWith("seed")) return field;
  const another = element("button", { type: "button" }, "Another");
  another.onclick = () => {
    number.value = Math.floor(Math.random() * RANDOM_TOP);
    number.oninput();
  };
  field.append(another);
  return field;
}
