// Several runs at once: they wait in the server's queue one by one, each becomes a row of the history, and a sheet shows them all.
// What belongs to a batch is read from the queue and the history alone, so that any page can show it, at any time.

import { MOST_RUNS, countIn, seedRuns, variables, weightRuns } from "./batch_plan.js";
import { element, pressOnEnter } from "./elements.js";
import { tellEnd } from "./finish.js";
import { changed } from "./graph.js";
import { isObject, isText, isTexts, keepHere, recallHere } from "./kept.js";
import { blame, ready } from "./missing.js";
import { withoutPaths } from "./refusals.js";
import { provideDemo } from "./runs.js";
import { Refused, saidOf } from "./server.js";
import { bestOf, drawSheet, openSheet } from "./sheet.js";
import { settled } from "./waiting.js";

const KEPT = "batch"; // where this tab keeps the batch of its sheet
const ROUTE = "armature/history";
const LOOK_MILLISECONDS = 2000;
const at = (id) => document.getElementById(id);
let starting = false;
let shown = null; // {id, project, labels, sent, refused: reasons by number, over}; `sent` of them were sent so far

/** Draw the fields that say what a batch goes through. */
export function drawBatch(desk) {
  const offered = variables(desk.graph, desk.info);
  at("batch").hidden = !offered.length;
  const before = at("batch-what").value;
  at("batch-what").replaceChildren(...offered.map(({ key, title }) => element("option", { value: key }, title)));
  if (offered.some(({ key }) => key === before)) at("batch-what").value = before;
  drawField(desk);
}

/** The one field is a count of seeds, or a list of weights. Each keeps what was written in it. */
function drawField(desk) {
  const one = chosen(desk);
  const [count, weights] = [at("batch-count"), at("batch-weights")];
  count.closest(".field").hidden = !one?.seeds;
  weights.closest(".field").hidden = Boolean(one?.seeds);
  at("batch-weights-hint").textContent = `Numbers and ranges start:end:step, such as 0, 0.3, 0.5:1:0.1. At most ${MOST_RUNS}.${one?.times ? " 1 is as the weights are set now." : ""}`;
}

const chosen = (desk) => variables(desk.graph, desk.info).find(({ key }) => key === at("batch-what").value);

/** Make the section work, and show the batch that this tab had before it was loaded anew. */
export function watchBatch(desk, guarded) {
  at("batch-what").onchange = () => drawField(desk);
  at("make-batch").onclick = guarded(async () => {
    if (starting) return; // clicked twice
    starting = true;
    await start(desk).finally(() => (starting = false));
  });
  for (const field of [at("batch-count"), at("batch-weights")]) pressOnEnter(field, at("make-batch"));
  at("cancel-rest").onclick = guarded(() => cancelRest(desk));
  at("close-sheet").onclick = () => {
    show(null);
    at("make-batch").focus();
  };
  const kept = recallHere(KEPT, (batch) => isObject(batch) && isText(batch.id) && isText(batch.project) && isTexts(batch.labels) && isObject(batch.refused));
  if (kept) follow(desk, show({ ...kept, sent: kept.labels.length })); // nobody sends the others any more
}

/** Show the batch of a row of the history. */
export function showBatchOf(desk, project, { id, of }) {
  if (shown?.id !== id) follow(desk, show({ id, project, labels: Array(of).fill(""), sent: of, refused: {}, over: true }));
  at("sheet").scrollIntoView({ block: "start" });
  at("sheet-title").focus();
}

function show(batch) {
  if (batch !== shown) openSheet(batch !== null);
  shown = batch;
  keepHere(KEPT, batch);
  return batch;
}

/** The runs that the fields ask for; null where a field is wrong, which is then said and marked. */
async function planned(desk) {
  const one = chosen(desk);
  const field = one.seeds ? at("batch-count") : at("batch-weights");
  try {
    if (one.seeds) return seedRuns(one, countIn(field.value));
    const { weights } = await desk.server.json(`armature/weights?${new URLSearchParams({ text: field.value })}`);
    return weightRuns(one, weights);
  } catch (error) {
    desk.say(`Nothing was sent: ${saidOf(error)}`, "error");
    if (!(error instanceof Refused) || error.problems.length) blame([{ field, text: error.message }]);
    return null;
  }
}

async function start(desk) {
  if (shown && !shown.over) return desk.say("A batch still runs. Wait for it, or cancel the rest of it.", "error");
  if (!(await settled(desk)) || !(await ready(desk, true))) return;
  const runs = await planned(desk);
  if (!runs) return;
  const graph = structuredClone(desk.graph);
  await provideDemo(desk, graph);
  await desk.history.choosing;
  const id = Array.from(crypto.getRandomValues(new Uint8Array(8)), (one) => one.toString(16).padStart(2, "0")).join("");
  const { project } = desk.history;
  const told = ({ label }, index) => ({ project, batch: { id, number: index + 1, of: runs.length, label } });
  // All are written before the first is sent: what a person does meanwhile belongs to other runs.
  const prompts = runs.map(({ changes }) => changed(graph, changes));
  const notes = await Promise.all(runs.map((run, index) => desk.history.note(prompts[index], told(run, index))));
  const batch = show({ id, project, labels: runs.map(({ label }) => label), sent: 0, refused: {} });
  follow(desk, batch);
  at("sheet").scrollIntoView({ block: "start" });
  send(desk, batch, prompts, notes);
}

