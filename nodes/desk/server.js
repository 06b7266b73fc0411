// The server's public API, and nothing else: every address is relative, so that the page works behind a proxy too.

import { nameIn, ownName } from "./names.js";
import { problems, refusalIn } from "./refusals.js";

const POLL_MILLISECONDS = 2000;
const RECONNECT_MILLISECONDS = 1000;
const PREVIEW_IMAGE = 1; // kind of a binary message of the websocket, see the host's protocol.py
const ENDS = new Set(["execution_success", "execution_error", "execution_interrupted"]);

/** An answer of the server that is fit to be shown to a person. `problems` says which fields it is about: {node, input, text}. */
export class Refused extends Error {
  constructor(message, found = []) {
    super(message);
    this.problems = found;
  }
}

/** A run that the server has forgotten. */
export class Lost extends Refused {}

/** No answer, or a proxy's word that the server is away. It may come back. */
export class Away extends Refused {
  constructor() {
    super("The server does not answer. Is it still running?");
  }
}

const AWAY = [502, 503, 504]; // what proxies answer then

/** What to say of an error: a sentence that was meant for a person, or that something came which this page does not know. */
export const saidOf = (error) =>
  error instanceof Refused || error.constructor === Error ? error.message : `The server's answer is not one that this page knows (${error.message}). Load the page again.`;

/** A part of this page that is loaded when it is needed: loaded(() => import(…)). */
export const loaded = (load) =>
  load().catch(() => {
    throw new Away();
  });

export class Server {
  /** clientId: by which the server knows this tab, also after a reload; left out, a new one is made. */
  constructor(clientId) {
    this.clientId = clientId ?? Array.from(crypto.getRandomValues(new Uint8Array(16)), (one) => one.toString(16).padStart(2, "0")).join("");
    this.listeners = new Set();
    this.connect();
  }

  /** The description of one kind of node, or null when the server does not know it. */
  async nodeInfo(kind) {
    return (await this.json(`object_info/${encodeURIComponent(kind)}`))[kind] ?? null;
  }

  /** Store a picture in the server's input folder; resolves to its name there. */
  async upload(file, subfolder = "") {
    const form = new FormData();
    form.append("image", file, file.name);
    form.append("type", "input");
    form.append("subfolder", subfolder);
    const stored = await this.json("upload/image", { method: "POST", body: form });
    return stored.subfolder ? `${stored.subfolder}/${stored.name}` : stored.name;
  }

  /**
   * Queue an API prompt; resolves to {id, leftOut, found}: its id, and why some outputs were left out, as texts and as problems.
   * `more` is kept with it, and the name of who sits here.
   */
  async submit(prompt, more = {}) {
    const answer = await this.post("prompt", { prompt, client_id: this.clientId, extra_data: { ...more, ...(ownName() && { armature_by: ownName() }) } });
    const found = problems(answer.node_errors, prompt);
    return { id: answer.prompt_id, leftOut: found.map((one) => one.text), found };
  }

  /**
   * Wait for the end of a run; resolves to the server's record of it. `onMessage` sees the websocket's messages, how many runs
   * come before, and that the server is away, which is waited for. Raises Lost when the server has forgotten the run.
   */
  async follow(id, onMessage) {
    let [ring, away] = [null, false];
    const listener = (message) => {
      if (message.data?.prompt_id && message.data.prompt_id !== id) return;
      onMessage(message);
      if (ENDS.has(message.type) || message.type === "status") ring?.();
    };
    this.listeners.add(listener);
    try {
      for (;;) {
        try {
          const record = await this.look(id, onMessage);
          if (record) return record;
          if (away) onMessage({ type: "back" });
          away = false;
        } catch (error) {
          if (!(error instanceof Away)) throw error;
          if (!away) onMessage({ type: "away" });
          away = true;
        }
        await new Promise((resolve) => {
          ring = resolve;
          setTimeout(resolve, POLL_MILLISECONDS);
        });
      }
    } finally {
      this.listeners.delete(listener);
    }
  }

  /** The record of a run that has ended, or nothing yet. */
  async look(id, onMessage) {
    // First the queue, then the history: what is in neither is lost for certain.
    const queue = await this.queue();
    const waiting = [...queue.queue_running, ...queue.queue_pending].some((item) => item[1] === id);
    const record = (await this.json(`history/${id}`))[id];
    if (record) return record;
    const before = runsBefore(queue, id);
    if (before.length) onMessage({ type: "waiting", data: { before: before.length, names: [...new Set(before.map((run) => nameIn(run[3])).filter(Boolean))] } });
    if (!waiting) throw new Lost("The server no longer knows this run; it may have been restarted.");
    return null;
  }

  /** What the server has to do: {queue_running, queue_pending}, each a list of [number, id, prompt, more]. */
  async queue() {
    const queue = await this.json("queue");
    if ([queue.queue_running, queue.queue_pending].every((runs) => Array.isArray(runs) && runs.every(Array.isArray))) return queue;
    throw new TypeError("queue");
  }

  /** Take runs off the server, whether they wait or run. */
  async cancel(ids) {
    await this.fetch("queue", { method: "POST", body: JSON.stringify({ delete: ids }) });
    await Promise.all(ids.map((id) => this.fetch("interrupt", { method: "POST", body: JSON.stringify({ prompt_id: id }) })));
  }

  /** The address of a picture that a run or an upload left on the server. */
  view({ filename, subfolder = "", type = "output" }) {
    return `api/view?${new URLSearchParams({ filename, subfolder, type })}`;
  }

  post(path, body) {
    return this.json(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  }

  async json(path, options) {
    const answer = await this.fetch(path, options);
    if (AWAY.includes(answer.status)) throw new Away();
    const body = await answer.json().catch(() => null);
    if (answer.ok && body !== null) return body;
    if (answer.ok) throw new TypeError(path); // no JSON, as the page of a proxy that asks for a password
    const found = refusalIn(body, sentPrompt(options?.body)) ?? [{ text: `The server answered ${answer.status} to ${path}.` }];
    throw new Refused(found.map((one) => one.text).join("\n"), found);
  }

  async fetch(path, options) {
    try {
      return await fetch(`api/${path}`, options);
    } catch {
      throw new Away();
    }
  }

  connect() {
    const address = new URL(`ws?${new URLSearchParams({ clientId: this.clientId })}`, document.baseURI);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => {
      const message = typeof data === "string" ? JSON.parse(data) : previewOf(data);
      if (message) for (const listener of this.listeners) listener(message);
    };
    // Without a websocket the page still works: how a run ended is read from the history.
    socket.onclose = () => setTimeout(() => this.connect(), RECONNECT_MILLISECONDS);
  }
}

/** The runs that come before one that waits; none when it does not. */
function runsBefore({ queue_running: running, queue_pending: pending }, id) {
  const own = pending.find((item) => item[1] === id);
  return own ? [...running, ...pending.filter((item) => item[0] < own[0])] : [];
}

function previewOf(buffer) {
  const view = new DataView(buffer);
  if (view.getUint32(0) !== PREVIEW_IMAGE) return null;
  const type = view.getUint32(4) === 2 ? "image/png" : "image/jpeg";
  return { type: "preview", picture: new Blob([buffer.slice(8)], { type }) };
}

function sentPrompt(sent) {
  return typeof sent === "string" ? JSON.parse(sent).prompt : null;
}
