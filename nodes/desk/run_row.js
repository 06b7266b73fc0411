// One run in the history as a row: what it was made with, what came out, and what can be done with it.

import { element } from "./elements.js";
import { saidOf } from "./server.js";

const CLOCK = new Intl.DateTimeFormat(undefined, { dateStyle: "short", timeStyle: "medium" });
const FILM = /\.(mp4|webm)$/i;

/** When a run ended, as the person's own system writes times. */
export const timeOf = (row) => (row.created ? CLOCK.format(new Date(row.created)) : row.id);

/** What a run is called: its name, or when it ended. */
export const nameOf = (row) => row.name || timeOf(row);

/**
 * A row. `acts` has address(query), change(row, changes), restore(row), branch(row), remove(row), mark(row, on), report(row) and
 * parent(row), batch(row).
 */
export function runRow(row, acts) {
  if (row.status === "damaged") return element("li", { className: "run" }, element("p", { className: "warning" }, row.told));
  return element("li", { className: `run ${row.status}` }, picture(row, acts), facts(row, acts), buttons(row, acts));
}

function picture(row, { address }) {
  const [first] = row.pictures;
  const still = row.pictures.find((name) => !FILM.test(name));
  const seen = still ? element("img", { src: address({ run: row.id }), alt: `What came of ${nameOf(row)}`, loading: "lazy", decoding: "async" }) : first ? "Film" : row.status === "cancelled" ? "Cancelled" : "No picture";
  if (!first) return element("div", { className: "thumb" }, seen);
  const count = row.pictures.length > 1 ? element("span", { className: "many" }, `${row.pictures.length}`) : null;
  return element("a", { className: "thumb", href: address({ name: first }), target: "_blank", title: "Open the picture" }, seen, count);
}

function facts(row, acts) {
  const name = element("input", { className: "name", value: row.name, maxLength: 200, placeholder: timeOf(row), "aria-label": `Name of the run of ${timeOf(row)}` });
  name.onchange = () => acts.change(row, { name: name.value });
  const [words, ...less] = row.words.filter(({ text }) => text);
  const parent = acts.parent(row);
  const tags = [
    row.status !== "done" && row.status,
    row.name && timeOf(row),
    row.graph.replace(/^own:/, "").replaceAll("_", " "),
    row.by && `by ${row.by}`,
    row.branch && `branch ${row.branch}`,
    row.batch && `${row.batch.number} of ${row.batch.of} in a batch`,
    parent && `from ${nameOf(parent)}`,
  ];
  const settings = [
    ...row.weights.map(({ title, value }) => `${title} ${Number(value.toFixed(3))}`),
    row.seeds.length && `seed ${[...new Set(row.seeds)].join(", ")}`,
    ...row.adherence.map(({ score, relative }) => `adherence ${score.toFixed(2)} (${Math.round(relative * 100)}% of the source's)`),
    row.seconds !== null && `${row.seconds.toFixed(1)} s`,
  ];
  return element(
    "div",
    { className: "facts" },
    name,
    element("p", { className: "hint" }, tags.filter(Boolean).join(" · ")),
    words ? element("p", { className: "words", title: less.map(({ title, text }) => `${title}: ${text}`).join("\n") }, words.text) : null,
    element("p", { className: "hint" }, settings.filter(Boolean).join(" · ")),
    maps(row, acts),
    report(row, acts),
  );
}

function maps(row, { address }) {
  if (!row.maps.length) return null;
  const seen = row.maps.slice(0, 6).map((name, number) =>
    element(
      "a",
      { href: address({ name }), target: "_blank" },
      element("img", { src: address({ name, small: 1 }), alt: `Guide ${number + 1} of ${nameOf(row)}`, loading: "lazy", decoding: "async" }),
    ),
  );
  return element("div", { className: "guides" }, ...seen);
}

/** What the nodes said: asked for when it is opened. */
function report(row, acts) {
  const told = element("div");
  const made = element("details", {}, element("summary", {}, "Report"), told);
  made.ontoggle = async () => {
    if (!made.open || told.dataset.there) return;
    const texts = await acts.report(row).then(
      (found) => ((told.dataset.there = "yes"), found),
      (error) => [saidOf(error)], // asked again when it is opened again
    );
    told.replaceChildren(...texts.map((text) => element("p", { className: /warning/i.test(text) ? "warning" : "" }, text)));
  };
  return made;
}

function buttons(row, acts) {
  const act = (text, work, more = {}) => {
    const button = element("button", { type: "button", ...more }, text);
    button.onclick = () => work(row);
    return button;
  };
  const mark = element("input", { type: "checkbox" });
  mark.onchange = () => acts.mark(row, mark);
  return element(
    "div",
    { className: "acts" },
    element("label", {}, mark, " Compare"),
    act("Restore", acts.restore, { title: "Set everything as it was in this run" }),
    row.batch ? act("Batch", acts.batch, { title: "Show all runs of its batch" }) : null,
    act("Branch", acts.branch, { title: "Set everything as it was, and go on under another name" }),
    act(row.starred ? "★ Starred" : "☆ Star", () => acts.change(row, { starred: !row.starred }), { "aria-pressed": String(row.starred) }),
    act("Delete", acts.remove),
  );
}
