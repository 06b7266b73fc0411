// A graph out of a file of the person's: exported, saved by the editor, or inside a picture that ComfyUI saved.

import { beginningOf } from "./picture_check.js";
import { Refused } from "./server.js";

const LARGEST = 64 * 2 ** 20; // bytes; the server takes no more

/** The graph in a file as an API prompt, and the texts of its notes: {prompt, notes}. Raises with what the file is instead. */
export async function graphIn(server, file) {
  if (file.size > LARGEST) throw new Refused(`${file.name} is larger than ${LARGEST / 2 ** 20} MB, which no graph is. Choose another file.`);
  await beginningOf(file);
  try {
    return await server.json("armature/prompt", { method: "POST", headers: { "Content-Type": "application/octet-stream" }, body: file });
  } catch (error) {
    throw new Refused(`${file.name} cannot be opened: ${error.message}`);
  }
}

/** Give nodes that have no title the name that the editor shows: saved graphs keep only titles that somebody changed. */
export function nameNodes(graph, info) {
  for (const node of Object.values(graph)) {
    if (!node._meta?.title && info[node.class_type]?.display_name) node._meta = { ...node._meta, title: info[node.class_type].display_name };
  }
}

/** A file that is dropped beside the places for pictures is opened as a graph; without this the browser leaves the page for it. */
export function takeDrops(open) {
  const isText = ({ target, dataTransfer }) => !dataTransfer.types.includes("Files") && target.matches("textarea, input");
  document.addEventListener("dragover", (event) => isText(event) || event.preventDefault());
  document.addEventListener("drop", (event) => {
    if (event.defaultPrevented || isText(event)) return; // a picture's tile, or a field, takes it
    event.preventDefault();
    if (event.dataTransfer.files.length) open([...event.dataTransfer.files]);
  });
}
