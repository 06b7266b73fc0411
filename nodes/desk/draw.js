// Drawing and erasing on a map or a mask.

import { choice, element } from "./elements.js";
import { bitmapAt, openEditor, pngOf, pointOn, stepped, Steps, tool } from "./editor.js";

const KEYED = "keys";
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * Draw on the picture at an address; resolves to what use(file) makes of a PNG file of the same size, or to null.
 * mask: white is what it takes in; it is shown over the picture at `under`, where there is one.
 */
export async function drawOn({ title, address, mask, under, use }) {
  const base = await bitmapAt(address);
  const canvas = element("canvas", { width: base.width, height: base.height, tabIndex: 0, ariaLabel: `${title}. Arrow keys move the brush, the space bar puts it down and lifts it.` });
  canvas.setAttribute("role", "img");
  const context = canvas.getContext("2d", { alpha: false, willReadFrequently: false });
  const ground = mask ? "#000000" : groundOf(base);
  const size = element("input", { type: "range", min: 1, max: Math.max(8, Math.round(Math.max(base.width, base.height) / 4)), value: Math.max(2, Math.round(Math.max(base.width, base.height) / 40)) });
  const colour = element("input", { type: "color", value: mask ? "#ffffff" : opposite(ground) });
  const modes = ["Draw", "Erase"].map((name) => element("button", { type: "button" }, name));
  const zoom = choice([1, 2, 4, 8].map((one) => [one, one === 1 ? "Whole" : `${one} times`]), 1);
  const ring = element("div", { className: "ring", hidden: true });
  const sheet = element("div", { className: "sheet" }, under ? element("img", { src: under, alt: "" }) : null, canvas, ring);
  sheet.classList.toggle("over", Boolean(under));
  const steps = new Steps();
  let [erasing, stroke, at] = [false, null, [base.width / 2, base.height / 2]];

  const press = () => modes.forEach((button, number) => button.setAttribute("aria-pressed", String(erasing === (number === 1))));
  modes.forEach((button, number) => (button.onclick = () => ((erasing = number === 1), press())));
  press();

  const fit = () => {
    const room = sheet.parentElement.getBoundingClientRect();
    const scale = Math.min(room.width / base.width, room.height / base.height) * 0.96 * zoom.value;
    Object.assign(sheet.style, { width: `${base.width * scale}px`, height: `${base.height * scale}px` });
  };
  zoom.onchange = fit;

  const line = ({ points, width, paint }, from = 0) => {
    Object.assign(context, { strokeStyle: paint, lineWidth: width, lineCap: "round", lineJoin: "round" });
    context.beginPath();
    context.moveTo(...points[from]);
    // A line of no length is not drawn: a dot is one of nearly none.
    for (const [x, y] of points.slice(from)) context.lineTo(x + 0.01, y);
    context.stroke();
  };
  /** pointer: the finger or mouse that draws, which alone goes on; KEYED for the keyboard. */
  const begin = (point, pointer) => {
    stroke = { pointer, points: [point], width: Number(size.value), paint: erasing ? ground : colour.value };
    line(stroke);
  };
  const go = (points) => {
    const from = stroke.points.length - 1;
    stroke.points.push(...points);
    line(stroke, from);
  };
  const end = () => {
    if (!stroke) return;
    steps.add(stroke);
    stroke = null;
    stepped(canvas);
  };
  const drop = () => {
    stroke = null;
    stepped(canvas);
  };
  const showRing = () => {
    ring.hidden = false;
    const share = sheet.clientWidth / base.width;
    Object.assign(ring.style, { left: `${at[0] * share}px`, top: `${at[1] * share}px`, width: `${size.value * share}px`, height: `${size.value * share}px` });
  };
  size.oninput = showRing;

  canvas.onpointerdown = (event) => {
    if (event.button) return;
    if (stroke && stroke.pointer !== KEYED) return; // another finger draws
    end();
    canvas.setPointerCapture(event.pointerId);
    begin(pointOn(canvas, event), event.pointerId);
  };
  canvas.onpointermove = (event) => {
    if (stroke && stroke.pointer !== KEYED && stroke.pointer !== event.pointerId) return;
    at = pointOn(canvas, event);
    showRing();
    if (stroke?.pointer !== event.pointerId) return;
    const passed = event.getCoalescedEvents?.() ?? [];
    go((passed.length ? passed : [event]).map((one) => pointOn(canvas, one)));
  };
  canvas.onpointerup = canvas.onpointercancel = (event) => stroke?.pointer === event.pointerId && end();
  canvas.onkeydown = (event) => {
    if (event.key === " ") {
      event.preventDefault();
      if (event.repeat) return;
      if (stroke) end();
      else begin(at, KEYED);
    } else if (event.key === "Escape" && stroke) {
      event.preventDefault();
      drop();
    } else if (KEYS[event.key]) {
      event.preventDefault();
      const far = Math.max(1, size.value / (event.shiftKey ? 1 : 4));
      at = at.map((value, axis) => Math.min(Math.max(value + KEYS[event.key][axis] * far, 0), axis ? base.height : base.width));
      if (stroke) go([at]);
    }
    showRing();
  };
  canvas.onblur = end;

  const render = () => {
    if (!sheet.style.width) fit();
    context.drawImage(base, 0, 0);
    for (const one of steps.done) line(one);
  };
  const made = await openEditor({
    title,
    tools: [...modes, tool("Brush", size), ...(mask ? [] : [tool("Colour", colour)]), tool("Zoom", zoom)],
    stage: sheet,
    hint: mask ? "White takes in, black leaves out." : "Erase paints the map's ground.",
    steps,
    render,
    result: async () => use(await pngOf(canvas, title)),
  });
  base.close();
  return made;
}

/** The colour of a map where nothing is: the one that most of its rim has. */
function groundOf(bitmap) {
  const side = 32;
  const small = new OffscreenCanvas(side, side).getContext("2d", { willReadFrequently: true });
  small.imageSmoothingEnabled = false;
  small.drawImage(bitmap, 0, 0, side, side);
  const { data } = small.getImageData(0, 0, side, side);
  const counts = new Map();
  for (let number = 0; number < side * side; number++) {
    const [column, row] = [number % side, Math.floor(number / side)];
    if (column && row && column < side - 1 && row < side - 1) continue;
    const colour = hex(data.slice(4 * number, 4 * number + 3));
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  return [...counts].sort((one, other) => other[1] - one[1])[0][0];
}

const hex = (values) => `#${[...values].map((one) => one.toString(16).padStart(2, "0")).join("")}`;
const opposite = (colour) => (parseInt(colour.slice(3, 5), 16) < 128 ? "#ffffff" : "#000000");
