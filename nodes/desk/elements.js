// Small helpers that make elements. Texts are set as text, never as markup: they hold names of files.

/** An element with properties and children; children may be strings. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

let last = 0;

/** A control under its label. */
export function labelled(text, control, hint) {
  control.id ||= `field-${++last}`;
  const parts = [element("label", { htmlFor: control.id }, text), control];
  if (hint) {
    const said = element("p", { className: "hint", id: `${control.id}-hint` }, hint);
    control.setAttribute("aria-describedby", said.id);
    parts.push(said);
  }
  return element("div", { className: "field" }, ...parts);
}

/** A select of [value, text] pairs, or of {group, options}; `value` is chosen. */
export function choice(options, value) {
  const made = element("select");
  for (const one of options) {
    if (one.group) made.append(element("optgroup", { label: one.group }, ...one.options.map(option)));
    else made.append(option(one));
  }
  made.value = value;
  return made;
}

const option = ([value, text]) => element("option", { value }, text);

/** Enter in a field presses a button of its own, and not the one that makes the picture; with Ctrl or Cmd it goes on. */
export function pressOnEnter(field, button) {
  field.onkeydown = (event) => {
    if (event.key !== "Enter" || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    button.click();
  };
}
