// The history: every run of the whole graph that has ended, on the server, in the project that is chosen here.

import { showComparison } from "./compare.js";
import { element } from "./elements.js";
import { maps, prompts, weights } from "./graph.js";
import { isText, keep, recall } from "./kept.js";
import { beginningOf } from "./picture_check.js";
import { nameOf, runRow, timeOf } from "./run_row.js";

const ROUTE = "armature/history";
const FIRST_PROJECT = "default";
const GROUP = 20; // rows that are drawn, and taken away again, together as one scrolls
const ROW_HEIGHT = 152; // pixels, until a row was drawn
const NEAR = "1500px"; // how far from what is seen rows are drawn
const at = (id) => document.getElementById(id);

export class History {
  constructor(desk, guarded) {
    Object.assign(this, { desk, guarded, table: { rows: [] }, drawn: new Map(), parts: new Map(), marked: [], asking: null });
    this.watching = new IntersectionObserver((seen) => seen.forEach((one) => this.see(one)), { rootMargin: NEAR });
    at("project").value = this.project;
    at("branch").value = recall("branch", isText) ?? "";
    at("branch").onchange = () => keep("branch", at("branch").value.trim());
    at("project").onchange = () => (this.choosing = guarded(() => this.choose(at("project").value.trim()))());
    at("search").oninput = at("starred").onchange = () => this.draw();
    at("import").onchange = guarded(() => this.bringIn(at("import").files[0]));
    at("bring-back").onclick = guarded(() => this.bringBack());
    at("history").onkeydown = (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation(); // it is not meant for the run
      if (!at("compare").hidden) this.closeComparison();
    };
    document.addEventListener("visibilitychange", () => document.hidden || this.refresh());
    desk.server.listeners.add(({ type }) => type === "status" && this.soon());
    this.refresh();
  }

  /** What the server keeps with a run of the desk's graph, to make a row of it; `more` of it. */
  async note(graph = this.desk.graph, more = {}) {
    await this.choosing; // a run that is sent at once belongs to the project that was just chosen
    const { info, name } = this.desk;
    return {
      armature_desk: {
        project: this.project,
        graph: name,
        branch: at("branch").value.trim(),
        parent: recall(`parent ${name}`, isText) ?? "",
        maps: maps(graph, info).map(({ id, slot }) => [id, slot]),
        words: prompts(graph, info).map(({ title, value }) => ({ title, text: value })),
        weights: weights(graph, info).map(({ name: title, value }) => ({ title, value })),
        ...more,
      },
    };
  }

  get project() {
    return recall("project", isText) ?? FIRST_PROJECT;
  }

  /** Ask the server for what is new; one question at a time. */
  refresh() {
    this.asking = (this.asking ?? Promise.resolve()).then(this.guarded(() => this.ask()));
    return this.asking;
  }

  /** The same, once for many messages in a row. */
  soon() {
    clearTimeout(this.waiting);
    if (!document.hidden) this.waiting = setTimeout(() => this.refresh(), 300);
  }

  async ask() {
    const { notes } = await this.post("take");
    if (notes.length) this.desk.say(notes.join("\n"), "error");
    const table = await this.get("", { known: this.table.version ?? "" });
    at("projects").replaceChildren(...table.projects.map((value) => element("option", { value })));
    if (table.rows) this.table = table;
    this.draw();
  }

  async choose(name) {
    try {
      await this.desk.server.json(`${ROUTE}?${new URLSearchParams({ project: name })}`);
    } catch (error) {
      at("project").value = this.project;
      throw error;
    }
    keep("project", name);
    this.table = { rows: [] };
    this.marked = [];
    this.closeComparison();
    await this.refresh();
  }

  /** Draw the rows that fit the search, in groups. Only those near what is seen are in the page; what is the same stays. */
  draw() {
    const { rows, deleted = [] } = this.table;
    const wanted = rows.filter(fits(at("search").value, at("starred").checked));
    const list = at("rows");
    for (let number = 0; number * GROUP < wanted.length; number++) {
      const group = list.children[number] ?? this.newGroup(list);
      this.parts.set(group, wanted.slice(number * GROUP, (number + 1) * GROUP));
      if (number === 0 || group.dataset.near) this.fill(group);
      else if (!group.style.height) this.clear(group, this.parts.get(group).length * ROW_HEIGHT);
    }
    while (list.children.length * GROUP >= wanted.length + GROUP) this.dropGroup(list.lastElementChild);
    at("history").querySelector(".count").textContent = wanted.length === rows.length ? `· ${rows.length}` : `· ${wanted.length} of ${rows.length}`;
    at("no-rows").hidden = rows.length > 0;
    at("bring-back").hidden = !deleted.length;
    at("export").hidden = !rows.length;
    at("export").href = `api/${ROUTE}/export?${new URLSearchParams({ project: this.project })}`;
  }

  newGroup(list) {
    const group = element("ol", { className: "group" });
    list.append(group);
    this.watching.observe(group);
    return group;
  }

  dropGroup(group) {
    this.watching.unobserve(group);
    this.parts.delete(group);
    group.remove();
  }

  /** A group has come near to what is seen, or is no more. Where the keyboard is, rows stay. */
  see({ target: group, isIntersecting, boundingClientRect }) {
    if (!this.parts.has(group)) return;
    group.dataset.near = isIntersecting ? "yes" : "";
    if (isIntersecting) this.fill(group);
    else if (group.childElementCount && !group.contains(document.activeElement)) this.clear(group, boundingClientRect.height);
  }

