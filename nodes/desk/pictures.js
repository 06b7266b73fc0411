// One tile per picture that a graph starts from: what it is now, a choice, and a place to drop another.

import { element, choice, labelled } from "./elements.js";
import { fileName } from "./editor.js";
import { EXAMPLE, LOAD } from "./graph.js";
import { cropButton } from "./hands.js";
import { checkPicture } from "./picture_check.js";
import { awaited } from "./waiting.js";

const IMAGE = /\.(png|jpe?g|webp|gif|bmp|avif|tiff?)( \[\w+\])?$/i;
const EXAMPLE_NAMES = "name";
const JOIN = "ImageBatch"; // of the host, also of old ones; gives all pictures the size of the first

/** A tile. `desk` has server, info, change(id, node), redraw() and say(text). */
export function pictureTile(desk, picture) {
  const seen = element("img");
  const select = choice(offers(desk, picture), valueOf(picture));
  showPicture(desk, seen, picture.title, select.value);
  // Nothing is drawn anew: who types in the choice passes others on the way.
  select.onchange = () => {
    desk.change(picture.id, nodeFor(picture, select.value));
    showPicture(desk, seen, picture.title, select.value);
  };
  const several = picture.form === "folder" || picture.plain;
  const file = element("input", { type: "file", accept: "image/*", multiple: several });
  const { name } = desk;
  const take = async (node) => {
    if (desk.name !== name || !desk.graph[picture.id]) throw new Error(`${picture.title}: another graph was chosen meanwhile. What was sent is on the server now: choose it among the pictures there.`);
    desk.change(picture.id, node);
    await desk.redraw();
  };
  const send = (files) =>
    desk.act(async () => {
      try {
        await awaited(sent(files));
      } finally {
        file.value = "";
      }
    });
  const sent = async (files) => {
    if (files.length > 1 && !several) throw new Error(`${picture.title} takes one picture, and these are ${files.length}. Choose one.`);
    for (const file of files) await checkPicture(file);
    await take(await uploaded(desk, picture, files));
  };
  file.onchange = () => file.files.length && send([...file.files]);
  const tile = element(
    "div",
    { className: "picture" },
    picture.form === "folder" ? null : seen,
    element(
      "div",
      {},
      labelled(picture.title, select),
      labelled(several ? "or files of yours" : "or a file of yours", file),
      picture.plain ? cropButton(desk, picture.title, seen, (made) => uploaded(desk, picture, [made]), take) : null,
    ),
  );
  tile.ondragover = (event) => event.preventDefault();
  tile.ondrop = (event) => {
    event.preventDefault();
    if (event.dataTransfer.files.length) send([...event.dataTransfer.files]);
  };
  return tile;
}

function offers(desk, picture) {
  if (picture.form === "folder") return named([picture.value, ...picture.options]);
  const own = picture.form === "example" ? fileNames(desk) : picture.options;
  const missing = picture.form === "file" && !own.includes(picture.value) ? [[picture.value, `missing: ${picture.value}`]] : [];
  const examples = picture.plain ? exampleNames(desk).map((name) => [`example:${name}`, name]) : [];
  return [
    ...missing,
    { group: "Examples", options: examples },
    { group: "On this server", options: named(own) },
  ].filter((one) => !one.group || one.options.length);
}

const named = (values) => [...new Set(values)].map((value) => [value, value]);
const SHIPPED = /^example:(?=\S)/; // on this page; "example: NAME" is a training set, as its node calls it
const valueOf = ({ form, value }) => (form === "example" ? `example:${value}` : value);
const optionsOf = (desk, kind, input) => {
  const [type, more] = desk.info[kind]?.input.required?.[input] ?? desk.info[kind]?.input.optional?.[input] ?? [[]];
  return Array.isArray(type) ? type : (more?.options ?? []);
};
const fileNames = (desk) => optionsOf(desk, LOAD, "image");
const exampleNames = (desk) => optionsOf(desk, EXAMPLE, EXAMPLE_NAMES);

/** The node that gives the chosen picture: {class_type, inputs}. Both kinds give the picture at their first output. */
function nodeFor(picture, value) {
  if (SHIPPED.test(value)) return { class_type: EXAMPLE, inputs: { [EXAMPLE_NAMES]: value.replace(SHIPPED, "") } };
  if (picture.plain) return { class_type: LOAD, inputs: { image: value } };
  return { inputs: { [picture.input]: value } };
}

async function uploaded(desk, picture, files) {
  if (picture.form === "folder") {
    const folder = `${fileName(picture.title)}_${files.length}`;
    for (const file of files) await desk.server.upload(file, folder);
    return { inputs: { [picture.input]: folder } };
  }
  if (!picture.plain) return nodeFor(picture, await desk.server.upload(files[0]));
  const names = [];
  for (const file of files) names.push(await desk.server.upload(file));
  return names.length > 1 ? batchOf(picture, names) : nodeFor(picture, names[0]);
}

/** Several pictures in the place of one: a Load Image each, joined one by one. */
function batchOf({ id, title }, names) {
  const more = {};
  names.forEach((image, number) => {
    more[`${id}_${number}`] = { class_type: LOAD, inputs: { image }, _meta: { title: `${title} ${number + 1}` } };
  });
  let joined = `${id}_0`;
  for (let number = 1; number < names.length - 1; number++) {
    more[`${id}_joined_${number}`] = { class_type: JOIN, inputs: { image1: [joined, 0], image2: [`${id}_${number}`, 0] }, _meta: { title } };
    joined = `${id}_joined_${number}`;
  }
  return { class_type: JOIN, inputs: { image1: [joined, 0], image2: [`${id}_${names.length - 1}`, 0] }, more };
}

function showPicture(desk, seen, title, value) {
  const example = SHIPPED.test(value);
  seen.alt = `${title}: ${value.replace(SHIPPED, "")}`;
  seen.hidden = !example && !IMAGE.test(value);
  if (seen.hidden) return seen.removeAttribute("src");
  if (example) {
    seen.src = `armature/pictures/${encodeURIComponent(value.replace(SHIPPED, ""))}`;
    return;
  }
  const [, path, type = "input"] = value.match(/^(.*?)(?: \[(\w+)\])?$/);
  const [filename, ...folders] = path.split("/").reverse();
  seen.src = desk.server.view({ filename, subfolder: folders.reverse().join("/"), type });
}
