// What may be done with a picture that is shown: seen large, downloaded, dragged out, and its settings copied.

import { element } from "./elements.js";
import { modelFiles, pictures, prompts, settings, weights } from "./graph.js";
import { profiles } from "./profiles.js";
import { loaded } from "./server.js";

const at = (id) => document.getElementById(id);
const nameIn = (address) => new URL(address, document.baseURI).searchParams.get("filename") ?? "picture.png";
const NARROW = matchMedia("(max-width: 60rem)"); // as in desk.css
const TYPES = { png: "image/png", jpg: "image/jpeg", jpeg: "image/jpeg", webp: "image/webp", gif: "image/gif", mp4: "video/mp4", webm: "video/webm" };

/** Put the buttons below each result, and on a narrow page go there. graph: the one that made it, of the name. */
export function offerTools(desk, graph, name) {
  const settingsText = toldSettings(desk, graph, name);
  for (const figure of document.querySelectorAll("#result figure:not(.preview)")) {
    const address = figure.querySelector("img, video").src;
    const download = element("a", { href: address, download: nameIn(address), className: "button", ariaLabel: `Download ${nameIn(address)}` }, "Download");
    const copy = element("button", { type: "button", className: "small" }, "Copy settings");
    copy.onclick = async () => desk.say((await copied(settingsText)) ? "The settings are copied." : "This browser lets nothing be copied here.", "");
    figure.append(element("div", { className: "hands" }, download, copy));
  }
  if (!NARROW.matches) return;
  const there = [...document.querySelectorAll("#result img")].map((one) => one.decode());
  Promise.allSettled(there).then(() => requestAnimationFrame(() => document.getElementById("result").scrollIntoView()));
}

/** Pictures of the page open large; with Ctrl, Shift or the middle button the link does what links do. */
export function watchPictures(desk) {
  document.addEventListener("click", (event) => {
    const seen = event.target.closest?.(":is(.figures, #cells) a")?.querySelector("img");
    if (!seen || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    desk.act(async () => (await loaded(() => import("./viewer.js"))).showLarge(seen));
  });
  // A picture dragged out of the page is the file itself, with its name and its graph in it, where the browser can do that.
  document.addEventListener("dragstart", (event) => {
    const seen = event.target.closest?.("figure")?.querySelector("img, video");
    if (!seen?.src.startsWith("http")) return;
    const name = nameIn(seen.src);
    event.dataTransfer.setData("DownloadURL", `${TYPES[name.split(".").pop().toLowerCase()] ?? "application/octet-stream"}:${name}:${seen.src}`);
  });
}

/** A graph's name as the choice shows it. */
export const shownName = (name) => [...at("graph").options].find((one) => one.value === name)?.text ?? name;

/** The settings that made a picture, a line each. */
function toldSettings(desk, graph, name) {
  const { info } = desk;
  const line = ({ title, value }, name) => `${title}${name ? `, ${name.replaceAll("_", " ")}` : ""}: ${value}`;
  return [
    `Graph: ${shownName(name)}`,
    ...pictures(graph, info).map((one) => line(one)),
    ...prompts(graph, info).map((one) => line(one)),
    ...weights(graph, info).map((one) => line({ title: one.name, value: one.value })),
    ...modelFiles(graph, info).map((one) => line(one)),
    ...profiles(graph, info).filter(({ value }) => value).map((one) => line(one)),
    ...settings(graph, info).map((one) => line(one, one.spec.name)),
  ].join("\n");
}

/** Put a text where it can be pasted. Without TLS browsers have only the old way. */
async function copied(text) {
  if (navigator.clipboard) {
    const done = await navigator.clipboard.writeText(text).then(() => true, () => false);
    if (done) return true;
  }
  const before = document.activeElement;
  const field = element("textarea", { value: text, ariaLabel: "Settings" });
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  before?.focus();
  return done;
}
