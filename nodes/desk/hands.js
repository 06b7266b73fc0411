// The buttons below maps and pictures that open the windows in which they are changed by hand.

import { handNode, posesOf, posesPrompt, putPicture, putPoses, takeBack } from "./by_hand.js";
import { element } from "./elements.js";
import { isLink, mapNode, maps, masks } from "./graph.js";
import { isBusy } from "./missing.js";
import { loaded } from "./server.js";

const at = (id) => document.getElementById(id);

/** Put buttons below the maps that are shown. run(prompt, what) runs a part of the graph. */
export function offerHands(desk, run) {
  for (const map of [...maps(desk.graph, desk.info), ...masks(desk.graph, desk.info)]) {
    const shown = [...document.querySelectorAll("#maps figure")].filter((one) => [mapNode(map), String(map.id)].includes(one.dataset.from));
    if (shown.length !== 1 || shown[0].querySelector(".hands")) continue; // what is drawn on one of several would take the place of all
    const [figure] = shown;
    const row = element("div", { className: "hands" });
    const add = (text, work) => row.append(element("button", { type: "button", ariaLabel: `${text}: ${map.title}`, onclick: () => guarded(desk, work) }, text));
    if (!keepsMarks(desk.graph[map.id])) add("Draw on it", () => draw(desk, map, figure.querySelector("img").src));
    if (!map.mask && posesOf(desk.graph, desk.info, map)) add("Move the points", () => pose(desk, map, run));
    if (handNode(desk.graph, map)) add("As it was", () => changed(desk, () => takeBack(desk.graph, handNode(desk.graph, map))));
    if (row.childElementCount) figure.append(row);
  }
}

/** Maps with values beyond black, which a picture cannot hold: there the mask is drawn instead. */
const keepsMarks = (node) => node.inputs.masked_is === "minus_one";

async function guarded(desk, work) {
  try {
    desk.say("Opening …");
    if ((await work()) === null) desk.say("Nothing was changed.");
  } catch (error) {
    desk.fail(error);
  }
}

/** Raises when the graph has no such map: it was changed since its maps were shown. Gives a function that looks again, later. */
function check(desk, { id, slot, title }) {
  const { name } = desk;
  const look = () => {
    const there = [...maps(desk.graph, desk.info), ...masks(desk.graph, desk.info)].some((one) => String(one.id) === String(id) && one.slot === slot);
    if (!there || desk.name !== name) throw new Error(`${title} is not in the graph any more. Press “Show the maps”.`);
  };
  look();
  return look;
}

async function draw(desk, map, address) {
  const still = check(desk, map);
  const { drawOn } = await loaded(() => import("./draw.js"));
  const use = (file) => desk.server.upload(file); // while the window stands: what was drawn is not lost with the server
  const name = await drawOn({ title: map.title, address, mask: map.mask, under: map.mask ? pictureBehind(desk.graph, map) : "", use });
  if (!name) return null;
  still();
  await changed(desk, () => putPicture(desk.graph, map, name));
}

async function pose(desk, map, run) {
  const still = check(desk, map);
  if (isBusy()) throw new Error("Another run goes on. Wait for its end, or cancel it.");
  const from = posesOf(desk.graph, desk.info, map);
  const outputs = await run(posesPrompt(desk.graph, from), "Poses");
  if (!outputs) return null;
  still();
  const [{ moved }, figure] = await Promise.all([loaded(() => import("./pose.js")), desk.server.json("armature/pose_figure")]);
  const text = await moved({ title: map.title, text: outputs.desk_poses.text.join(""), figure, under: from.id === String(map.id) ? pictureBehind(desk.graph, map) : "" });
  if (!text) return null;
  await desk.know(["ArmatureDrawPoses", "ArmaturePosesFromJSON"]);
  await changed(desk, () => putPoses(desk.graph, desk.info, map, from, text));
}

/** Change the graph, draw the fields with it, and show the maps that come of it. */
async function changed(desk, work) {
  work();
  desk.outdate();
  await desk.redraw();
  at("show-maps").click();
}

/** The address of the picture that a map or mask belongs to, "" where none is near. */
function pictureBehind(graph, { id }) {
  const users = Object.entries(graph).filter(([, node]) => Object.values(node.inputs).some((value) => isLink(value) && String(value[0]) === String(id)));
  const near = [String(id), ...users.flatMap(([, node]) => Object.values(node.inputs).filter(isLink).map(([from]) => String(from)))];
  const up = (one) => [one, ...Object.values(graph[one]?.inputs ?? {}).filter(isLink).map(([from]) => String(from))];
  for (const one of near.flatMap(up)) {
    const seen = document.querySelector(`#pictures [data-node="${CSS.escape(one)}"] img`);
    if (seen && !seen.hidden) return seen.src;
  }
  return "";
}

/** A button that opens a picture to be cropped and placed. use(file) stores what comes of it, take(stored) lets it be used. */
export function cropButton(desk, title, seen, use, take) {
  const open = async () => {
    if (seen.hidden) throw new Error(`${seen.alt} cannot be shown here. Choose a PNG, JPEG or WebP picture.`);
    const { cropped } = await loaded(() => import("./crop.js"));
    const stored = await cropped({ title, address: seen.src, use });
    if (!stored) return null;
    await take(stored);
    desk.say("What you made takes the picture's place.");
  };
  return element("button", { type: "button", className: "small", ariaLabel: `Crop or place: ${title}`, onclick: () => guarded(desk, open) }, "Crop or place");
}
