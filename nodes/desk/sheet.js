// The sheet of a batch: a small picture for each run, what it has of its own, and how far it followed its map.

import { element } from "./elements.js";

const STATES = {
  unsent: "Being sent",
  waits: "Waits",
  runs: "Runs …",
  failed: "Failed",
  cancelled: "Cancelled",
  gone: "Not there",
  done: "No picture",
  damaged: "Damaged",
};
const FILM = /\.(mp4|webm)$/i;
const at = (id) => document.getElementById(id);
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The adherence of a row, the mean where several were measured; null where none was. */
const adherenceOf = (row) => (row?.adherence.length ? mean(row.adherence.map(({ score }) => score)) : null);

/** The cell with the highest adherence, of runs that ended well; null where fewer than two were measured. */
export function bestOf(cells) {
  const measured = cells.filter(({ state, row }) => state === "done" && adherenceOf(row) !== null);
  if (measured.length < 2) return null;
  return measured.reduce((best, one) => (adherenceOf(one.row) > adherenceOf(best.row) ? one : best));
}

/** Show cells, [{number, label, state, row, told}]; what has not changed stays, with the focus that it may have. */
export function drawSheet(cells, acts) {
  const list = at("cells");
  const best = bestOf(cells);
  while (list.children.length > cells.length) list.lastElementChild.remove();
  cells.forEach((cell, index) => {
    const text = JSON.stringify([acts.address({ run: "" }), cell]);
    const old = list.children[index];
    if (old?.dataset.text !== text) {
      const made = element("li", { className: `cell ${cell.state}`, "data-text": text }, ...partsOf(cell, acts));
      if (old) old.replaceWith(made);
      else list.append(made);
    }
    const place = list.children[index];
    place.classList.toggle("best", cell === best);
    place.querySelector(".mark").textContent = cell === best ? "Best" : "";
  });
}

/** An empty sheet, or none. */
export function openSheet(open) {
  at("sheet").hidden = !open;
  at("sheet-told").textContent = "";
  at("cells").replaceChildren();
}

function partsOf(cell, acts) {
  const { label, row, told } = cell;
  const adherence = adherenceOf(row);
  const said = adherence === null ? null : `adherence ${adherence.toFixed(2)}${row.adherence.length > 1 ? `, mean of ${row.adherence.length}` : ""}`;
  return [
    thumb(cell, acts),
    element("p", { className: "label" }, label, " ", element("strong", { className: "mark" })),
    said && element("p", { className: "hint" }, said),
    told ? element("p", { className: "hint told", title: told }, `Failed: ${told}`) : null,
    row && row.status !== "damaged" ? element("button", { type: "button", className: "small", ariaLabel: `Restore ${label}`, title: "Set everything as it was in this run", onclick: () => acts.restore(cell) }, "Restore") : null,
  ];
}

function thumb({ label, state, row }, { address }) {
  const [first] = row?.pictures ?? [];
  if (!first) return element("div", { className: "thumb" }, STATES[state] ?? state);
  const still = row.pictures.find((name) => !FILM.test(name));
  const seen = still ? element("img", { src: address({ run: row.id }), alt: label, decoding: "async" }) : "Film";
  return element("a", { className: "thumb", href: address({ name: still ?? first }), target: "_blank", title: "Open the picture" }, seen);
}