  fill(group) {
    const shown = this.parts.get(group).map((row) => this.elementOf(row));
    const kept = new Set(shown);
    for (const one of [...group.children]) if (!kept.has(one)) one.remove();
    shown.forEach((one, number) => one !== group.children[number] && group.insertBefore(one, group.children[number] ?? null));
    group.style.height = "";
  }

  clear(group, height) {
    group.style.height = `${height}px`;
    group.replaceChildren();
  }

  elementOf(row) {
    const known = this.drawn.get(row.id);
    if (known?.row === row) return known.made;
    const text = JSON.stringify([this.project, row]);
    if (known?.text === text) {
      known.row = row;
      return known.made;
    }
    const made = runRow(row, this.acts);
    made.dataset.run = row.id;
    this.drawn.set(row.id, { row, text, made });
    return made;
  }

  acts = {
    address: (query) => `api/${ROUTE}/file?${new URLSearchParams({ project: this.project, ...query })}`,
    parent: ({ parent }) => parent && this.table.rows.find((row) => row.id === parent),
    report: async ({ id }) => {
      const { reports } = await this.get("/run", { run: id });
      return reports.length ? reports : ["No node said anything."];
    },
    change: (row, changes) => this.guarded(() => this.write("edit", row, changes))(),
    remove: (row) => this.guarded(() => this.remove(row))(),
    restore: (row, project) => this.guarded(() => this.restore(row, project))(),
    batch: ({ batch }) => this.desk.showBatch(this.project, batch),
    branch: (row) => this.guarded(() => this.branch(row))(),
    mark: (row, box) => this.guarded(() => this.mark(row, box))(),
  };

  async remove(row) {
    await this.write("delete", row);
    this.desk.say(`${nameOf(row)} is deleted. Undo delete brings it back, for a week.`);
    at("bring-back").focus();
  }

  async bringBack() {
    const [id] = this.table.deleted;
    await this.write("bring_back", { id });
    const row = this.table.rows.find((one) => one.id === id);
    this.desk.say(`${row ? nameOf(row) : "The run"} is back.`);
  }

  /** Set everything as it was in a run. */
  async restore(row, project = this.project) {
    const { graph, prompt, notes } = await this.post("restore", { run: row.id, project });
    await this.desk.restore(graph, prompt);
    keep(`parent ${this.desk.name}`, row.id);
    this.desk.say([`Everything is set as in ${nameOf(row)}.`, ...notes].join("\n"));
  }

  async branch(row) {
    await this.restore(row);
    at("branch").value = `${row.branch || row.name || timeOf(row)} 2`.slice(0, 200);
    at("branch").onchange();
    at("branch").focus();
    at("branch").select();
    this.desk.say(`Everything is set as in ${nameOf(row)}. The next runs are of the branch that you name here.`);
  }

  /** Two runs that are marked are compared; a third takes the place of the first. */
  async mark(row, box) {
    this.marked = this.marked.filter((one) => one.row.id !== row.id);
    if (box.checked) this.marked.push({ row, box });
    while (this.marked.length > 2) this.marked.shift().box.checked = false;
    if (this.marked.length < 2) {
      at("compare").hidden = true;
      return box.checked && this.desk.say("Mark another run to compare the two.");
    }
    const pair = this.marked.map((one) => one.row);
    const told = await this.get("/compare", { first: pair[0].id, second: pair[1].id });
    showComparison(at("compare"), pair, told, this.acts.address, () => this.closeComparison());
    this.desk.say("Two runs are compared above the rows.");
  }

  closeComparison() {
    at("compare").hidden = true;
    const last = this.marked.at(-1)?.box;
    for (const { box } of this.marked) box.checked = false;
    this.marked = [];
    last?.focus();
  }

  async bringIn(file) {
    if (!file) return;
    await beginningOf(file);
    this.desk.say(`${file.name} is being imported …`);
    try {
      const path = `${ROUTE}/import?${new URLSearchParams({ project: this.project })}`;
      const { added, known } = await this.desk.server.json(path, { method: "POST", headers: { "Content-Type": "application/zip" }, body: file });
      await this.refresh();
      this.desk.say(`${added} runs came in from ${file.name}${known ? `; ${known} were here already` : ""}.`);
    } finally {
      at("import").value = "";
    }
  }

  async write(what, row, changes = {}) {
    await this.post(what, { run: row.id, ...changes });
    await this.refresh();
  }

  post = (what, body = {}) => this.desk.server.post(`${ROUTE}/${what}`, { project: this.project, ...body });
  get = (path, query) => this.desk.server.json(`${ROUTE}${path}?${new URLSearchParams({ project: this.project, ...query })}`);
}

/** Whether a row holds every word of a search. */
function fits(search, starred) {
  const wanted = search.toLowerCase().split(/\s+/).filter(Boolean);
  return (row) => (!starred || row.starred) && (!wanted.length || wanted.every((word) => textOf(row).includes(word)));
}

const texts = new WeakMap();

function textOf(row) {
  if (!texts.has(row)) {
    const { id, told, name, by, branch, batch, graph, status, words = [], weights: weighed = [], seeds = [], models = [] } = row;
    const all = [id, told, name, by, branch, batch?.label, graph, status, timeOf(row), ...words.map((one) => one.text), ...weighed.map((one) => one.title), ...seeds, ...models];
    texts.set(row, all.filter(Boolean).join("\n").toLowerCase());
  }
  return texts.get(row);
}
