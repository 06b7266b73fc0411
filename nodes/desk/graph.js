// What an artist may change in an API prompt, found from the prompt and from what the server says about its nodes.
// `graph` is an API prompt, `info` maps kinds of node to their entry of /object_info. Nothing here touches the page.

const WEIGHTS = ["weight", "strength", "strength_model", "strength_clip", "blend_factor", "conditioning_to_strength", "ratio"];
const SETTINGS = ["seed", "noise_seed", "steps", "cfg", "denoise", "width", "height"];
const MODEL_FILE = /\.(safetensors|sft|ckpt|pt|pth|bin|gguf|onnx)$/i;
const MAP_CHAPTER = "Armature/preprocessors";
const SLIDER_TOP = 2; // more is seldom wanted; the number beside the slider takes the whole range

export const EXAMPLE = "ArmatureExamplePicture";
export const LOAD = "LoadImage";

export const isLink = (value) => Array.isArray(value) && value.length === 2 && typeof value[1] === "number";

export const titleOf = (graph, id) => graph[id]?._meta?.title || graph[id]?.class_type || `Node ${id}`;

/** The inputs of a node as its server describes them: {name, type, options, default, min, max, ...}. */
export function inputsOf(kind, info) {
  const groups = info[kind]?.input ?? {};
  return Object.entries({ ...groups.required, ...groups.optional }).map(([name, [type, more = {}]]) => {
    const listed = Array.isArray(type);
    return { ...more, name, type: listed ? "COMBO" : type, options: listed ? type : (more.options ?? []) };
  });
}

/** Every input that holds a value of its own: {id, title, kind, spec, value}. Left-out ones have their default. */
export function values(graph, info) {
  return Object.entries(graph).flatMap(([id, node]) =>
    inputsOf(node.class_type, info)
      .map((spec) => ({ id, title: titleOf(graph, id), kind: node.class_type, spec, value: node.inputs[spec.name] ?? spec.default }))
      .filter(({ value }) => value !== undefined && !isLink(value)),
  );
}

/** Kinds of node that the server does not have. */
export function unknownKinds(graph, info) {
  return [...new Set(Object.values(graph).map((node) => node.class_type))].filter((kind) => !info[kind]);
}

/** The pictures that go in: {id, title, input, value, form}; form is example, file or folder. */
export function pictures(graph, info) {
  return values(graph, info).flatMap(({ id, title, kind, spec, value }) => {
    const form = kind === EXAMPLE ? "example" : spec.image_upload ? "file" : spec.name === "folder" ? "folder" : null;
    if (!form || (form !== "file" && spec.type !== "COMBO")) return [];
    return [{ id, title, input: spec.name, value, form, options: spec.options, plain: form === "example" || isPlain(graph, id) }];
  });
}

/** Whether an example may stand in for a Load Image: only where its mask is not used. */
function isPlain(graph, id) {
  const used = Object.values(graph).flatMap((node) => Object.values(node.inputs).filter(isLink));
  return graph[id].class_type === LOAD && !used.some(([from, slot]) => from === id && slot !== 0);
}

/** The texts that become conditioning. */
export function prompts(graph, info) {
  return values(graph, info).filter(
    ({ kind, spec }) => spec.type === "STRING" && spec.multiline && info[kind].output.includes("CONDITIONING"),
  );
}

/** The weights, in the order of the graph: {sort, note, inputs, least, most, ...}. A LoRA's two strengths move as one. */
export function weights(graph, info) {
  const found = values(graph, info).filter(({ spec }) => spec.type === "FLOAT" && WEIGHTS.includes(spec.name));
  return found.flatMap((one) => {
    const twin = found.find((other) => other.id === one.id && other.spec.name === "strength_clip");
    const together = twin && one.spec.name === "strength_model" && twin.value === one.value;
    const moved = found.find((other) => other.id === one.id && other.spec.name === "strength_model");
    if (one.spec.name === "strength_clip" && moved?.value === one.value) return [];
    const inputs = together ? ["strength_model", "strength_clip"] : [one.spec.name];
    const several = !together && found.filter((other) => other.id === one.id).length > 1;
    return [{ ...one, inputs, name: several ? `${one.title}, ${one.spec.name.replaceAll("_", " ")}` : one.title, ...sortOf(graph, info, one), ...range(one) }];
  });
}

function range({ spec, value }) {
  const least = Math.max(spec.min ?? 0, Math.min(0, value));
  return { least, most: Math.min(spec.max ?? SLIDER_TOP, Math.max(SLIDER_TOP, value)) };
}

