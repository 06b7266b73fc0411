// Whether the model files of the graph belong together, asked before anything runs.

import { loaded, saidOf } from "./server.js";

let asked = 0;

/** Ask the server's check about the graph of the desk, show its answer in `place` and say how many errors: tally(text, bad). */
export async function checkFit(desk, place, tally) {
  const mine = ++asked;
  try {
    const [report, { reportTable }] = await Promise.all([
      desk.server.post("armature/compatibility", { prompt: desk.graph }),
      loaded(() => import(new URL(`extensions/${desk.pack}/js/report_table.js`, document.baseURI))),
    ]);
    if (mine === asked) show(desk, place, tally, report, reportTable); // else a later change has asked anew
  } catch (error) {
    if (mine === asked) tally(saidOf(error), true);
  }
}

function show(desk, place, tally, report, reportTable) {
  const { error: errors, warning: warnings } = report.counts;
  tally(errors ? `${errors} do${errors > 1 ? "" : "es"} not` : warnings ? `yes, with ${warnings} to know` : "yes", errors);
  const told = reportTable(report, { show: (id) => desk.show(id), apply: (change) => desk.apply(change) });
  place.querySelector(":scope > div").replaceChildren(told);
}
