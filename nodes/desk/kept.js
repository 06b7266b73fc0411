// What a person changed, kept in the browser: for this tab, and for tabs to come. Without room or leave to keep, the page goes on.
// Anything may stand there, of an older page or put there by hand: what does not have the shape that is asked for is not there.

const PREFIX = `armature desk ${location.pathname} `; // two servers may share an origin
const refused = new Map(); // texts by name that the browser did not take

export const isText = (value) => typeof value === "string";
export const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
export const isTexts = (value) => Array.isArray(value) && value.every(isText);
const isNode = (value) => isObject(value) && isText(value.class_type) && isObject(value.inputs);

/** Whether a value is an API prompt, as far as this page must know it. */
export const isGraph = (value) => isObject(value) && Object.values(value).every(isNode);

/** What is kept under a name and fits, what this tab kept before what another did; null when nothing is. */
export const recall = (name, fits) => recallHere(name, fits) ?? recallShared(name, fits);

/** What this tab alone kept. */
export const recallHere = (name, fits) => read(refused.has(name) ? { getItem: () => refused.get(name) } : stores()[0], name, fits);

/** What is kept for all tabs: what the last of them kept. */
export const recallShared = (name, fits) => read(stores()[1], name, fits);

function read(store, name, fits) {
  const value = attempt(() => JSON.parse(store.getItem(PREFIX + name)));
  return value !== null && value !== "" && fits(value) ? value : null;
}

/** Keep a value, null to forget it; whether the browser did. If not, it is there until the page is left. */
export function keep(name, value) {
  return [keepHere(name, value), keepIn(stores()[1], name, value)].every(Boolean);
}

/** Keep a value for this tab alone: it survives a reload, and no other tab sees it. */
export function keepHere(name, value) {
  const kept = keepIn(stores()[0], name, value);
  if (kept) refused.delete(name);
  else refused.set(name, JSON.stringify(value));
  return kept;
}

const stores = () => [attempt(() => sessionStorage), attempt(() => localStorage)];

function keepIn(store, name, value) {
  const kept = attempt(() => {
    if (value === null) store.removeItem(PREFIX + name);
    else store.setItem(PREFIX + name, JSON.stringify(value));
    return true;
  });
  return kept === true;
}

function attempt(work) {
  try {
    return work();
  } catch {
    return null; // no leave, no room, or damaged text
  }
}

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** How a graph differs from the one that it was: by node, with the kind that the node had; {} when it does not. */
export function changesOf(base, graph) {
  const changes = {};
  for (const id of new Set([...Object.keys(base), ...Object.keys(graph)])) {
    const [was, is] = [base[id], graph[id]];
    if (same(was, is)) continue;
    const kind = was?.class_type ?? null;
    if (!is || is.class_type !== kind) changes[id] = { kind, node: is ?? null };
    else changes[id] = { kind, inputs: differing(was.inputs, is.inputs), without: Object.keys(was.inputs).filter((name) => !(name in is.inputs)) };
  }
  return changes;
}

const differing = (was, is) => Object.fromEntries(Object.entries(is).filter(([name, value]) => !same(was[name], value)));

const isChange = (value) =>
  isObject(value) && (isText(value.kind) || value.kind === null) && ("inputs" in value ? isObject(value.inputs) && isTexts(value.without) : value.node === null || isNode(value.node));

/** The graph with its changes, and how many found no place because the graph is another one now: {graph, lost}. */
export function withChanges(base, changes) {
  const graph = structuredClone(base);
  let lost = 0;
  for (const [id, change] of Object.entries(changes ?? {})) {
    const { kind, node, inputs, without } = isChange(change) ? change : {};
    if ((Object.hasOwn(base, id) ? base[id].class_type : null) !== kind) lost += 1;
    else if (inputs) {
      Object.assign(graph[id].inputs, inputs);
      for (const name of without) delete graph[id].inputs[name];
    } else if (node) graph[id] = node;
    else delete graph[id];
  }
  return { graph, lost };
}
