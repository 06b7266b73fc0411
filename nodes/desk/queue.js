// What the server has to do: its runs, one of which goes on, each with a button that takes it away.

import { element } from "./elements.js";
import { nameIn } from "./names.js";

const at = (id) => document.getElementById(id);
let asked = 0;

/** Keep the list of runs as the server has it. */
export function watchQueue(desk) {
  desk.server.listeners.add(({ type }) => type === "status" && show(desk));
  show(desk);
}

async function show(desk) {
  const mine = ++asked;
  const queue = await desk.server.queue().catch(() => null);
  if (!queue || mine !== asked) return;
  const waiting = queue.queue_pending.sort((one, other) => one[0] - other[0]);
  const runs = [...queue.queue_running.map((run) => ["Running", run]), ...waiting.map((run, number) => [`Waiting, number ${number + 1}`, run])];
  const own = runs.findIndex(([, run]) => isOwn(desk, run));
  at("queue").hidden = !runs.length;
  at("queue").querySelector(".count").textContent = runs.length;
  at("queue").querySelector("ul").replaceChildren(...runs.map(([state, run], index) => entry(desk, state, run, own - index)));
}

const isOwn = (desk, [, , , more]) => more?.client_id === desk.server.clientId;

/** before: how many places it stands before the first run of this page; 0 or less where it does not. */
function entry(desk, state, run, before) {
  const [, id, prompt, more] = run;
  const whose = isOwn(desk, run) ? "from this page" : nameIn(more) ? `${nameIn(more)}’s` : "from elsewhere";
  const text = `${state}: ${whose}${before > 0 ? `, ${before} before yours` : ""}, ${Object.keys(prompt).length} nodes`;
  const stop = element("button", { type: "button", className: "small", ariaLabel: `Cancel ${text}` }, "Cancel");
  stop.onclick = async () => {
    stop.setAttribute("aria-disabled", "true");
    try {
      await desk.server.cancel([id]);
      await show(desk);
    } catch (error) {
      desk.fail(error);
    }
  };
  return element("li", {}, element("span", {}, text), stop);
}
