"""The graph that a measurement runs: the user's own, with a map for each signal that can be exchanged, and what measures.

Nothing of the user's graph is kept but what the measured picture needs. Every row of the measurement is this one graph with
other values: the picture, the picture of each signal's map, and each signal's weight.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...common.node_names import name_node, title_of
from ...models.compatibility.control_nodes import CONTROL_NODES, REFERENCE_NODES, own_methods
from ...models.compatibility.facts import is_sampler
from ...models.compatibility.graph import Edge, Graph
from ...models.compatibility.node_types import TypesOf
from ...models.compatibility.prompt import read_prompt
from ...models.compatibility.standard_types import understood
from ...runs.batch.adherence import SEEDS
from ...runs.graph import GraphError, find_node
from ...runs.record.prompt_facts import upstream
from ..terminal import Problem

SIGNALS = ("ArmatureControlSignal", "ArmatureApplyControl")
LOADERS = ("LoadImage", "ArmatureExamplePicture")
CONTROL_MAP, ADHERENCE, SAVE = "ArmatureControlMap", "ArmatureControlAdherence", "ArmatureSaveRecord"
SHOWING = (ADHERENCE, "ArmatureSweepSheet")  # what comes out of them is no drawn picture, but shows some
AUTO = "auto"
_SIZING = ("resolution_mode", "resolution")
_NO_OPTIONS = ("image", "mask", "target", *_SIZING)
_JSON = 4  # the output of Control Adherence
Prompt = Mapping[str, Any]
Place = tuple[str, int]  # a node and one of its outputs


@dataclass(frozen=True)
class Signal:
    """A control signal that is measured.

    weight: as the graph has it, None where it is linked. method: what looks at the picture. picture: the input that loads the
    picture of its map. given, own: the nodes that tell how well the result follows the map that the signal got, and the map of
    the result's own picture.
    """

    node: str
    label: str
    weight: float | None
    method: str
    picture: str
    given: str
    own: str


@dataclass(frozen=True)
class Measured:
    """prompt: what runs. input: the place that takes a picture's name. seeds: the graph's, by their places. result: the node
    whose picture is measured, in words. left_alone: controls that stay as they are in every row, in words.
    """

    prompt: dict[str, Any]
    signals: tuple[Signal, ...]
    input: str
    seeds: Mapping[str, int]
    result: str
    left_alone: tuple[str, ...]


def measured_graph(prompt: Prompt, types_of: TypesOf, chosen_input: str = "", chosen_result: str = "") -> Measured:
    """The graph to run, from the user's. Raises Problem, and PromptError for what is no prompt."""
    return _Builder(prompt, types_of).built(chosen_input, chosen_result)


