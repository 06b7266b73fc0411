// Cropping a picture, or placing it on a larger ground.

import { element } from "./elements.js";
import { bitmapAt, LARGEST_SIDE, openEditor, pngOf, pointOn, stepped, Steps, tool } from "./editor.js";
import { rangeText } from "./refusals.js";

const PREVIEW_SIDE = 1600; // pixels; what is drawn again with every move
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1], "+": 1.05, "=": 1.05, "-": 1 / 1.05 };

/** Let a person choose what of the picture at an address is taken; resolves to what use(file) makes of a PNG file, or to null. */
export async function cropped({ title, address, use }) {
  const [base, preview] = await Promise.all([bitmapAt(address), bitmapAt(address, PREVIEW_SIDE)]);
  const first = { width: base.width, height: base.height, scale: 1, x: 0, y: 0, ground: "#000000" };
  const steps = new Steps();
  let now = first;
  const canvas = element("canvas", { tabIndex: 0, ariaLabel: `${title}. Arrow keys move the picture, plus and minus change its size.` });
  canvas.setAttribute("role", "img");
  const sheet = element("div", { className: "sheet" }, canvas);
  const side = (name) => element("input", { type: "number", min: Math.min(16, first[name]), max: LARGEST_SIDE, value: first[name] });
  const [width, height] = [side("width"), side("height")];
  const scale = element("input", { type: "range", min: -3, max: 3, step: 0.01, value: 0 }); // powers of two
  const ground = element("input", { type: "color", value: first.ground });

  const put = (more) => (now = { ...now, ...more });
  const done = () => {
    steps.add(now);
    stepped(canvas);
  };
  /** Change the size around the middle of what is seen. */
  const resize = (wanted) => {
    const [x, y] = [now.width / 2, now.height / 2];
    const share = wanted / now.scale;
    put({ scale: wanted, x: x - (x - now.x) * share, y: y - (y - now.y) * share });
  };
  const place = (most) => {
    const wanted = most(now.width / base.width, now.height / base.height);
    put({ scale: wanted, x: (now.width - base.width * wanted) / 2, y: (now.height - base.height * wanted) / 2 });
    done();
  };
  const buttons = [["Fill", Math.max], ["Whole", Math.min]].map(([name, most]) => element("button", { type: "button", onclick: () => place(most) }, name));
  /** Draw what is taken, `share` times as large, from the picture or its smaller copy. */
  const draw = (on, share, from) => {
    Object.assign(on, { width: Math.max(1, Math.round(now.width * share)), height: Math.max(1, Math.round(now.height * share)) });
    const context = on.getContext("2d");
    Object.assign(context, { fillStyle: now.ground, imageSmoothingQuality: from === base ? "high" : "low" });
    context.fillRect(0, 0, on.width, on.height);
    context.drawImage(from, now.x * share, now.y * share, base.width * now.scale * share, base.height * now.scale * share);
  };
  const paint = () => {
    const room = sheet.parentElement.getBoundingClientRect();
    const shown = Math.min(room.width / now.width, room.height / now.height) * 0.92;
    Object.assign(sheet.style, { width: `${now.width * shown}px`, height: `${now.height * shown}px` });
    draw(canvas, Math.min(1, shown * devicePixelRatio), preview);
  };
  const placeOf = (event) => pointOn(canvas, event).map((one) => (one * now.width) / canvas.width);
  const wrong = () => [["Width", width], ["Height", height]].find(([, field]) => field.value === "" || !field.checkValidity());
  const sized = () => {
    for (const field of [width, height]) field.ariaInvalid = String(wrong()?.[1] === field);
    if (wrong()) return;
    const [wide, high] = [Number(width.value), Number(height.value)];
    put({ x: now.x + (wide - now.width) / 2, y: now.y + (high - now.height) / 2, width: wide, height: high });
    done();
  };
  width.onchange = height.onchange = sized;
  scale.oninput = () => (resize(2 ** scale.value), paint());
  scale.onchange = done;
  ground.onchange = () => (put({ ground: ground.value }), done());

  let held = null;
  canvas.onpointerdown = (event) => {
    canvas.setPointerCapture(event.pointerId);
    held = { at: placeOf(event), x: now.x, y: now.y };
  };
  canvas.onpointermove = (event) => {
    if (!held) return;
    const [x, y] = placeOf(event);
    put({ x: held.x + x - held.at[0], y: held.y + y - held.at[1] });
    requestAnimationFrame(paint);
  };
  canvas.onpointerup = canvas.onpointercancel = () => {
    if (held) done();
    held = null;
  };
  canvas.onkeydown = (event) => {
    if (event.key === "Escape" && held) {
      event.preventDefault(); // it takes back what is being done, and the window stays
      put({ x: held.x, y: held.y });
      held = null;
      return paint();
    }
    const key = KEYS[event.key];
    if (!key || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const far = event.shiftKey ? 32 : 4;
    if (Array.isArray(key)) put({ x: now.x + key[0] * far, y: now.y + key[1] * far });
    else resize(now.scale * key);
    done();
  };

  const render = () => {
    now = steps.done.at(-1) ?? first;
    for (const [field, value] of [[width, now.width], [height, now.height]]) Object.assign(field, { value, ariaInvalid: "false" });
    scale.value = Math.log2(now.scale);
    ground.value = now.ground;
    paint();
  };
  const made = await openEditor({
    title,
    tools: [tool("Width", width), tool("Height", height), tool("Size", scale), ...buttons, tool("Ground", ground)],
    stage: sheet,
    hint: "Drag the picture; what lies in the frame is taken.",
    steps,
    render,
    result: async () => {
      const [name, field] = wrong() ?? [];
      if (field) throw new Error(`${name}: give ${rangeText({ min: field.min, max: field.max })}, without a fraction.`);
      draw(canvas, 1, base);
      return use(await pngOf(canvas, title));
    },
  });
  base.close();
  preview.close();
  return made;
}
