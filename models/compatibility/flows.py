"""Following values through the graph: which files a MODEL, CLIP, VAE or latent comes from, and what meets a model.

Every value is followed once, in the order in which the nodes run, so the time grows with the number of links and not with
the number of paths.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from ..files.identify import UNKNOWN
from .control_nodes import EMPTY_LATENTS, is_merge
from .file_uses import FileUse
from .finding import base_families
from .graph import Edge, Graph
from .node_types import ANY
from .prompt import Node
from .rows import node_is_off

PLAIN = frozenset(
    [
        "INT",
        "FLOAT",
        "STRING",
        "BOOLEAN",
        "COMBO",
        "IMAGE",
        "MASK",
        "LATENT",
        "AUDIO",
        "VIDEO",
        "SIGMAS",
        "SAMPLER",
        "NOISE",
        "MODEL",
        "GUIDER",
    ]
)
"""Types of values that bring no weights to a model (or are the model itself)."""
KNOWN = PLAIN | frozenset(
    [
        "CLIP",
        "VAE",
        "CONDITIONING",
        "CONTROL_NET",
        "CLIP_VISION",
        "CLIP_VISION_OUTPUT",
        "IP_ADAPTER",
        "IPADAPTER",
        "STYLE_MODEL",
        "GLIGEN",
        "MODEL_PATCH",
        "LORA_STACK",
        "CONTROL_SIGNAL",
        "CONTROL_STACK",
        "CONTROL_NET_STACK",
        "HOOKS",
        "UPSCALE_MODEL",
        "LAYER_WEIGHTS",
        "CURVE",
    ]
)
_MODELS = ("MODEL", "GUIDER")
_ROLES = frozenset({"MODEL", "CLIP", "VAE", "CLIP_VISION", "CONTROL_NET"})
_MOST_SOURCES = 16
_MOST_PLACES = 6
# A value of one type that is made of one of another, and so of its file.
_MADE_OF = {"GUIDER": "MODEL", "CLIP_VISION_OUTPUT": "CLIP_VISION"}


@dataclass(frozen=True)
class Flow:
    """Where a value comes from. unsure: the node at which it could not be followed for certain; "" when it could."""

    sources: frozenset[FileUse] = frozenset()
    unsure: str = ""

    @cached_property  # rules ask for it again and again
    def families(self) -> tuple[str, ...]:
        """The base families of the sources, each once."""
        return base_families(self.sources)


Place = tuple[Node, str]
"""A node and its input."""


class Meeting(NamedTuple):
    """A file meets a model: in which role (the type of value that it came as, "" for a patch), and at which places."""

    use: FileUse
    role: str
    base: Flow
    places: tuple[Place, ...]

    @property
    def node(self) -> Node:
        """The first node at which they meet."""
        return self.places[0][0]

    @property
    def input(self) -> str:
        """The input there."""
        return self.places[0][1]

    @property
    def where(self) -> str:
        """'Sampler' (node 3), input positive, and …: for a person."""
        return " and ".join(dict.fromkeys(f"{node.label}, input {name}" for node, name in self.places))


class LatentFact(NamedTuple):
    """What is known of a latent: what it comes from, its size in pixels (0: unknown), and the node that made it.

    origin: model (sampled), vae (encoded), empty, or "" when unknown.
    """

    origin: str
    flow: Flow
    channels: int
    width: int
    height: int
    node: str


Reach = dict[tuple[Flow, frozenset[str]], tuple[Place, ...]]
"""The models that a value reaches, with the places where it does.

