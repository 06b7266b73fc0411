"""Following values through the graph: which files a MODEL, CLIP, VAE or latent comes from, and what meets a model.

Every value is followed once, in the order in which the nodes run, so the time grows with the number of links and not with
the number of paths.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .control_nodes import EMPTY_LATENTS, MERGES
from .file_uses import FileUse
from .graph import Edge, Graph
from .node_types import ANY
from .prompt import Node

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
_MOST_SOURCES = 16


@dataclass(frozen=True)
class Flow:
    """Where a value comes from. unsure: the node at which it could not be followed for certain; "" when it could."""

    sources: frozenset[FileUse] = frozenset()
    unsure: str = ""


@dataclass(frozen=True)
class Meeting:
    """A file meets a model: in which role (the type of value that it came as, "" for a patch), at which node and input."""

    use: FileUse
    role: str
    base: Flow
    node: Node
    input: str


@dataclass(frozen=True)
class LatentFact:
    """What is known of a latent: what it comes from, its size in pixels (0: unknown), and the node that made it.

    origin: model (sampled), vae (encoded), empty, or "" when unknown.
    """

    origin: str
    flow: Flow
    channels: int
    width: int
    height: int
    node: str


Reach = dict[Flow, tuple[Node, str]]
"""The models that a value reaches, each with the node and input where it does."""

NO_LATENT = LatentFact("", Flow(unsure="?"), 0, 0, 0, "")


class Flows:
    """All flows of a graph."""

    def __init__(self, graph: Graph, uses: Mapping[str, list[FileUse]]):
        self.graph = graph
        self.uses = uses
        self._flows: dict[tuple[str, str], Flow] = {}
        self.latents: dict[str, LatentFact] = {}
        wanted = self._wanted()
        for key in graph.order:
            for kind in wanted[key]:
                self._flows[key, kind] = self._follow(key, kind)
            self.latents[key] = self._latent(key)
        self.meetings = self._meet()

    def into(self, node_id: str, *kinds: str) -> Flow:
        """The flow into a node by its inputs of some types."""
        return _merged(self._of_edge(edge, edge.type) for edge in self.graph.feeds(node_id, *kinds))

    def base(self, node_id: str) -> Flow | None:
        """The model that a node works with; None when none is linked."""
        return self.into(node_id, *_MODELS) if self.graph.feeds(node_id, *_MODELS) else None

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
                    wanted[edge.source] |= wanted[key]
                if edge.type == "MODEL" and "GUIDER" in wanted[key]:
                    wanted[edge.source].add("MODEL")
        return wanted

    def _of_edge(self, edge: Edge, kind: str) -> Flow:
        return self._flows.get((edge.source, kind), Flow(unsure=self.graph.nodes[edge.source].label))

    def _follow(self, key: str, kind: str) -> Flow:
        node = self.graph.nodes[key]
        feeds = self.graph.feeds(key, kind) or (self.graph.feeds(key, "MODEL") if kind == "GUIDER" else [])
        if feeds:
            flows = [self._of_edge(edge, edge.type) for edge in feeds]
            merged = _merged(flows)
            differ = len({flow.sources for flow in flows}) > 1
            certain = not differ or node.class_type in MERGES or kind == "CONDITIONING"
            return merged if certain else Flow(merged.sources, merged.unsure or node.label)
        own = [use for use in self.uses.get(key, ()) if kind in use.takes.gives]
        if own:
            return Flow(frozenset(own))
        bundles = [edge for edge in self.graph.into[key] if edge.type not in KNOWN]
        flows = [flow for edge in bundles if (flow := self._flows.get((edge.source, kind))) is not None]
        known = [flow for flow in flows if flow.sources]
        if known:
            certain = len(known) == 1 and len(bundles) == 1 and bundles[0].type != ANY
            merged = _merged(known)
            return merged if certain else Flow(merged.sources, merged.unsure or node.label)
        return Flow(unsure=node.label)

    def _latent(self, key: str) -> LatentFact:
        node = self.graph.nodes[key]
        feeds = self.graph.feeds(key, "LATENT")
        before = self.latents.get(feeds[0].source, NO_LATENT) if feeds else NO_LATENT
        base = self.base(key)
        if base is not None and feeds:
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
            base = self.base(key)
            out = reach.pop(key, {})
            for edge in self.graph.into[key]:
                if edge.type in PLAIN:
                    continue
                met = reach[edge.source][edge.type]
                if base is not None:
                    met.setdefault(base, (node, edge.input))
                for kind, others in out.items():
                    if _carries(edge.type, kind):
                        for flow, place in others.items():
                            if len(met) >= _MOST_SOURCES:
                                break
                            met.setdefault(flow, place)
            found += self._meetings_of(node, base, out)
        return found

    def _meetings_of(self, node: Node, base: Flow | None, out: Mapping[str, Reach]) -> Iterable[Meeting]:
        for use in self.uses.get(node.id, ()):
            if not use.takes.gives:
                if base is not None:
                    yield Meeting(use, "", base, node, use.input)
                else:
                    yield from (Meeting(use, "", flow, *place) for met in out.values() for flow, place in met.items())
            for kind in use.takes.gives:
                for flow, (place, name) in out.get(kind, {}).items():
                    yield Meeting(use, kind, flow, place, name)


def _carries(into: str, out: str) -> bool:
    """Whether an input of one type brings weights to an output of another."""
    if out in ("CLIP", "VAE", "CLIP_VISION", "CONTROL_NET"):
        return into == out or into in ("HOOKS", "LORA_STACK") or into not in KNOWN
    return True


def _merged(flows: Iterable[Flow]) -> Flow:
    sources: frozenset[FileUse] = frozenset()
    unsure = ""
    for flow in flows:
        sources |= flow.sources
        unsure = unsure or flow.unsure
    if len(sources) > _MOST_SOURCES:
        sources = frozenset(sorted(sources, key=lambda use: (use.node.id, use.input))[:_MOST_SOURCES])
        unsure = unsure or "many sources"
    return Flow(sources, unsure)
