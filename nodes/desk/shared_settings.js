// One row for a setting that several nodes of a kind have alike: it moves them all.

import { element } from "./elements.js";
import { settingField } from "./fields.js";
import { settings } from "./graph.js";

const apart = new Set(); // what a person wants to set for each node alone: kind and name

/** The settings, where several nodes have the same value as one entry with `others`. */
export function sharedSettings(graph, info) {
  const found = settings(graph, info);
  const groups = grouped(found);
  return found.flatMap((one) => {
    const alike = groups.get(keyOf(one));
    const shared = alike.length > 1 && !apart.has(keyOf(one)) && alike.every((other) => other.value === one.value);
    if (!shared) return [one];
    if (alike[0] !== one) return [];
    const name = info[one.kind].display_name || one.kind;
    return [{ ...one, title: `All ${alike.length} (${name})`, others: alike.slice(1).map((other) => other.id) }];
  });
}

const keyOf = ({ kind, spec }) => `${kind} ${spec.name}`;

function grouped(found) {
  const groups = new Map();
  for (const one of found) groups.set(keyOf(one), [...(groups.get(keyOf(one)) ?? []), one]);
  return groups;
}

/** The field of a setting; of a shared one it sets every node, and can be taken apart. */
export function sharedSettingField(desk, setting) {
  const { others } = setting;
  if (!others) return settingField(desk, setting);
  const all = { set: (id, input, value) => [id, ...others].forEach((one) => desk.set(one, input, value)) };
  const field = settingField(all, setting);
  const alone = () => {
    apart.add(keyOf(setting));
    desk.act(() => desk.redraw());
  };
  field.append(element("button", { type: "button", className: "plain", ariaLabel: `Set apart: ${setting.spec.name.replaceAll("_", " ")}`, onclick: alone }, "Set apart"));
  return field;
}
