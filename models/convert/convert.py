"""Converting a whole file: every graph in it, node by node, and what came of each."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..compatibility.editor_graph import definitions_of
from ..compatibility.node_types import NodeTypes, TypesOf
from ..compatibility.prompt import PromptError
from ..compatibility.saved_shape import check_shape
from ..compatibility.ui_graph import is_ui_graph
from . import prompts, saved
from .entry import NO_CHOICES, Choices, Done, Known
from .graph import Graph, Keep, Node, numbered
from .our_nodes import title_of_type
from .packs import PACKS

SCHEMA = "armature.conversion/1"


@dataclass(frozen=True)
class Turned:
    """A node that was turned. into: (title, id) of those that do its work now; notes: what is not as it was."""

    node: str
    pack: str
    into: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kept:
    """A node of a pack that stays, and why."""

    node: str
    pack: str
    why: str


@dataclass(frozen=True)
class Converted:
    """The new file's data, and what came of the nodes. others: how many nodes are not such as are turned."""

    data: Any
    turned: tuple[Turned, ...]
    kept: tuple[Kept, ...]
    others: int


def convert(data: Any, types_of: TypesOf, choices: Choices = NO_CHOICES) -> Converted:
    """Convert an API prompt or a saved graph; `data` itself stays as it is.

    types_of: the types of the host's nodes and ours, and of others where they are known. Raises PromptError for data that
    is no graph.
    """

    def types(kind: str) -> NodeTypes | None:
        known = _known(kind)
        found = types_of(kind)
        return saved.types_of_widgets(known.widgets) if found is None and known and known.widgets else found

    try:
        return _saved(data, types, choices) if is_ui_graph(data) else _prompt(data, types, choices)
    except PromptError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise PromptError(
            f"This graph cannot be read ({type(error).__name__}: {error}). Save it anew in ComfyUI."
        ) from error


def _prompt(data: Any, types_of: TypesOf, choices: Choices) -> Converted:
    graph = prompts.graph_of(data, types_of)
    inner = data["prompt"] if isinstance(data.get("prompt"), Mapping) else data
    work = _Work(graph, choices)
    work.run()
    return Converted(prompts.prompt_of(graph, inner), tuple(work.turned), tuple(work.kept), work.others)


def _saved(data: Mapping[str, Any], types_of: TypesOf, choices: Choices) -> Converted:
    check_shape(data)
    made = copy.deepcopy(dict(data))
    graphs = [made, *definitions_of(made)]
    new_id = numbered(
        [str(node["id"]) for one in graphs for node in one["nodes"]] + [str(made.get("last_node_id") or 0)]
    )
    turned: list[Turned] = []
    kept: list[Kept] = []
    others = 0
    renamed: dict[str, dict[tuple[str, str], tuple[str, str]]] = {}
    for one in graphs:
        graph = saved.graph_of(one, types_of, new_id)
        before = list(graph.nodes.values())
        work = _Work(graph, choices, f" in {one['name']}" if one is not made and one.get("name") else "")
        work.run()
        if work.turned:
            saved.write_back(graph, one)
        renamed[str(one.get("id"))] = {(node.id, old): new for node in before for old, new in node.renamed.items()}
        turned, kept, others = turned + work.turned, kept + work.kept, others + work.others
    for one in graphs:
        for node in one["nodes"]:
            saved.rename_proxies(node, renamed.get(str(node["type"]), {}))
    return Converted(made, tuple(turned), tuple(kept), others)


def _known(kind: str) -> Known | None:
    return next((pack.nodes[kind] for pack in PACKS if kind in pack.nodes), None)


def _named(nodes: Iterable[Node]) -> tuple[tuple[str, str], ...]:
    return tuple((title_of_type(one.kind), one.id) for one in nodes)


def _pack(kind: str) -> str:
    return next((pack.name for pack in PACKS if kind in pack.nodes), "")


class _Work:
    """Turns what can be turned in one graph. where: what stands behind a node's name, for subgraphs."""

    def __init__(self, graph: Graph, choices: Choices, where: str = ""):
        self._graph = graph
        self._choices = choices
        self._where = where
        # What each node was, because turning one changes its type.
        self._were = {node.id: (node, node.kind, node.label + where) for node in graph.nodes.values() if node.kind}
        self.turned: list[Turned] = []
        self.kept: list[Kept] = []
        self.others = sum(_known(kind) is None for _, kind, _ in self._were.values())

    def run(self) -> None:
        waiting = {key: node for key, (node, kind, _) in self._were.items() if (known := _known(kind)) and known.turn}
        reasons: dict[str, str] = {}
        progress = True
        while progress and waiting:  # what one node becomes may be what another waits for
            progress = False
            for key in list(waiting):
                node = waiting.get(key)
                done = self._turn(node, reasons) if node is not None else None
                if node is not None and done is not None:
                    self._record(node, done)
                    for one in (node, *done.with_it):
                        waiting.pop(one.id, None)
                    progress = True
        for key in waiting:
            self._keep(key, reasons.get(key, "the nodes behind it stay"))
        self._sweep()

    def _turn(self, node: Node, reasons: dict[str, str]) -> Done | None:
        known = _known(self._were[node.id][1])
        if known is None or known.turn is None:
            return None
        try:
            if node.unread:
                raise Keep(node.unread)
            return known.turn(self._graph, node, self._choices)
        except Keep as reason:
            reasons[node.id] = str(reason)
            return None

    def _record(self, node: Node, done: Done) -> None:
        into = _named(done.into)
        for one in (node, *done.with_it):
            _, kind, label = self._were[one.id]
            # One of many that were turned together says what it is now, and not what all of them are.
            own = _named((one,)) if one is not node and one.id in self._graph.nodes else into
            self.turned.append(Turned(label, _pack(kind), own, done.notes if one is node else ()))

    def _keep(self, key: str, why: str) -> None:
        _, kind, label = self._were[key]
        self.kept.append(Kept(label, _pack(kind), why))

    def _sweep(self) -> None:
        """Take out what served turned nodes alone, and say why the rest stays."""
        absorbed = [node for node, kind, _ in self._were.values() if (known := _known(kind)) and known.absorbed]
        gone = True
        while gone:
            gone = [one for one in absorbed if one.id in self._graph.went and not self._graph.is_used(one)]
            for one in gone:
                self._graph.remove(one)
                absorbed.remove(one)
                into = tuple(
                    (title_of_type(self._graph.nodes[key].kind), key)
                    for key in self._graph.went[one.id]
                    if key in self._graph.nodes
                )
                self.turned.append(Turned(self._were[one.id][2], _pack(one.kind), into))
        for one in absorbed:
            used = self._graph.is_used(one)
            self._keep(one.id, "a node that stays needs it" if used else "nothing that was turned needs it")
        for key, (_, kind, _) in self._were.items():
            known = _known(kind)
            if known and not known.turn and not known.absorbed:
                self._keep(key, known.why)
