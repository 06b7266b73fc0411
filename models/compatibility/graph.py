"""The nodes of a prompt with the types of their links, in the order in which they run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .node_types import ANY, NodeTypes, TypesOf
from .prompt import Link, Node, Nodes

# What the inputs of unknown nodes are usually called.
_USUAL = {
    "model": "MODEL",
    "clip": "CLIP",
    "vae": "VAE",
    "positive": "CONDITIONING",
    "negative": "CONDITIONING",
    "conditioning": "CONDITIONING",
    "control_net": "CONTROL_NET",
    "clip_vision": "CLIP_VISION",
    "ipadapter": "IPADAPTER",
    "ip_adapter": "IP_ADAPTER",
    "samples": "LATENT",
    "latent": "LATENT",
    "latent_image": "LATENT",
    "image": "IMAGE",
    "images": "IMAGE",
    "pixels": "IMAGE",
    "lora_stack": "LORA_STACK",
    "guider": "GUIDER",
}


class Edge(NamedTuple):
    """A link between two nodes: into which input, and what type of value it carries (ANY when unknown)."""

    source: str
    slot: int
    target: str
    input: str
    type: str


@dataclass(frozen=True)
class Dangling:
    """A link to a node, or to an output, that is not there."""

    node: Node
    input: str
    link: Link
    missing_node: bool


class Graph:
    """A prompt as a graph.

    order: ids, every node after those that feed it; nodes in a cycle, and behind one, are left out and are in `cyclic`.
    """

    def __init__(self, nodes: Nodes, types_of: TypesOf):
        self.nodes = nodes
        self.types: dict[str, NodeTypes | None] = {key: types_of(node.class_type) for key, node in nodes.items()}
        self.dangling: list[Dangling] = []
        self.order, self.cyclic = self._ordered()
        self.into: dict[str, list[Edge]] = defaultdict(list)
        self._by_type: dict[str, dict[str, list[Edge]]] = defaultdict(dict)
        self._fed: dict[str, dict[str, None]] = defaultdict(dict)
        self._typed()

    def feeds(self, node_id: str, *types: str) -> Sequence[Edge]:
        """The links into a node that carry one of these types."""
        by_type = self._by_type.get(node_id)
        if by_type is None:
            return ()
        if len(types) == 1:
            return by_type.get(types[0], ())
        return [edge for edge in self.into[node_id] if edge.type in types]

    def fed(self, *types: str) -> Sequence[str]:
        """The nodes that a link of one of these types leads into, in order."""
        if len(types) == 1:
            return list(self._fed.get(types[0], ()))
        reached = {key for kind in types for key in self._fed.get(kind, ())}
        return [key for key in self.order if key in reached] if reached else ()

    def _ordered(self) -> tuple[list[str], frozenset[str]]:
        waiting: dict[str, int] = {}
        readers: dict[str, list[str]] = defaultdict(list)
        for key, node in self.nodes.items():
            sources = [link.node for name, link in node.links.items() if self._exists(node, name, link)]
            waiting[key] = len(sources)
            for source in sources:
                readers[source].append(key)
        order = [key for key, count in waiting.items() if count == 0]
        for key in order:  # grows while it is walked
            for reader in readers[key]:
                waiting[reader] -= 1
                if waiting[reader] == 0:
                    order.append(reader)
        return order, frozenset(self.nodes) - frozenset(order)

    def _exists(self, node: Node, name: str, link: Link) -> bool:
        missing_node = link.node not in self.nodes
        types = None if missing_node else self.types[link.node]
        missing_output = types is not None and (link.slot < 0 or link.slot >= len(types.outputs) > 0)
        if missing_node or missing_output:
            self.dangling.append(Dangling(node, name, link, missing_node))
        return not missing_node and not missing_output

    def _typed(self) -> None:
        broken = {(found.node.id, found.input) for found in self.dangling}
        for key in self.order:
            node = self.nodes[key]
            for name, link in node.links.items():
                if (key, name) not in broken:
                    kind = self._type_of(node, name, link)
                    edge = Edge(link.node, link.slot, key, name, kind)
                    self.into[key].append(edge)
                    self._by_type[key].setdefault(kind, []).append(edge)
                    self._fed[kind][key] = None

    def _type_of(self, node: Node, name: str, link: Link) -> str:
        source, target = self.types[link.node], self.types[node.id]
        declared = source.output_type(link.slot) if source else None
        if declared and declared != ANY:
            return declared
        asked = target.input_type(name) if target else None
        if asked and asked != ANY and "," not in asked:
            return asked
        passed = {edge.type for edge in self.into[link.node]} - {ANY, "BOOLEAN", "INT"}
        if declared == ANY and len(passed) == 1:  # a switch or a reroute
            return next(iter(passed))
        return _USUAL.get(name, ANY)
