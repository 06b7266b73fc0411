"""Everything that the rules look at, gathered once per check."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from ...common.short_text_cache import short_text_cache
from ..files.index import ModelIndex
from .control_nodes import (
    CONTROL_NODES,
    DEFAULT_CONTROL,
    MAP_OF_METHOD,
    MAP_OF_NODE,
    REFERENCE_NODES,
    ControlNode,
    OwnMethod,
    own_methods,
)
from .file_uses import FileUse, find_uses
from .flows import KNOWN, Flow, Flows, Meeting, joined
from .graph import Edge, Graph
from .node_types import ANY, TypesOf
from .prompt import Node, Nodes
from .rows import node_is_off, row_of
from .standard_types import understood

Answer = TypeVar("Answer")
_FURTHEST = 64  # nodes between a picture and a control
_CONTROLS = ("CONTROL_NET", "MODEL_PATCH")
_SEEN = ("IMAGE", "CLIP_VISION_OUTPUT")  # what controls look at
_CONTROL_FILES = frozenset({"controlnet", "control_lora", "t2i_adapter", "controlnext", "control_lllite"})
_MOST_SEEN = 256  # nodes of one conditioning
_VALUES = ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")
_GIVEN_ON = KNOWN - frozenset({*_VALUES, "IMAGE", "MASK", "AUDIO", "VIDEO", "LATENT"})


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
        self.graph = Graph(nodes, understood(types_of))
        self.uses: Mapping[str, list[FileUse]] = find_uses(nodes, index)
        self.flows = Flows(self.graph, self.uses)
        self._conditioning: dict[tuple[str, ...], list[Node]] = {}
        self._answers: dict[object, Any] = {}

    def once(self, question: Callable[[Facts], Answer]) -> Answer:
        """The answer of a function that several rules ask of the same facts."""
        if question not in self._answers:
            self._answers[question] = question(self)
        answer: Answer = self._answers[question]
        return answer

    @cached_property
    def all_uses(self) -> tuple[FileUse, ...]:
        """Every place that names a model file."""
        return tuple(use for uses in self.uses.values() for use in uses)

    def meetings(self, *kinds: str) -> Iterator[Meeting]:
        """Where a file of these kinds meets a model, each pair of files once."""
        for meeting in self._meetings_once:
            if meeting.use.kind in kinds:
                yield meeting

    @cached_property
    def _meetings_once(self) -> list[Meeting]:
        kept: dict[object, Meeting] = {}
        for met in self.flows.meetings:
            key = (met.use.place, met.role, frozenset(use.place for use in met.base.sources))
            old = kept.get(key)
            kept[key] = met if old is None else old._replace(places=joined(old.places, met.places))
        return list(kept.values())

    @cached_property
    def samplers(self) -> list[tuple[Node, Flow]]:
        """Nodes that take a model and conditioning, alone or in a pipe, with the model."""
        return [
            (self.nodes[key], base)
            for key in self.graph.order
            if (self.graph.feeds(key, "CONDITIONING") or self._is_piped_sampler(key))
            and not self._passes_on(key)
            and (base := self.flows.base(key)) is not None
        ]

    def conditioning_nodes(self, node: Node) -> list[Node]:
        """The nodes that a sampler's conditioning passes through, the nearest first; samplers often share them all."""
        sources = tuple(dict.fromkeys(edge.source for edge in self.graph.feeds(node.id, "CONDITIONING")))
        if sources not in self._conditioning:
            waiting = list(sources)
            seen = dict.fromkeys(waiting)
            while waiting and len(seen) < _MOST_SEEN:
                for edge in self.graph.feeds(waiting.pop(), "CONDITIONING"):
                    if edge.source not in seen:
                        seen[edge.source] = None
                        waiting.append(edge.source)
            self._conditioning[sources] = [self.nodes[key] for key in seen]
        return self._conditioning[sources]

    def _passes_on(self, key: str) -> bool:
        """Whether a node changes a model and its prompts, and leaves the sampling to others."""
        types = self.graph.types[key]
        outputs = set(types.outputs) if types else set()
        return "CONDITIONING" in outputs and not outputs & {"LATENT", "IMAGE"}

    def _is_piped_sampler(self, key: str) -> bool:
        return is_sampler(self.nodes[key]) and not self.graph.feeds(key, "GUIDER")

    @cached_property
    def inactive(self) -> frozenset[str]:
        """Nodes that only load or patch, and that nothing reads: the host leaves them out."""
        found: set[str] = set()
        for key in reversed(self.graph.order):
            readers = self.readers(key)
            if all(reader in found for reader in readers) if readers else self._only_gives(key):
                found.add(key)
        return frozenset(found)

    def _only_gives(self, key: str) -> bool:
        """Whether a node does nothing but give on what others are to use."""
        types = self.graph.types[key]
        outputs = [kind for kind in (types.outputs if types else ()) if kind != ANY]
        return bool(_GIVEN_ON.intersection(outputs)) and _GIVEN_ON.union(_VALUES).issuperset(outputs)

    @cached_property
    def controls(self) -> list[Control]:
        """Nodes, and rows of nodes, that put a control to work on an image."""
        found: list[Control] = []
        for key in self.graph.order:
            node = self.nodes[key]
            if node_is_off(node):
                continue
            if self.graph.feeds(key, *_CONTROLS) and self.graph.feeds(key, *_SEEN):
                found.append(self._control(node))
            elif node.class_type in REFERENCE_NODES:
                found.append(self._reference(node))
            elif self.graph.feeds(key, "IMAGE"):
                found += self._rows(node)
        return found

    @cached_property
    def controls_of(self) -> dict[str, list[Control]]:
        """The controls in each node, by its id."""
        found: dict[str, list[Control]] = {}
        for control in self.controls:
            found.setdefault(control.node.id, []).append(control)
        return found

    @cached_property
    def texts(self) -> list[tuple[Node, str, str]]:
        """(node, input, text) of every prompt text."""
        return [
            (node, name, value)
            for key in self.graph.fed("CLIP")
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
        edge = next((one for one in images if one.input == names.image), images[0] if images else None)
        maker, made = self.map_from(edge.source) if edge else (None, "")
        net = self.flows.into(node.id, *_CONTROLS)
        return Control(node, names, net, made, maker, self._union_type(node.id))

    def _reference(self, node: Node) -> Control:
        """A node that gives a map to the model itself: it has a weight, and no net."""
        names = REFERENCE_NODES[node.class_type]
        edge = next((one for one in self.graph.into[node.id] if one.input == names.image), None)
        maker, made = self.map_from(edge.source) if edge else (None, "")
        return Control(node, names, Flow(unsure=node.label), made, maker, "")

    def _rows(self, node: Node) -> list[Control]:
        """The controls of a node that names the nets' files itself, one or a row each."""
        found = []
        images = self.graph.feeds(node.id, "IMAGE")
        for use in self.uses.get(node.id, ()):
            if use.kind not in _CONTROL_FILES:
                continue
            row = row_of(use.input)
            edge = images[0] if row is None else next((one for one in images if row_of(one.input) == row), None)
            if edge is not None:
                maker, made = self.map_from(edge.source)
                names = CONTROL_NODES.get(node.class_type) or _row_names(node, edge, row)
                found.append(Control(node, names, Flow(frozenset({use})), made, maker, ""))
        return found

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


def _row_names(node: Node, edge: Edge, row: int | None) -> ControlNode:
    """The inputs of one row."""

    def named(word: str, default: str) -> str:
        return next((name for name in node.inputs if word in name and row_of(name) == row), default)

    return ControlNode(
        edge.input, named("strength", "strength"), named("start", "start_percent"), named("end_p", "end_percent")
    )


def is_sampler(node: Node) -> bool:
    """Whether a node is called as samplers are."""
    return _is_called_sampler(node.class_type)


@short_text_cache
def _is_called_sampler(class_type: str) -> bool:
    low = class_type.lower()
    return bool(_SAMPLER.search(low)) and not _NO_SAMPLER.search(low)


_SAMPLER = re.compile(r"(?<!up)sampler|detailer|ultimatesdupscale")
_NO_SAMPLER = re.compile(
    r"select|config|provider|preview|settings|inputs|options|pipeto|edit|pre_?sampl|schedul|hook|topipe|todetailer|fromdetailer|sigmas"
)


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