class _Builder:
    def __init__(self, prompt: Prompt, types_of: TypesOf) -> None:
        self._graph = Graph(read_prompt(prompt), understood(types_of))
        self._prompt = prompt
        self._above: dict[str, frozenset[str]] = {}
        for key in self._graph.order:
            sources = {edge.source for edge in self._graph.into[key]}
            self._above[key] = frozenset(sources.union(*(self._above[one] for one in sources)))
        self._samplers = frozenset(key for key in self._graph.order if self._samples(key))
        self._prefix = "measure"
        while any(key.startswith(self._prefix) for key in prompt):
            self._prefix += "_"

    def built(self, chosen_input: str, chosen_result: str) -> Measured:
        signals = [key for key in self._graph.order if self._graph.nodes[key].class_type in SIGNALS]
        if not signals:
            raise Problem(
                f"the graph has no control signal: a node {' or '.join(SIGNALS)}. `python armature.py convert` turns other "
                "packs' nodes into them."
            )
        if not self._samplers:
            raise Problem("the graph has no sampler that could draw a picture. Give the whole graph, not a part of it.")
        result = self._result(chosen_result, signals)
        needed = self._above[result[0]] | {result[0]}
        signals = [key for key in signals if key in needed]
        picture = self._input(chosen_input, signals)
        kept = [key for key in signals if not self._why_not(key, picture)]
        left = [f"{self._name(key)}: {self._why_not(key, picture)}" for key in signals if key not in kept]
        if not kept:
            raise Problem(f"none of its control signals can be measured. {'; '.join(left)}.")
        left += [f"{self._name(key)}: no control signal of Armature" for key in self._other_controls(needed)]
        return self._assembled(result, picture, kept, left)

    # What is there.

    def _name(self, key: str) -> str:
        return name_node(self._prompt, key)

    def _listed(self, keys: list[str]) -> str:
        return "; ".join(self._name(key) for key in keys)

    def _samples(self, key: str) -> bool:
        """Whether a node draws: from conditioning or a guider to a latent or a picture."""
        types = self._graph.types[key]
        outputs = set(types.outputs) if types else set()
        if outputs & {"CONDITIONING", "GUIDER"}:
            return False
        fed = bool(self._graph.feeds(key, "CONDITIONING", "GUIDER"))
        return bool(outputs & {"LATENT", "IMAGE"}) and (fed or is_sampler(self._graph.nodes[key]))

    def _is_drawn(self, key: str) -> bool:
        return key in self._samplers or bool(self._samplers & self._above[key])

    def _other_controls(self, needed: frozenset[str]) -> Iterator[str]:
        for key in self._graph.order:
            kind = self._graph.nodes[key].class_type
            controls = self._graph.feeds(key, "CONTROL_NET", "MODEL_PATCH") and self._graph.feeds(key, "IMAGE")
            if key in needed and kind not in SIGNALS and (controls or kind in REFERENCE_NODES):
                yield key

    # Which picture is measured.

    def _result(self, chosen: str, signals: list[str]) -> Place:
        """The output whose picture is measured: the user's choice, or the only one that a sampler drew with a signal."""
        found = list(dict.fromkeys(self._results([self._found("--result", chosen)] if chosen else self._ends())))
        steered = [place for place in found if set(signals) & self._above[place[0]]]
        first = [one for one in steered if not any(other[0] in self._above[one[0]] for other in steered)]
        if len(first) == 1:
            return first[0]
        if first:
            raise Problem(
                f"the graph draws several pictures: {self._listed([one for one, _ in first])}. Name one with --result."
            )
        if chosen:
            raise Problem(f"--result {chosen}: no sampler that a control signal steers draws what this node shows.")
        raise Problem("no picture of the graph is drawn by a sampler that a control signal steers. Link them.")

    def _results(self, ends: list[str]) -> Iterator[Place]:
        for end in ends:
            drawn = [edge for edge in self._graph.feeds(end, "IMAGE") if self._is_drawn(edge.source)]
            types = self._graph.types[end]
            slot = types.outputs.index("IMAGE") if types and "IMAGE" in types.outputs else None
            if slot is not None and self._is_drawn(end) and not drawn:
                yield end, slot
            for edge in drawn:
                if self._graph.nodes[edge.source].class_type in SHOWING:
                    yield from self._results([edge.source])
                else:
                    yield edge.source, edge.slot

    def _ends(self) -> list[str]:
        read = {edge.source for key in self._graph.order for edge in self._graph.into[key]}
        return [key for key in self._graph.order if key not in read]

    # Which node the pictures take the place of.

    def _input(self, chosen: str, signals: list[str]) -> str:
        above = frozenset().union(*(self._above_map(key) for key in signals))
        if chosen:
            key = self._found("--input", chosen)
            types = self._graph.types[key]
            if key not in above or types is None or types.output_type(0) != "IMAGE":
                raise Problem(
                    f"--input {chosen}: {self._name(key)} loads no picture that a control signal's map is made of."
                )
            return key
        found = [key for key in self._graph.order if key in above and self._graph.nodes[key].class_type in LOADERS]
        if len(found) == 1:
            return found[0]
        if found:
            raise Problem(f"the pictures could take the place of {self._listed(found)}. Choose one with --input.")
        raise Problem(
            "no control signal's map is made of a Load Image or an Example Picture, whose place the pictures would take. Name "
            "the node that loads the picture with --input."
        )

    def _found(self, option: str, name: str) -> str:
        try:
            key = find_node(self._prompt, name)
        except GraphError as error:
            raise Problem(f"{option}: {error}") from None
        if key not in self._above:
            raise Problem(f"{option} {name}: {self._name(key)} is part of a circle of links, which cannot run.")
        return key

    def _map(self, key: str) -> Edge | None:
        name = CONTROL_NODES[self._graph.nodes[key].class_type].image
        return next((edge for edge in self._graph.into[key] if edge.input == name), None)

    def _above_map(self, key: str) -> frozenset[str]:
        edge = self._map(key)
        return frozenset() if edge is None else self._above[edge.source] | {edge.source}

    def _why_not(self, key: str, picture: str) -> str:
        above = self._above_map(key)
        if picture not in above:
            return f"its map is not made of {self._name(picture)}"
        if self._samplers & above:
            return "its map is drawn in the graph itself"
        method = self._method(key)
        if method in own_methods() and not own_methods()[method].of_photographs:
            return f"no drawn picture is what the method {method} makes its maps of"
        return ""

    def _method(self, key: str) -> str:
        """The method that made a signal's map, or AUTO where that cannot be told."""
        edge = self._map(key)
        maker = self._maker(edge.source) if edge else None
        if maker is None:
            return AUTO
        node = self._graph.nodes[maker]
        method = node.inputs.get("method") if node.class_type == CONTROL_MAP else own_methods()[node.class_type].name
        return method if isinstance(method, str) else AUTO

    # What runs.

    def _assembled(self, result: Place, picture: str, kept: list[str], left: list[str]) -> Measured:
        nodes: dict[str, Any] = {key: _copied(node) for key, node in self._prompt.items()}
        nodes[picture] = _loader(title_of(nodes[picture]) or "Picture")
        save = f"{self._prefix}_save"
        nodes[save] = _node(SAVE, images=list(result), filename_prefix="armature/measure")
        ends, signals = [save], []
        for number, key in enumerate(kept, 1):
            signal = self._signal(nodes, key, picture, result, f"{self._prefix}_{number}")
            signals.append(signal)
            ends += [signal.given, signal.own]
        runs = {key for end in ends for key in upstream(nodes, end)}
        prompt = {key: node for key, node in nodes.items() if key in runs}
        return Measured(prompt, tuple(signals), f"{picture}.image", _seeds(prompt), self._name(result[0]), tuple(left))

    def _signal(self, nodes: dict[str, Any], key: str, picture: str, result: Place, prefix: str) -> Signal:
        """Gives the signal a map of its own, made of a picture of its own, and measures the result against both maps."""
        edge = self._map(key)
        assert edge is not None
        again = {
            one: f"{prefix}_{one}" for one in self._above_map(key) if one == picture or picture in self._above[one]
        }
        for one, copy in again.items():
            nodes[copy] = _relinked(nodes[one], again)
        nodes[key]["inputs"][edge.input] = [again[edge.source], edge.slot]
        weight = nodes[key]["inputs"].setdefault(
            "weight", CONTROL_NODES[self._graph.nodes[key].class_type].default_weight
        )
        method = self._method(key)
        own = {**self._measure(nodes, edge.source, method, result), "control_image": [edge.source, edge.slot]}
        told = []
        for name, inputs in (("own", own), ("given", _relinked({"inputs": own}, again)["inputs"])):
            nodes[f"{prefix}_{name}"] = _node(ADHERENCE, **inputs)
            nodes[f"{prefix}_{name}_told"] = _node("PreviewAny", source=[f"{prefix}_{name}", _JSON])
            told.append(f"{prefix}_{name}_told")
        known = weight if isinstance(weight, int | float) else None
        return Signal(key, self._label(key), known, method, f"{again[picture]}.image", told[1], told[0])

    def _label(self, key: str) -> str:
        title = title_of(self._prompt[key])
        alike = [one for one in self._prompt.values() if title_of(one) == title]
        return title if title and len(alike) == 1 else f"{title or self._graph.nodes[key].class_type} ({key})"

    def _measure(self, nodes: Prompt, source: str, method: str, result: Place) -> dict[str, Any]:
        """The inputs of Control Adherence for a signal, from the node that made its map."""
        inputs: dict[str, Any] = {"image": list(result), "minimum": 0.0, "policy": "report", "method": method}
        maker = self._maker(source)
        if maker is None or method == AUTO:
            return inputs
        made = nodes[maker]["inputs"]
        if nodes[maker]["class_type"] == CONTROL_MAP:
            options = {name: value for name, value in made.items() if name.startswith("method.")}
        else:
            options = {f"method.{name}": value for name, value in made.items() if name not in _NO_OPTIONS}
        # A target is as large as the result, whose own size the method then sees.
        sizing = {} if "target" in made else {name: made[name] for name in _SIZING if name in made}
        picture = {"source": made["image"]} if isinstance(made.get("image"), list) else {}
        return inputs | sizing | picture | options

    def _maker(self, source: str) -> str | None:
        """The nearest preprocessor of ours on the way up from a map, by links that carry pictures."""
        waiting = [source]
        for key in waiting:
            kind = self._graph.nodes[key].class_type
            if (kind == CONTROL_MAP or (kind.startswith("Armature") and kind in own_methods())) and self._graph.feeds(
                key, "IMAGE"
            ):
                return key
            waiting += [edge.source for edge in self._graph.feeds(key, "IMAGE") if edge.source not in waiting]
        return None


def _seeds(prompt: Prompt) -> dict[str, int]:
    """The seeds of a graph that are values, not links, by their places."""
    return {
        f"{key}.{name}": node["inputs"][name]
        for key, node in prompt.items()
        for name in SEEDS
        if type(node["inputs"].get(name)) is int
    }


def _copied(node: Mapping[str, Any]) -> dict[str, Any]:
    return {**node, "inputs": dict(node.get("inputs", {}))}


def _relinked(node: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """A copy of a node without its title, its links going to the nodes by their other names."""
    inputs = {
        name: [names.get(str(value[0]), value[0]), value[1]] if isinstance(value, list) and len(value) == 2 else value
        for name, value in node["inputs"].items()
    }
    return {**{name: value for name, value in node.items() if name != "_meta"}, "inputs": inputs}


def _loader(title: str) -> dict[str, Any]:
    return {"class_type": "LoadImage", "inputs": {"image": ""}, "_meta": {"title": title}}


def _node(class_type: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}
