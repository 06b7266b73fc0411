// The window in which something is made by hand: tools, a stage, undo and redo, and a way out with or without the work.

import { element } from "./elements.js";
import { Away, loaded, saidOf } from "./server.js";

/** What was done, step by step: undo takes the last one back, redo does it again. */
export class Steps {
  constructor() {
    this.all = [];
    this.count = 0; // of those that are in force
  }

  get done() {
    return this.all.slice(0, this.count);
  }

  add(step) {
    this.all = [...this.done, step];
    this.count = this.all.length;
  }

  /** Back (-1) or forth (1); false where there is nothing more. */
  go(way) {
    const wanted = this.count + way;
    if (wanted < 0 || wanted > this.all.length) return false;
    this.count = wanted;
    return true;
  }
}

let styled = null;

/** The styles of these windows come with the first of them: the page itself is shown without. */
function style() {
  styled ??= new Promise((resolve, reject) => {
    const link = element("link", { rel: "stylesheet", href: new URL("hand.css", import.meta.url).href, onload: resolve, onerror: reject });
    document.head.append(link);
  }).catch(() => {
    styled = null; // it is asked for anew the next time
    throw new Away();
  });
  return styled;
}

/**
 * Open a window and wait for its end. title: its name; tools: elements above the stage; stage: what is worked on; hint: how;
 * steps: a Steps; render(): shows them; result(): what comes of it. Resolves to the result, or to null. Where result() raises,
 * the window says so and stays, with all that was made in it.
 */
export async function openEditor({ title, tools, stage, hint, steps, render, result }) {
  const undo = element("button", { type: "button" }, "Undo");
  const redo = element("button", { type: "button" }, "Redo");
  const leave = element("button", { type: "button" }, "Leave");
  const use = element("button", { type: "button", className: "main" }, "Use it");
  const told = element("p", { className: "hint" }, hint);
  const show = () => {
    undo.setAttribute("aria-disabled", String(!steps.count));
    redo.setAttribute("aria-disabled", String(steps.count === steps.all.length));
    render();
  };
  const go = (way) => steps.go(way) && show();
  undo.onclick = () => go(-1);
  redo.onclick = () => go(1);
  const { window, closed } = await windowOf(title, [
    element("div", { className: "bar" }, element("h2", {}, title), ...tools),
    element("div", { className: "stage" }, stage),
    element("div", { className: "bar" }, told, undo, redo, leave, use),
  ]);
  window.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey)) return;
    const way = event.key === "y" || (event.key.toLowerCase() === "z" && event.shiftKey) ? 1 : event.key === "z" ? -1 : 0;
    if (way) event.preventDefault();
    if (way) go(way);
  });
  window.addEventListener("step", show);
  show();
  let made = null;
  const away = () => (!steps.count || confirm("Leave without what you made?")) && window.close();
  leave.onclick = away;
  window.oncancel = (event) => {
    event.preventDefault();
    away();
  };
  use.onclick = async () => {
    if (use.ariaDisabled === "true") return; // clicked twice
    use.ariaDisabled = "true";
    try {
      made = await result();
      window.close();
    } catch (error) {
      use.ariaDisabled = "false";
      told.role = "alert";
      told.classList.add("error");
      told.textContent = saidOf(error);
    }
  };
  await closed;
  return made;
}

/** A window over the whole page with these children; `closed` resolves when it is gone, and the focus is where it was. */
export async function windowOf(title, children) {
  await style();
  const window = element("dialog", { className: "hand", "aria-label": title }, ...children);
  const before = document.activeElement;
  window.addEventListener("keydown", (event) => event.stopPropagation()); // Escape closes this window and stops no run
  const closed = new Promise((resolve) => {
    window.onclose = () => {
      window.remove();
      if (document.contains(before)) before.focus();
      resolve();
    };
  });
  document.body.append(window);
  window.showModal();
  return { window, closed };
}

/** Tell the window around an element that a step was done. */
export const stepped = (inside) => inside.dispatchEvent(new Event("step", { bubbles: true }));

/** Where a pointer is on a canvas, in pixels of the canvas. */
export function pointOn(canvas, event) {
  const box = canvas.getBoundingClientRect();
  return [((event.clientX - box.left) * canvas.width) / box.width, ((event.clientY - box.top) * canvas.height) / box.height];
}

export const LARGEST_SIDE = 4096; // pixels; more would take gigabytes while it is worked on

/** A picture from an address, scaled down where a side is longer than `most` pixels; decoded beside the page's own work. */
export async function bitmapAt(address, most = LARGEST_SIDE) {
  const answer = await loaded(() => fetch(address));
  if (!answer.ok) throw new Error(`This picture is not on the server any more (${answer.status}). Make or choose it again.`);
  const blob = await answer.blob();
  const worker = new Worker(new URL("bitmaps.js", import.meta.url));
  const { bitmap, error } = await new Promise((resolve) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => resolve({ error: message ?? "the server does not answer" });
    worker.postMessage({ blob, most });
  });
  worker.terminate();
  if (!bitmap) throw new Error(`This picture cannot be opened here (${error}). Choose another.`);
  return bitmap;
}

/** A text as a name of files on any server: short, of letters and digits. */
export const fileName = (text) => text.toLowerCase().replaceAll(/[^a-z0-9]+/g, "_").slice(0, 60) || "picture";

/** A canvas as a PNG file. */
export async function pngOf(canvas, name) {
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  if (!blob) throw new Error("This browser has no room to make a picture of it. Take a smaller size.");
  return new File([blob], `${fileName(name)}.png`, { type: "image/png" });
}

let tools = 0;

/** A control of the bar with its name before it. */
export function tool(text, control) {
  control.id = `tool-${++tools}`;
  return element("span", { className: "tool" }, element("label", { htmlFor: control.id }, text), control);
}
