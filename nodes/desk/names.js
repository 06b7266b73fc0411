// Who sits here: a name that a person gives, kept in the browser and sent with runs. It is shown, and proves nothing.

import { isText, keep, recall } from "./kept.js";

export const LONGEST = 60; // characters, as in the server's taking.py
const at = (id) => document.getElementById(id);

/** The name that was given; empty where none was. */
export const ownName = () => cleaned(recall("by", isText));

/** The name that a run in the server's queue came with. */
export const nameIn = (extra) => cleaned(extra?.armature_by);

const cleaned = (name) => (typeof name === "string" ? name.replace(/\s+/g, " ").trim().slice(0, LONGEST) : "");

/** Make the field work. */
export function watchName() {
  at("by").value = ownName();
  at("by").onchange = () => {
    at("by").value = cleaned(at("by").value);
    keep("by", at("by").value);
  };
}
