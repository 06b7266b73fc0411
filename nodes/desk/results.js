// What came out of a run: pictures and what the nodes report.

import { element } from "./elements.js";
import { titleOf } from "./graph.js";

const FILM = /\.(mp4|webm)$/i;

/** The pictures of some nodes as figures: outputs of a run by node, [node, caption] pairs. */
export function figures(server, outputs, wanted) {
  return wanted.flatMap(([id, caption]) =>
    (outputs[id]?.images ?? []).map((file) => {
      const address = server.view(file);
      const film = FILM.test(file.filename);
      const seen = film
        ? element("video", { src: address, controls: true, loop: true, muted: true })
        : element("img", { src: address, alt: caption });
      const link = element("a", { href: address, target: "_blank", title: `Open ${file.filename}` }, film ? caption : seen);
      return element("figure", { "data-from": id }, film ? seen : link, element("figcaption", {}, film ? link : caption));
    }),
  );
}

/** The nodes whose pictures are the result: those that save; where none does, those that show. */
export function resultNodes(graph, outputs, mapIds) {
  const shown = Object.entries(outputs).filter(([id, one]) => one.images?.length && !showsMap(graph, id, mapIds));
  const kept = shown.filter(([, one]) => one.images.some((file) => file.type === "output"));
  return (kept.length ? kept : shown).map(([id]) => [id, titleOf(graph, id)]);
}

function showsMap(graph, id, mapIds) {
  const from = Object.values(graph[id]?.inputs ?? {}).find(Array.isArray)?.[0];
  return mapIds.has(id) || (mapIds.has(from) && !graph[id].inputs.model);
}

/** What the nodes of a run said, each under its title. */
export function reports(graph, outputs) {
  return Object.entries(outputs)
    .filter(([, one]) => one.text?.length)
    .map(([id, one]) => element("div", {}, element("h3", {}, titleOf(graph, id)), ...lines(one.text.join("\n"))));
}

function lines(text) {
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => element("p", { className: /warning/i.test(line) ? "warning" : "" }, line));
}
