"""Everything that the rules look at, gathered once per check."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from ..files.index import ModelIndex
from .control_nodes import (
    CONTROL_NODES,
    DEFAULT_CONTROL,
    MAP_OF_METHOD,
    MAP_OF_NODE,
    ControlNode,
    OwnMethod,
    own_methods,
)
from .file_uses import FileUse, find_uses
from .flows import Flow, Flows, Meeting
from .graph import Graph
from .node_types import TypesOf
from .prompt import Node, Nodes

_FURTHEST = 64  # nodes between a picture and a control


@dataclass(frozen=True)
class Control:
    """A node that puts a control net to work on an image.

    net: where the control net comes from. made: the map that the image is ("" when it cannot be told), and the node that
    makes it. union_type: what Set Union ControlNet Type chose on the way, or "".
    """

    node: Node
    names: ControlNode
    net: Flow
    made: str
    maker: Node | None
    union_type: str

    @cached_property
    def weight(self) -> float | None:
        """The weight; None when it is linked."""
        return _number(self.node, self.names.weight, self.names.default_weight)

    @cached_property
    def span(self) -> tuple[float, float] | None:
        """Start and end in 0..1; None when either is linked."""
        start, end = _number(self.node, self.names.start, 0.0), _number(self.node, self.names.end, 1.0)
        return None if start is None or end is None else (start, end)


def _number(node: Node, name: str, default: float) -> float | None:
    return None if name in node.links else node.number(name, default)


class Facts:
    """A prompt, its files and its flows."""

    def __init__(self, nodes: Nodes, index: ModelIndex, types_of: TypesOf):
        self.nodes = nodes
        self.index = index
        self.graph = Graph(nodes, types_of)
        self.uses: Mapping[str, list[FileUse]] = find_uses(nodes, index)
        self.flows = Flows(self.graph, self.uses)

    @property
    def all_uses(self) -> Iterator[FileUse]:
        """Every input that names a model file."""
        for uses in self.uses.values():
            yield from uses

    def meetings(self, *kinds: str) -> Iterator[Meeting]:
        """Where a file of these kinds meets a model, each pair of files once."""
        for meeting in self._meetings_once:
            if meeting.use.kind in kinds:
                yield meeting

    @cached_property
    def _meetings_once(self) -> list[Meeting]:
        seen: set[tuple[str, str, str, frozenset[str]]] = set()
        kept = []
        for met in self.flows.meetings:
            bases = frozenset(f"{use.node.id}\0{use.input}" for use in met.base.sources)
            key = (met.use.node.id, met.use.input, met.role, bases)
            if key not in seen:
                seen.add(key)
                kept.append(met)
        return kept

    @cached_property
    def samplers(self) -> list[tuple[Node, Flow]]:
        """Nodes that take a model and conditioning, with the model."""
        return [
            (self.nodes[key], base)
            for key in self.graph.order
            if self.graph.feeds(key, "CONDITIONING") and (base := self.flows.base(key)) is not None
        ]

    @cached_property
    def controls(self) -> list[Control]:
        """Nodes that put a control net to work."""
        return [
            self._control(self.nodes[key])
            for key in self.graph.order
            if self.graph.feeds(key, "CONTROL_NET") and self.graph.feeds(key, "IMAGE")
        ]

    @cached_property
    def control_of(self) -> dict[str, Control]:
        """The control that a node is, by its id."""
        return {control.node.id: control for control in self.controls}

    @cached_property
    def texts(self) -> list[tuple[Node, str, str]]:
        """(node, input, text) of every prompt text."""
        return [
            (node, name, value)
            for key in self.graph.order
            if self.graph.feeds(key, "CLIP")
            for node in (self.nodes[key],)
            for name, value in node.inputs.items()
            if isinstance(value, str) and value and name not in ("clip_name", "type")
        ]

    @cached_property
    def all_text(self) -> str:
        """All texts of the graph in lower case, those that are linked into a prompt included."""
        return "\n".join(
            value.lower() for node in self.nodes.values() for value in node.inputs.values() if isinstance(value, str)
        )

    def readers(self, node_id: str) -> Iterable[str]:
        """The nodes that read from a node."""
        return self._readers.get(node_id, ())

    @cached_property
    def _readers(self) -> dict[str, list[str]]:
        readers: dict[str, list[str]] = {}
        for key in self.graph.order:
            for edge in self.graph.into[key]:
                readers.setdefault(edge.source, []).append(key)
        return readers

    def _control(self, node: Node) -> Control:
        names = CONTROL_NODES.get(node.class_type, DEFAULT_CONTROL)
        images = self.graph.feeds(node.id, "IMAGE")
        edge = next((one for one in images if one.input == names.image), images[0])
        maker, made = self.map_from(edge.source)
        return Control(node, names, self.flows.into(node.id, "CONTROL_NET"), made, maker, self._union_type(node.id))

    def map_from(self, node_id: str) -> tuple[Node | None, str]:
        """The nearest node upstream that makes a control map, and the map; (None, "") when there is none for certain."""
        for _ in range(_FURTHEST):
            node = self.nodes[node_id]
            made = map_of(node)
            if made:
                return node, made
            images = self.graph.feeds(node_id, "IMAGE")
            if len(images) != 1:
                return None, ""
            node_id = images[0].source
        return None, ""

    def _union_type(self, node_id: str) -> str:
        for _ in range(_FURTHEST):
            feeds = self.graph.feeds(node_id, "CONTROL_NET")
            if len(feeds) != 1:
                return ""
            node_id = feeds[0].source
            if self.nodes[node_id].class_type == "SetUnionControlNetType":
                return str(self.nodes[node_id].value("type", ""))
        return ""


def map_of(node: Node) -> str:
    """The control map that a node makes; "" when it is no preprocessor, or not known."""
    own = own_method(node)
    if own is not None:
        return own.made
    if node.class_type in MAP_OF_METHOD:
        name, maps = MAP_OF_METHOD[node.class_type]
        return maps.get(str(node.value(name, "")), "")
    return MAP_OF_NODE.get(node.class_type, "")


def own_method(node: Node) -> OwnMethod | None:
    """What our registry says of a node; None for the nodes of others."""
    if not node.class_type.startswith("Armature"):
        return None
    key = str(node.value("method", "")) if node.class_type == "ArmatureControlMap" else node.class_type
    return own_methods().get(key)
