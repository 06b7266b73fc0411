// What was made by hand takes the place of what the graph computes, and can be taken out again.

import { isLink, LOAD } from "./graph.js";

const POSES = "POSE_KEYPOINT";

/** Let whatever is linked to an output of a node be linked to another one; how many links there were. */
function relink(graph, from, to) {
  let count = 0;
  for (const [id, node] of Object.entries(graph)) {
    if (id === to[0]) continue;
    for (const [input, value] of Object.entries(node.inputs)) {
      if (!isLink(value) || String(value[0]) !== String(from[0]) || value[1] !== from[1]) continue;
      node.inputs[input] = [...to];
      count++;
    }
  }
  return count;
}

const isUsed = (graph, id) => Object.values(graph).some((node) => Object.values(node.inputs).some((value) => isLink(value) && String(value[0]) === String(id)));

/** Put nodes into the graph in the place of outputs of one: added {id: node}, links [[old output, new output], ...]. */
function replace(graph, old, added, links) {
  Object.assign(graph, added);
  for (const [from, to] of links) relink(graph, from, to);
  const removed = isUsed(graph, old) ? {} : { [old]: graph[old] };
  if (removed[old]) delete graph[old];
  const [main] = Object.keys(added);
  // Kept in the graph itself, so that it can be taken back after the graph was saved and opened.
  graph[main]._meta.instead_of = { removed, links, added: Object.keys(added) };
}

/** Take out what was made by hand; false where the node was not. */
export function takeBack(graph, id) {
  const { removed, links, added } = graph[id]?._meta?.instead_of ?? {};
  if (!links) return false;
  Object.assign(graph, removed);
  for (const [from, to] of links) relink(graph, to, from);
  for (const one of added) delete graph[one];
  return true;
}

/** The node made by hand that a map comes from, or null: the map itself, or the poses that it draws. */
export function handNode(graph, { id }) {
  const near = [id, ...Object.values(graph[id]?.inputs ?? {}).filter(isLink).map(([from]) => from)];
  return near.find((one) => graph[one]?._meta?.instead_of) ?? null;
}

/** A drawn picture, by its name on the server, in the place of a map or mask {id, slot, title, mask}. */
export function putPicture(graph, { id, slot, title, mask }, name) {
  if (graph[id]._meta?.instead_of && "image" in graph[id].inputs) {
    graph[id].inputs.image = name; // drawn on once more
    return;
  }
  const made = `desk_hand_${id}_${slot}`;
  const node = mask ? { class_type: "LoadImageMask", inputs: { image: name, channel: "red" } } : { class_type: LOAD, inputs: { image: name } };
  replace(graph, id, { [made]: { ...node, _meta: { title: `${title}, drawn by hand` } } }, [[[id, slot], [made, 0]]]);
}

/** Where the poses of a map come from: {id, slot}, or null. It draws those that it is given, or finds them itself. */
export function posesOf(graph, info, { id }) {
  const given = Object.values(graph[id]?.inputs ?? {}).find((value) => isLink(value) && info[graph[value[0]]?.class_type]?.output[value[1]] === POSES);
  if (given) return { id: String(given[0]), slot: given[1] };
  const slot = info[graph[id]?.class_type]?.output.indexOf(POSES) ?? -1;
  return slot < 0 ? null : { id: String(id), slot };
}

/** The part of a graph that tells its poses as JSON text, in the node `desk_poses`. */
export function posesPrompt(graph, { id, slot }) {
  const part = {
    desk_json: { class_type: "ArmaturePosesToJSON", inputs: { poses: [id, slot] }, _meta: { title: "Poses" } },
    desk_poses: { class_type: "PreviewAny", inputs: { source: ["desk_json", 0] }, _meta: { title: "Poses" } },
  };
  const take = (one) => {
    if (part[one]) return;
    part[one] = graph[one];
    for (const value of Object.values(graph[one].inputs)) if (isLink(value)) take(value[0]);
  };
  take(id);
  return part;
}

/** Poses as JSON text in the place of those that a map {id, title} was drawn from. */
export function putPoses(graph, info, map, poses, text) {
  if (graph[poses.id]._meta?.instead_of && "text" in graph[poses.id].inputs) {
    graph[poses.id].inputs.text = text; // moved once more
    return;
  }
  const made = `desk_pose_${poses.id}_${poses.slot}`;
  const read = { class_type: "ArmaturePosesFromJSON", inputs: { text }, _meta: { title: `${map.title}, moved by hand` } };
  if (poses.id !== String(map.id)) return replace(graph, poses.id, { [made]: read }, [[[poses.id, poses.slot], [made, 0]]]);
  const drawn = `desk_pose_map_${map.id}`;
  const { required = {}, optional = {} } = info.ArmatureDrawPoses?.input ?? {};
  const options = Object.entries(graph[map.id].inputs).filter(([name, value]) => (name in required || name in optional) && !isLink(value));
  const draw = { class_type: "ArmatureDrawPoses", inputs: { ...Object.fromEntries(options), poses: [made, 0] }, _meta: { title: map.title } };
  replace(graph, map.id, { [made]: read, [drawn]: draw }, [
    [[map.id, map.slot ?? 0], [drawn, 0]],
    [[poses.id, poses.slot], [made, 0]],
  ]);
}
