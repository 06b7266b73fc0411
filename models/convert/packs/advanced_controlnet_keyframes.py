"""Keyframes of ComfyUI-Advanced-ControlNet as a curve and as weights per frame.

A timestep keyframe counts from its percent of the noise schedule on, until the next one: its strength is a factor on that of
the Apply node, 1 before the first. A curve of ours counts the same schedule, so that a jump is two points next to each other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...compatibility.prompt import Link
from ..graph import Graph, Keep, Node

Source = tuple[Node, int]

# A place in the schedule is found to 1e-6 (`guidance.progress`), and a step that begins at a keyframe belongs to it.
_BEFORE, _AFTER = 4e-6, 2e-6

_NULL = "null_latent_kf_strength"
TIMESTEP_KEYFRAMES: Mapping[str, Mapping[str, Any]] = {
    "TimestepKeyframe": {
        "start_percent": 0.0,
        "strength": 1.0,
        _NULL: 0.0,
        "inherit_missing": True,
        "guarantee_steps": 1,
    },
    "ACN_TimestepKeyframeInterpolation": {
        "start_percent": 0.0,
        "end_percent": 1.0,
        "strength_start": 1.0,
        "strength_end": 1.0,
        "interpolation": "linear",
        "intervals": 50,
        _NULL: 0.0,
        "inherit_missing": True,
        "print_keyframes": False,
    },
}
LATENT_KEYFRAMES: Mapping[str, Mapping[str, Any]] = {
    "LatentKeyframe": {"batch_index": 0, "strength": 1.0},
    "LatentKeyframeGroup": {"index_strengths": "", "print_keyframes": False},
    "LatentKeyframeTiming": {
        "batch_index_from": 0,
        "batch_index_to_excl": 0,
        "strength_from": 1.0,
        "strength_to": 1.0,
        "interpolation": "linear",
        "print_keyframes": False,
    },
}
_EASED = {
    "linear": lambda x: x,
    "ease-in": lambda x: x * x,
    "ease-out": lambda x: 1 - (1 - x) ** 2,
    "ease-in-out": lambda x: (1 - math.cos(x * math.pi)) / 2,
}


@dataclass(frozen=True)
class Keyframes:
    """What keyframes say. schedule: the text of a curve, "" for none; mask, weights, latent: what they are linked to; null:
    the strength of frames that no latent keyframe names; nodes: those that said it.
    """

    schedule: str = ""
    mask: Link | None = None
    weights: Source | None = None
    latent: Source | None = None
    null: float = 0.0
    nodes: tuple[Node, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Part:
    """One keyframe node. jumps: (percent, factor) of each keyframe that it makes, ascending."""

    node: Node
    jumps: tuple[tuple[float, float], ...]

    @property
    def start(self) -> float:
        return self.jumps[0][0]


def read_keyframes(graph: Graph, node: Node, name: str) -> Keyframes:
    """The keyframes that are linked to an input. Raises Keep for what a curve, one mask and one set of weights cannot say."""
    found = _chain(graph, node, name)
    if found and found[-1][1] == 1:  # the shortcut of a node of weights is one keyframe with them
        if len(found) > 1:
            raise Keep(f"its keyframes go through {found[-1][0].label}; link the weights to one keyframe instead")
        return Keyframes(weights=found[0], nodes=(found[0][0],))
    parts = [_part(one) for one, _ in found]
    if not parts:
        return Keyframes()
    parts.sort(key=lambda part: part.start)
    schedule = _schedule(parts)
    nodes = tuple(part.node for part in parts)
    notes = tuple(note for part in parts for note in _notes(part))
    weights, latent = (_same(parts, one) for one in ("cn_weights", "latent_keyframe"))
    mask = _same(parts, "mask_optional")
    nulls = {float(one.value(_NULL, 0.0)) for one in nodes} if latent else {0.0}
    if len(nulls) > 1:
        raise Keep(f"its keyframes have different {_NULL}")
    link = mask[0].link("mask_optional") if mask else None
    return Keyframes(
        schedule,
        link,
        _from(graph, weights, "cn_weights"),
        _from(graph, latent, "latent_keyframe"),
        nulls.pop(),
        nodes,
        notes,
    )


def _chain(graph: Graph, node: Node, name: str) -> list[Source]:
    found: list[Source] = []
    source = graph.source(node, name)
    while source is not None:
        kind = source[0].kind
        if source in found:
            raise Keep("its keyframes go in a circle")
        if kind not in TIMESTEP_KEYFRAMES and not (
            source[1] == 1 and kind.endswith(("Weights", "WeightsSD15", "WeightsFlux"))
        ):
            raise Keep(f"its keyframes come from {source[0].label}, which cannot be read here")
        if source[0].unread:
            raise Keep(f"of {source[0].label}, {source[0].unread}")
        found.append(source)
        if kind not in TIMESTEP_KEYFRAMES:
            break
        source = graph.source(source[0], "prev_timestep_kf") or graph.source(source[0], "prev_timestep_keyframe")
    if node.link(name) is not None and not found:
        raise Keep("its keyframes come from a node that cannot be read here")
    return found


def _number(node: Node, name: str) -> float:
    default = {**TIMESTEP_KEYFRAMES, **LATENT_KEYFRAMES}[node.kind][name]
    value = node.value(name, default)
    if node.link(name) is not None or not isinstance(value, (int, float)):
        raise Keep(f"{name} of {node.label} is linked, and a curve holds its numbers as text")
    return float(value)


def _part(node: Node) -> _Part:
    start = _number(node, "start_percent")
    if node.kind == "TimestepKeyframe":
        return _Part(node, ((start, _number(node, "strength")),))
    end, first, last = (_number(node, name) for name in ("end_percent", "strength_start", "strength_end"))
    count = int(_number(node, "intervals"))
    eased = _EASED.get(node.value("interpolation", "linear"))
    if eased is None or end <= start or not 2 <= count <= 100:
        raise Keep(f"the values of {node.label} cannot be read")
    shares = [place / (count - 1) for place in range(count)]
    return _Part(node, tuple((start + (end - start) * x, first + (last - first) * eased(x)) for x in shares))


def _schedule(parts: list[_Part]) -> str:
    """The text of a curve that jumps where the keyframes begin."""
    points = [(0.0, 1.0)]  # the keyframe that every group begins with
    last = 0.0
    for start, factor in (jump for part in parts for jump in part.jumps):
        if start == 0.0 and len(points) == 1 and last == 0.0:
            points = [(0.0, factor)]
        elif start <= last + 2 * _BEFORE:
            raise Keep("two of its keyframes stand at the same percent")
        else:
            points += [(start - _BEFORE, points[-1][1]), (start - _AFTER, factor)]
        last = start
    if all(factor == 1.0 for _, factor in points):
        return ""
    return ", ".join(f"{place:.6f}".rstrip("0").rstrip(".") + f":{factor:.6g}" for place, factor in points)


def _notes(part: _Part) -> list[str]:
    if part.node.kind == "TimestepKeyframe":
        late = part.start > 0 and int(_number(part.node, "guarantee_steps")) > 1
        return [f"{part.node.label} had guarantee_steps, which a curve does not have"] if late else []
    ends = ", ".join(f"{place:g}:{factor:g}" for place, factor in (part.jumps[0], part.jumps[-1]))
    return [f"schedule is a stair of {len(part.jumps)} steps, as before; {ends} is shorter and nearly the same"]


def _same(parts: list[_Part], name: str) -> Source | None:
    """The keyframe that gives something for the whole sampling; None where none does."""
    having = [part for part in parts if part.node.link(name) is not None]
    if not having:
        return None
    sources = {part.node.link(name) for part in having}
    inherited = all(part.node.value("inherit_missing", True) or part in having for part in parts)
    if len(sources) > 1 or having[0].start > 0 or not inherited:
        raise Keep(f"{name} of its keyframes changes during the sampling, and a control signal has one for all of it")
    return having[0].node, 0


def _from(graph: Graph, keyframe: Source | None, name: str) -> Source | None:
    if keyframe is None:
        return None
    source = graph.source(keyframe[0], name)
    if source is None:
        raise Keep(f"{name} of {keyframe[0].label} comes from a node that cannot be read here")
    return source


# Weights per frame.


def frame_weights(graph: Graph, node: Node, keyframes: Keyframes) -> str:
    """The text of Frame Weights for latent keyframes, "" where there are none."""
    source = graph.source(node, "latent_kf_override") or keyframes.latent
    if source is None:
        if node.link("latent_kf_override") is not None:
            raise Keep("its latent keyframes come from a node that cannot be read here")
        return ""
    count = _frames(graph)
    found: dict[int, float] = {}
    at: Source | None = source
    while at is not None:
        one = at[0]
        reader = _READERS.get(one.kind)
        if reader is None or one.unread:
            raise Keep(f"its latent keyframes come from {one.label}, which cannot be read here")
        for index, strength in reader(one, count).items():
            found[index] = strength  # what comes before takes the place of what comes after
        graph.absorb(one, node)
        at = graph.source(one, "prev_latent_kf") or graph.source(one, "prev_latent_keyframe")
    placed = {index % count: strength for index, strength in found.items() if -count <= index < count}
    return ", ".join(f"{placed.get(place, keyframes.null):g}" for place in range(count))


def _frames(graph: Graph) -> int:
    """How many frames are drawn: of the one empty latent of the graph."""
    sizes = {
        node.value("batch_size")
        for node in graph.nodes.values()
        if node.kind.startswith("Empty") and "batch_size" in node.inputs
    }
    if len(sizes) != 1 or not all(isinstance(one, int) and 0 < one <= 512 for one in sizes):
        raise Keep(
            "it has latent keyframes, and how many pictures are drawn cannot be told from the graph; Frame Weights has one "
            "weight for each"
        )
    return int(sizes.pop())


def _one(node: Node, _count: int) -> dict[int, float]:
    return {int(_number(node, "batch_index")): _number(node, "strength")}


def _group(node: Node, count: int) -> dict[int, float]:
    text = node.value("index_strengths", "")
    if node.link("index_strengths") or not isinstance(text, str):
        raise Keep(f"index_strengths of {node.label} is linked")
    found: dict[int, float] = {}
    try:
        for entry in filter(None, (part.strip() for part in text.split(","))):
            place, _, strength = entry.partition("=")
            first, colon, last = place.partition(":")
            places = range(count)[int(first) : int(last)] if colon else [int(first)]
            found |= {one: float(strength or 1.0) for one in places}
    except ValueError:
        raise Keep(f"index_strengths of {node.label} cannot be read: {text!r}") from None
    return found


def _timing(node: Node, _count: int) -> dict[int, float]:
    first, last = (int(_number(node, name)) for name in ("batch_index_from", "batch_index_to_excl"))
    start, end = (_number(node, name) for name in ("strength_from", "strength_to"))
    eased = _EASED.get(node.value("interpolation", "linear"))
    if eased is None or last < first or last - first > 10_000:
        raise Keep(f"the values of {node.label} cannot be read")
    steps = max(1, last - first - 1)
    return {first + place: start + (end - start) * eased(place / steps) for place in range(last - first)}


_READERS = {"LatentKeyframe": _one, "LatentKeyframeGroup": _group, "LatentKeyframeTiming": _timing}
