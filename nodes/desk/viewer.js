// A picture as large as the screen, with zoom.

import { element } from "./elements.js";
import { tool, windowOf } from "./editor.js";

const LARGEST = 16; // times its own pixels
const KEYS = { "+": 1.25, "=": 1.25, "-": 0.8 };
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** Show the picture of an <img> large, or the one that it leads to: wheel, pinch and keys zoom, dragging moves. */
export async function showLarge(seen) {
  const image = element("img", { src: seen.closest("a")?.href || seen.src, alt: seen.alt, className: "large", draggable: false });
  const range = element("input", { type: "range", min: 0, max: 100, value: 0 });
  const close = element("button", { type: "button" }, "Close");
  const whole = element("button", { type: "button" }, "Whole");
  const exact = element("button", { type: "button" }, "Its own size");
  const stage = element("div", { className: "stage", tabIndex: 0, ariaLabel: "Picture; plus and minus zoom, arrow keys move" }, image);
  stage.setAttribute("role", "group");
  const { window, closed } = await windowOf(seen.alt || "Picture", [
    element("div", { className: "bar" }, element("h2", {}, seen.alt || "Picture"), tool("Zoom", range), whole, exact, close),
    stage,
  ]);
  await image.decode().catch(() => {});

  const fit = () => Math.min(LARGEST, (stage.clientWidth - 2) / image.naturalWidth, (stage.clientHeight - 2) / image.naturalHeight);
  const least = () => Math.min(1, fit());
  let scale = fit();
  /** Zoom around a point of the stage, its middle if none is given. */
  const zoom = (wanted, x = stage.clientWidth / 2, y = stage.clientHeight / 2) => {
    const next = Math.min(Math.max(wanted, least()), LARGEST);
    const [left, top] = [(stage.scrollLeft + x) / scale, (stage.scrollTop + y) / scale];
    scale = next;
    image.style.width = `${image.naturalWidth * scale}px`;
    image.style.imageRendering = scale > 3 ? "pixelated" : "auto";
    stage.scrollTo(left * scale - x, top * scale - y);
    range.value = (100 * Math.log(scale / least())) / Math.log(LARGEST / least());
  };
  zoom(scale);
  range.oninput = () => zoom(least() * (LARGEST / least()) ** (range.value / 100));
  whole.onclick = () => zoom(fit());
  exact.onclick = () => zoom(1);
  close.onclick = () => window.close();
  image.ondblclick = (event) => zoom(scale > fit() * 1.01 ? fit() : 2 * fit(), event.offsetX - stage.scrollLeft, event.offsetY - stage.scrollTop);
  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    const box = stage.getBoundingClientRect();
    zoom(scale * 0.998 ** event.deltaY, event.clientX - box.left, event.clientY - box.top);
  }, { passive: false });
  stage.onkeydown = (event) => {
    if (event.ctrlKey || event.metaKey) return;
    if (KEYS[event.key]) zoom(scale * KEYS[event.key]);
    else if (event.key === "0") zoom(fit());
    else if (MOVES[event.key]) stage.scrollBy(...MOVES[event.key].map((one) => one * 60));
    else return;
    event.preventDefault();
  };
  moveAndPinch(stage, (share, x, y) => zoom(scale * share, x, y));
  stage.focus();
  return closed;
}

/** One finger or the mouse moves what is seen, two change its size. */
function moveAndPinch(stage, zoomBy) {
  const fingers = new Map();
  stage.onpointerdown = (event) => {
    stage.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, [event.clientX, event.clientY]);
  };
  stage.onpointermove = (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const now = [event.clientX, event.clientY];
    const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const box = stage.getBoundingClientRect();
      const far = (one) => Math.max(1, Math.hypot(one[0] - other[0], one[1] - other[1]));
      zoomBy(far(now) / far(before), (now[0] + other[0]) / 2 - box.left, (now[1] + other[1]) / 2 - box.top);
    } else stage.scrollBy(before[0] - now[0], before[1] - now[1]);
    fingers.set(event.pointerId, now);
  };
  stage.onpointerup = stage.onpointercancel = (event) => fingers.delete(event.pointerId);
}