Beside each model: types of what is put into a bundle on the way, in place of what came with it.
"""

NO_LATENT = LatentFact("", Flow(unsure="?"), 0, 0, 0, "")


class Flows:
    """All flows of a graph."""

    def __init__(self, graph: Graph, uses: Mapping[str, list[FileUse]]):
        self.graph = graph
        self.uses = uses
        self._flows: dict[tuple[str, str], Flow] = {}
        # What is asked of a node again and again: its sources come before it in the order, so an answer stays.
        self._into: dict[tuple[str, tuple[str, ...]], Flow] = {}
        self._bases: dict[str, Flow | None] = {}
        self.latents: dict[str, LatentFact] = {}
        wanted = self._wanted()
        for key in graph.order:
            for kind in wanted[key]:
                self._flows[key, kind] = self._follow(key, kind)
            self.latents[key] = self._latent(key)
        self.meetings = self._meet()

    def into(self, node_id: str, *kinds: str) -> Flow:
        """The flow into a node by its inputs of some types."""
        known = self._into.get((node_id, kinds))
        if known is None:
            known = _merged([self._of_edge(edge, edge.type) for edge in self.graph.feeds(node_id, *kinds)])
            self._into[node_id, kinds] = known
        return known

    def base(self, node_id: str) -> Flow | None:
        """The model that a node works with, linked alone or in a bundle such as a pipe; None when there is none."""
        if node_id not in self._bases:
            self._bases[node_id] = self._base(node_id)
        return self._bases[node_id]

    def _base(self, node_id: str) -> Flow | None:
        if self.graph.feeds(node_id, *_MODELS):
            return self.into(node_id, *_MODELS)
        bundled = [
            flow for edge in self._bundles(node_id) if (flow := self._flows.get((edge.source, "MODEL"))) is not None
        ]
        known = [flow for flow in bundled if flow.sources]
        return _merged(known) if known else None

    def own_model(self, node_id: str) -> Flow | None:
        """The model that a node loads itself; None when it loads none."""
        own = [use for use in self.uses.get(node_id, ()) if "MODEL" in use.takes.gives]
        return _of_uses(own, self.graph.nodes[node_id]) if own else None

    def _bundles(self, node_id: str) -> list[Edge]:
        """Links of types that are not known, and so may carry several things."""
        return [edge for edge in self.graph.into[node_id] if edge.type not in KNOWN]

    def of_edge(self, edge: Edge) -> Flow:
        """Where the value on a link comes from."""
        return self._of_edge(edge, edge.type)

    def latent_into(self, edge: Edge) -> LatentFact:
        """What is known of the latent on a link."""
        return self.latents.get(edge.source, NO_LATENT)

    # Forwards: where values come from ---------------------------------------------------------------------------

    def _wanted(self) -> dict[str, set[str]]:
        """The types whose origin somebody behind a node asks for, also through bundles of unknown types."""
        wanted: dict[str, set[str]] = defaultdict(set)
        for key in reversed(self.graph.order):
            for edge in self.graph.into[key]:
                if edge.type not in PLAIN or edge.type in _MODELS:
                    wanted[edge.source].add(edge.type)
                if edge.type not in KNOWN:
                    wanted[edge.source] |= wanted[key] | {"MODEL"}
        return wanted

    def _of_edge(self, edge: Edge, kind: str) -> Flow:
        return self._flows.get((edge.source, kind)) or Flow(unsure=self.graph.nodes[edge.source].label)

    def _follow(self, key: str, kind: str) -> Flow:
        node = self.graph.nodes[key]
        feeds = self.graph.feeds(key, kind) or self.graph.feeds(key, _MADE_OF.get(kind, kind))
        if feeds:
            flows = [self._of_edge(edge, edge.type) for edge in feeds]
            merged = _merged(flows)
            differ = len({flow.sources for flow in flows}) > 1
            certain = not differ or is_merge(node.class_type) or kind == "CONDITIONING"
            return merged if certain else Flow(merged.sources, merged.unsure or node.label)
        own = [use for use in self.uses.get(key, ()) if kind in use.takes.gives]
        if own:
            return _of_uses(own, node)
        bundles = self._bundles(key)
        known = [(edge, flow) for edge in bundles if (flow := self._flows.get((edge.source, kind))) and flow.sources]
        if known:
            merged = _merged([flow for _, flow in known])
            same = len({flow.sources for _, flow in known}) == 1
            certain = same and all(edge.type != ANY for edge in bundles)
            return merged if certain else Flow(merged.sources, merged.unsure or node.label)
        return Flow(unsure=node.label)

    def _latent(self, key: str) -> LatentFact:
        node = self.graph.nodes[key]
        feeds = self.graph.feeds(key, "LATENT")
        before = self.latents.get(feeds[0].source, NO_LATENT) if feeds else NO_LATENT
        base = self.base(key)
        if base is not None and (feeds or self.graph.feeds(key, "CONDITIONING")):
            return LatentFact("model", base, 0, before.width, before.height, key)
        width, height = int(node.number("width", 0)), int(node.number("height", 0))
        if node.class_type in EMPTY_LATENTS:
            return LatentFact("empty", Flow(), EMPTY_LATENTS[node.class_type], width, height, key)
        if self.graph.feeds(key, "VAE") and not feeds and node.class_type.startswith("VAEEncode"):
            return LatentFact("vae", self.into(key, "VAE"), 0, 0, 0, key)
        if len(feeds) == 1 and "width" not in node.inputs and "scale" not in node.class_type.lower():
            return LatentFact(before.origin, before.flow, before.channels, before.width, before.height, before.node)
        if len(feeds) == 1:
            return LatentFact(before.origin, before.flow, before.channels, width, height, key)
        return NO_LATENT

    # Backwards: what meets a model ------------------------------------------------------------------------------

    def _meet(self) -> list[Meeting]:
        found: list[Meeting] = []
        reach: dict[str, dict[str, Reach]] = defaultdict(lambda: defaultdict(dict))
        for key in reversed(self.graph.order):
            node = self.graph.nodes[key]
            base = self.base(key) or self.own_model(key)
            out = reach.pop(key, {})
            direct = frozenset(edge.type for edge in self.graph.into[key] if edge.type in _ROLES)
            for edge in self.graph.into[key]:
                if edge.type in PLAIN or self._stops(node, edge):
                    continue
                met, fresh = reach[edge.source][edge.type], direct if edge.type not in KNOWN else frozenset()
                doubted = node.label if self._is_one_of_several(edge) else ""
                if base is not None:
                    _add(met, _doubted(base, doubted), fresh, ((node, edge.input),))
                if base is not None and edge.type == "LORA_STACK":
                    continue  # it is put into this model, and goes no further
                for kind, others in out.items():
                    if _carries(edge.type, kind):
                        for (flow, replaced), places in others.items():
                            if edge.type not in replaced:
                                _add(met, _doubted(flow, doubted), replaced | fresh, places)
            found += self._meetings_of(node, base, out)
        return found

    def _is_one_of_several(self, edge: Edge) -> bool:
        """Whether a node takes several text encoders or VAEs, such as a base's and a refiner's: which goes where is not known."""
        if edge.type not in ("CLIP", "VAE"):
            return False
        feeds = self.graph.feeds(edge.target, edge.type)
        return len(feeds) > 1 and len({self._of_edge(one, one.type).sources for one in feeds}) > 1

    def _stops(self, node: Node, edge: Edge) -> bool:
        """Whether a node is switched off, so that what is linked to it acts only where it passes through."""
        types = self.graph.types[node.id]
        return types is not None and edge.type in _STACKS and edge.type not in types.outputs and node_is_off(node)

    def _meetings_of(self, node: Node, base: Flow | None, out: Mapping[str, Reach]) -> Iterable[Meeting]:
        for use in self.uses.get(node.id, ()):
            given, why = self._given(node, use), node.label if use.is_doubtful else ""
            if given is not None:
                for kind in given:
                    yield from (Meeting(use, kind, _doubted(met, why), at) for met, at in _reached(out, kind))
            elif base is None:
                yield from (Meeting(use, _role(use), _doubted(met, why), at) for met, at in _reached(out, ""))
            elif self._reads_model(node):
                yield Meeting(use, _role(use), _doubted(base, why), ((node, use.input),))

    def _given(self, node: Node, use: FileUse) -> list[str] | None:
        """The types, but MODEL, under which a node gives a file on; None where it changes or is inside something else."""
        gives = use.takes.gives
        types = self.graph.types[node.id]
        outputs = set(types.outputs) if types else {edge.type for edge in self.out_of.get(node.id, ())}
        bundled = any(kind not in KNOWN and kind != ANY for kind in outputs)
        if "MODEL" in gives:
            return [kind for kind in gives if kind != "MODEL" and (kind in outputs or bundled)]
        return [kind for kind in gives if kind in outputs] or None

    def _reads_model(self, node: Node) -> bool:
        """Whether anything reads the model of a node that gives it on: else what it does to it does not matter."""
        types = self.graph.types[node.id]
        if types is None or "MODEL" not in types.outputs or not self.graph.feeds(node.id, "MODEL"):
            return True
        return any(edge.type == "MODEL" or edge.type not in KNOWN for edge in self.out_of.get(node.id, ()))

    @cached_property
    def out_of(self) -> dict[str, list[Edge]]:
        """The links out of each node."""
        found: dict[str, list[Edge]] = defaultdict(list)
        for edges in self.graph.into.values():
            for edge in edges:
                found[edge.source].append(edge)
        return found


_STACKS = ("LORA_STACK", "CONTROL_NET_STACK", "CONTROL_STACK")


def _of_uses(uses: list[FileUse], node: Node) -> Flow:
    odd = any(use.is_doubtful or (use.kind not in ("", UNKNOWN, *use.takes.kinds) and use.takes.kinds) for use in uses)
    return Flow(frozenset(uses), node.label if odd else "")


def _doubted(flow: Flow, why: str) -> Flow:
    return Flow(flow.sources, flow.unsure or why) if why else flow


def _role(use: FileUse) -> str:
    """As what a file meets a model that is not given on under a type of its own: "" for a patch."""
    return use.takes.gives[0] if use.takes.gives else ""


def _add(met: Reach, flow: Flow, replaced: frozenset[str], places: tuple[Place, ...]) -> None:
    key = (flow, replaced)
    if key in met:
        met[key] = joined(met[key], places)
    elif len(met) < _MOST_SOURCES:
        met[key] = places


def joined(some: tuple[Place, ...], more: tuple[Place, ...]) -> tuple[Place, ...]:
    """Places, each once; a few are enough for a person."""
    if len(some) >= _MOST_PLACES:
        return some
    told = {(node.id, name): (node, name) for node, name in (*some, *more)}
    return tuple(told.values())[:_MOST_PLACES]


def _reached(out: Mapping[str, Reach], kind: str) -> Iterator[tuple[Flow, tuple[Place, ...]]]:
    """The models that a value of a type reaches, alone or in a bundle; any value for ""."""
    found: Reach = {}
    for other, reached in out.items():
        if not kind or other == kind or other not in KNOWN:
            for (flow, replaced), places in reached.items():
                if kind not in replaced:
                    _add(found, flow, frozenset(), places)
    for (flow, _), places in found.items():
        yield flow, places


def _carries(into: str, out: str) -> bool:
    """Whether an input of one type brings weights to an output of another."""
    if out in ("CLIP", "VAE", "CLIP_VISION", "CONTROL_NET"):
        return into == out or into in ("HOOKS", "LORA_STACK") or into not in KNOWN
    return True


def _merged(flows: Sequence[Flow]) -> Flow:
    if len(flows) == 1 and len(flows[0].sources) <= _MOST_SOURCES:
        return flows[0]
    sources: frozenset[FileUse] = frozenset()
    unsure = ""
    for flow in flows:
        sources |= flow.sources
        unsure = unsure or flow.unsure
    if len(sources) > _MOST_SOURCES:
        sources = frozenset(sorted(sources, key=lambda use: (use.node.id, use.input, str(use.path)))[:_MOST_SOURCES])
        unsure = unsure or "many sources"
    return Flow(sources, unsure)
