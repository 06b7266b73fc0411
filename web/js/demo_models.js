// The shipped graphs that name the demo's models run at once: their files are written from the pack as such a graph opens.

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { say } from "./phrases.js";

const ROUTE = "/armature/demo_models";
const NAMES = /\barmature_demo\w*\.safetensors\b/g;

const offered = new Set(); // names that the nodes of this page list; others may have been written meanwhile

app.registerExtension({
  name: "Armature.DemoModels",

  /** Before the nodes are made: their lists then hold the files, and nothing is shown as missing. */
  async beforeConfigureGraph(graph) {
    const named = new Set(JSON.stringify(graph).match(NAMES));
    if ([...named].every((name) => offered.has(name))) return;
    const known = await ask();
    const files = known?.files.filter((file) => named.has(file.name)) ?? [];
    const missing = files.filter((file) => !file.there);
    if (missing.length && !(await write(missing))) return;
    if (files.length) await (app.reloadNodeDefs ?? app.refreshComboInNodes).call(app);
    for (const name of named) offered.add(name);
  },
});

/** Have files written, and say so; resolves to whether they are there now. */
async function write(files) {
  const megabytes = files.reduce((sum, file) => sum + file.megabytes, 0);
  const takeAway = toast(
    "info",
    say("The demo's models are being written"),
    say("{megabytes} MB from the pack into your model folders, once.", { megabytes }),
  );
  const answer = await ask({ names: files.map((file) => file.name) });
  takeAway();
  const [first] = answer?.written ?? [];
  if (first) {
    const where = say("{path} and others named armature_demo; delete them when you need them no more.", first);
    toast("success", say("The demo's models are there"), where, 10000);
  }
  return answer !== null;
}

/** What the server answers, or null after saying why there is nothing. */
async function ask(body) {
  const options = body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const response = await api.fetchApi(ROUTE, options);
  const answer = await response.json().catch(() => null);
  if (response.ok && answer) return answer;
  toast("error", say("The demo's models could not be written"), answer?.error?.message ?? response.statusText, 20000);
  return null;
}

/** Say something; what is given back takes it away again. life: in milliseconds, for ever unless given. */
function toast(severity, summary, detail, life) {
  const toasts = app.extensionManager.toast;
  if (toasts.dismiss) {
    // Newer front ends have no `remove`, and tell their messages apart by a number.
    const number = toasts[severity](summary, { description: detail, duration: life });
    return () => toasts.dismiss(number);
  }
  const message = { severity, summary, detail, life };
  toasts.add(message);
  return () => toasts.remove(message);
}