function sortOf(graph, info, { id, kind }) {
  const { inputs } = graph[id];
  const types = inputsOf(kind, info).flatMap((spec) => spec.type.split(",")); // an input may take several
  if (types.includes("CONTROL_NET")) return { sort: "Control", note: isLink(inputs.image) ? methodOf(graph, inputs.image[0]) : "" };
  if (types.includes("IP_ADAPTER")) return { sort: "IP-Adapter", note: inputs.weight_type ?? "" };
  if (inputs.lora_name) return { sort: "LoRA", note: inputs.lora_name };
  return { sort: "Weight", note: "" };
}

function methodOf(graph, id) {
  return typeof graph[id]?.inputs.method === "string" ? graph[id].inputs.method.replaceAll("_", " ") : titleOf(graph, id);
}

/** The inputs that name a model file, with `missing` where the server has none of that name. */
export function modelFiles(graph, info) {
  return values(graph, info)
    .filter(({ spec, value }) => spec.type === "COMBO" && typeof value === "string" && MODEL_FILE.test(value))
    .map((one) => ({ ...one, missing: !one.spec.options.includes(one.value) }));
}

/** Seeds, steps and sizes. */
export function settings(graph, info) {
  return values(graph, info).filter(({ spec, value }) => SETTINGS.includes(spec.name) && typeof value === "number");
}

/** The control maps, those of the weights first: {id, slot, title, report}; report is the output that tells of the map, or -1. */
export function maps(graph, info) {
  const found = new Map();
  const add = (id, slot) => {
    const report = (info[graph[id].class_type]?.output_name ?? []).indexOf("report");
    found.set(`${id}.${slot}`, { id, slot, title: titleOf(graph, id), report });
  };
  const nodes = Object.entries(graph);
  for (const [, node] of nodes) {
    const takesMap = inputsOf(node.class_type, info).some((spec) => spec.type.split(",").includes("CONTROL_NET"));
    if (takesMap && isLink(node.inputs.image)) add(...node.inputs.image);
  }
  for (const [id, node] of nodes) if (info[node.class_type]?.category.startsWith(MAP_CHAPTER)) add(id, 0);
  return [...found.values()];
}

/** The masks that something takes: {id, slot, title, mask}. They are shown and drawn on as maps are. */
export function masks(graph, info) {
  const links = Object.values(graph).flatMap((node) => Object.values(node.inputs).filter(isLink));
  const found = links.filter(([id, slot]) => info[graph[id]?.class_type]?.output[slot] === "MASK");
  const keys = new Map(found.map(([id, slot]) => [`${id}.${slot}`, { id, slot, title: titleOf(graph, id), report: -1, mask: true }]));
  return [...keys.values()].filter(({ id }) => !keys.has(`${feeds(graph, id)}`));
}

/** A mask of which another is made right away is a step on the way. */
function feeds(graph, id) {
  const users = Object.entries(graph).filter(([, node]) => Object.values(node.inputs).some((value) => isLink(value) && value[0] === id));
  return users.length === 1 ? `${users[0][0]}.0` : "";
}

/** The part of a graph that makes its control maps, and shows them: nothing in it samples. */
export function mapPrompt(graph, wanted) {
  const part = {};
  const take = (id) => {
    if (part[id]) return;
    part[id] = graph[id];
    for (const value of Object.values(graph[id].inputs)) if (isLink(value)) take(value[0]);
  };
  for (const { id, slot, title, report, mask } of wanted) {
    take(id);
    const seen = mask ? [`desk_mask_${id}_${slot}`, 0] : [id, slot];
    if (mask) part[seen[0]] = { class_type: "MaskToImage", inputs: { mask: [id, slot] }, _meta: { title } };
    part[mapNode({ id, slot })] = { class_type: "PreviewImage", inputs: { images: seen }, _meta: { title } };
    if (report >= 0) part[reportNode({ id })] = { class_type: "PreviewAny", inputs: { source: [id, report] }, _meta: { title } };
  }
  return part;
}

/** Where a prompt that `mapPrompt` made shows its maps: [{id, report, title}], ids of nodes. */
export function shownMaps(prompt) {
  return Object.keys(prompt)
    .filter((id) => id.startsWith("desk_map_"))
    .map((id) => ({ id, report: reportNode({ id: prompt[id].inputs.images[0] }), title: titleOf(prompt, id) }));
}

export const mapNode = ({ id, slot }) => `desk_map_${id}_${slot}`;
export const reportNode = ({ id }) => `desk_report_${id}`;

/** A graph with some of its values changed: [id, input, value] each, undefined for the node's own default. */
export function changed(graph, changes) {
  const made = structuredClone(graph);
  for (const [id, input, value] of changes) {
    if (value === undefined) delete made[id].inputs[input];
    else made[id].inputs[input] = value;
  }
  return made;
}
