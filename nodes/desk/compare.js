// Two runs beside each other: their pictures under a slider or side by side, and in words what was set otherwise.

import { element } from "./elements.js";
import { nameOf } from "./run_row.js";

const FILM = /\.(mp4|webm)$/i;
const WAYS = [
  ["slider", "Slider"],
  ["beside", "Side by side"],
];
let way = "slider";

/** Show two runs in `place`; `told` is the server's comparison, `address` gives the address of a picture, `close` is called at the end. */
export function showComparison(place, [first, second], told, address, close) {
  const closing = element("button", { type: "button" }, "Close the comparison");
  closing.onclick = close;
  const pair = element("div", { className: "pair" }, side("A", first, address), side("B", second, address));
  const slider = element("input", { type: "range", min: 0, max: 100, value: 50, "aria-label": "How much of A is seen" });
  slider.oninput = () => pair.style.setProperty("--cut", `${slider.value}%`);
  slider.oninput();
  pair.append(slider);
  const choose = (chosen) => {
    way = chosen;
    pair.dataset.way = way;
    slider.hidden = way !== "slider";
  };
  const ways = WAYS.map(([name, text]) => {
    const one = element("input", { type: "radio", name: "way", value: name, checked: name === way });
    one.onchange = () => choose(name);
    return element("label", {}, one, ` ${text}`);
  });
  choose(way);
  place.replaceChildren(
    element("div", { className: "bar" }, element("h3", {}, `A: ${nameOf(first)}, B: ${nameOf(second)}`), ...ways, closing),
    pair,
    lines("Set otherwise", told.settings, "Everything was set the same."),
    lines("The pictures", told.pictures, "Every pixel is the same."),
  );
  place.hidden = false;
  closing.focus();
  place.scrollIntoView({ block: "nearest" });
}

function side(letter, row, address) {
  const [file] = row.pictures;
  const source = file && address({ name: file });
  const seen = !file
    ? element("p", {}, "No picture")
    : FILM.test(file)
      ? element("video", { src: source, controls: true, loop: true, muted: true })
      : element("img", { src: source, alt: `${letter}: ${nameOf(row)}` });
  return element("figure", {}, seen, element("figcaption", {}, letter));
}

function lines(title, texts, none) {
  const told = texts.length ? element("ul", {}, ...texts.map((text) => element("li", {}, text))) : element("p", {}, none);
  return element("div", { className: "lines" }, element("h4", {}, title), told);
}