/** Send the runs one after the other; what the server refuses does not keep the others. */
async function send(desk, batch, prompts, notes) {
  const told = new Set();
  for (const [index, prompt] of prompts.entries()) {
    if (batch.stopped) break;
    const number = index + 1;
    try {
      const { leftOut } = await desk.server.submit(prompt, notes[index]);
      leftOut.forEach((text) => told.add(text));
    } catch (error) {
      batch.refused[number] = withoutPaths(saidOf(error));
      told.add(batch.refused[number]);
    }
    batch.sent = number;
    if (shown === batch) show(batch);
    desk.say([`Batch: ${number} of ${prompts.length} sent.`, ...told].join("\n"), told.size ? "error" : "");
  }
  batch.ring?.();
}

/** Look at a batch until all of it has ended, or another one is shown. */
async function follow(desk, batch) {
  const heard = ({ type, data }) => {
    if (type === "status" || type === "execution_start") batch.ring?.();
    else if (type === "progress" && data.prompt_id && data.prompt_id === batch.running) at("sheet-progress").value = (batch.ended + data.value / data.max) / batch.labels.length;
  };
  desk.server.listeners.add(heard);
  const begun = !batch.over;
  try {
    while (shown === batch) {
      const cells = await look(desk, batch).catch((error) => void (at("sheet-told").textContent = saidOf(error)));
      if (cells && shown === batch) {
        draw(desk, batch, cells);
        if (batch.over) break;
      }
      await new Promise((resolve) => {
        batch.ring = resolve;
        setTimeout(resolve, LOOK_MILLISECONDS);
      });
    }
  } finally {
    desk.server.listeners.delete(heard);
    delete batch.ring;
  }
  if (shown !== batch) return;
  show(batch);
  if (!begun) return;
  desk.history.refresh();
  desk.say("The batch has ended.");
  tellEnd("Batch", at("sheet").querySelector(".cell.failed") === null);
}

/** What has become of each run: [{number, label, state, row, told}]. */
async function look(desk, batch) {
  // First the queue, then the history: what is in neither is not there for certain.
  const sent = batch.sent;
  const queue = await desk.server.queue();
  const { notes } = await desk.server.post(`${ROUTE}/take`, { project: batch.project });
  const { rows } = await desk.server.json(`${ROUTE}/batch?${new URLSearchParams({ project: batch.project, batch: batch.id })}`);
  const waiting = new Map();
  for (const [state, runs] of [["waits", queue.queue_pending], ["runs", queue.queue_running]])
    for (const run of runs) {
      const note = run[3]?.armature_desk?.batch;
      if (note?.id === batch.id) waiting.set(note.number, { state, id: run[1], label: note.label });
    }
  batch.running = [...waiting.values()].find(({ state }) => state === "runs")?.id;
  if (notes.length) desk.say(notes.join("\n"), "error");
  const cells = batch.labels.map((label, index) => {
    const number = index + 1;
    const row = rows.find((one) => one.batch.number === number);
    const queued = waiting.get(number);
    const state = row ? row.status : queued ? queued.state : batch.refused[number] ? "failed" : number > sent && !batch.stopped ? "unsent" : batch.stopped ? "cancelled" : "gone";
    return { number, label: String(row?.batch.label || queued?.label || label || number), state, row, told: row?.reason || batch.refused[number] };
  });
  batch.ended = cells.filter(({ state }) => !["waits", "runs", "unsent"].includes(state)).length;
  batch.over = batch.ended === cells.length;
  return cells;
}

function draw(desk, batch, cells) {
  const address = (query) => `api/${ROUTE}/file?${new URLSearchParams({ project: batch.project, ...query })}`;
  drawSheet(cells, { address, restore: ({ row }) => desk.history.acts.restore(row, batch.project) });
  const count = (state) => cells.filter((one) => one.state === state).length;
  const best = bestOf(cells);
  const failed = count("failed") && `${count("failed")} failed`;
  const cancelled = count("cancelled") && `${count("cancelled")} cancelled`;
  const gone = count("gone") && `${count("gone")} not there any more, or never sent`;
  const praised = batch.over && best && `best by adherence: ${best.label}`;
  const measured = batch.over && !best && count("done") > 1 && "to have the best one marked, add Control Adherence to the graph";
  const text = [`${count("done")} of ${cells.length}`, failed, cancelled, gone, praised, measured].filter(Boolean).join(" · ");
  if (at("sheet-told").textContent !== text) at("sheet-told").textContent = text;
  at("sheet-progress").value = batch.ended / cells.length;
  at("sheet-progress").hidden = at("cancel-rest").hidden = batch.over;
  at("close-sheet").hidden = !batch.over;
}

/** Take those that wait out of the queue, and stop the one that runs. */
async function cancelRest(desk) {
  const batch = shown;
  batch.stopped = true;
  show(batch);
  const ofBatch = (runs) => runs.filter((run) => run[3]?.armature_desk?.batch?.id === batch.id).map((run) => run[1]);
  const { queue_pending: waiting } = await desk.server.queue();
  await desk.server.cancel(ofBatch(waiting));
  const { queue_running: running, queue_pending: late } = await desk.server.queue();
  await desk.server.cancel(ofBatch([...late, ...running]));
  batch.ring?.();
}
