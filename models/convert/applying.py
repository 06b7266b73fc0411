"""What applying controls asks of every conversion: both conditionings, a range that can act, and the sampler behind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..compatibility.prompt import Link
from .entry import Done
from .graph import From, Graph, Keep, Node

APPLY = "ArmatureApplyControl"
# A graph that ran goes on running: what has no effect is told, and stops nothing.
GUARD = {"guard": "warn"}
# The inputs that applying a net has in nearly every pack, under the same names.
SIGNAL: Mapping[str, Any] = {
    "control_net": From("control_net"),
    "image": From("image"),
    "weight": From("strength", 1.0),
    "start_percent": From("start_percent", 0.0),
    "end_percent": From("end_percent", 1.0),
}


def check_range(node: Node, start: str = "start_percent", end: str = "end_percent") -> None:
    """Raise Keep for a range that ends before it starts."""
    first, last = node.value(start, 0.0), node.value(end, 1.0)
    if isinstance(first, (int, float)) and isinstance(last, (int, float)) and first > last:
        raise Keep(f"it starts at {first:g} and ends at {last:g}, so it never acts; take it out, or mend the range")


def into_both(graph: Graph, node: Node, inputs: Mapping[str, Any]) -> Done:
    """Turn a node that has both conditionings, at its outputs 0 and 1."""
    both = {name: node.inputs.get(name) for name in ("positive", "negative")}
    missing = [name for name, value in both.items() if not isinstance(value, Link)]
    if missing:
        raise Keep(f"nothing is linked to its {missing[0]}")
    graph.become(node, APPLY, {**both, **inputs})
    return Done((node,))


def one_conditioning(graph: Graph, node: Node, inputs: Mapping[str, Any]) -> Done:
    """Turn a node that has one conditioning, whose control acts on the negative one too.

    The negative conditioning is that of the samplers behind, and goes through the new node.
    """
    conditioning = node.link("conditioning")
    if conditioning is None:
        raise Keep("nothing is linked to its conditioning")
    users = graph.users(node, 0)
    if not users:
        raise Keep("nothing is linked behind it")
    odd = next((user for user, name in users if name != "positive" or user.link("negative") is None), None)
    if odd is not None:
        raise Keep(
            f"its conditioning goes into {odd.label}, and not into positive of a node that has negative too: which negative "
            "conditioning it shall act on cannot be told"
        )
    negatives = {user.link("negative") for user, _ in users}
    if len(negatives) > 1:
        raise Keep("the samplers behind it have different negative conditionings")
    negative = negatives.pop()
    graph.become(node, APPLY, {"positive": conditioning, "negative": negative, **inputs})
    for user, _ in users:
        user.inputs["negative"] = Link(node.id, 1)
    return Done((node,), (f"the negative conditioning of {users[0][0].label} goes through it too now",))


def sampler_behind(graph: Graph, node: Node) -> Node:
    """The one sampler or guider that a node's model goes to. Raises Keep where there is none, or more than one."""
    found: list[Node] = []
    waiting, seen = [(node, 0)], set()
    while waiting:
        at = waiting.pop()
        if (at[0].id, at[1]) in seen:
            continue
        seen.add((at[0].id, at[1]))
        for user, _ in graph.users(*at):
            if user.link("positive") and user.link("negative"):
                found += [user] if user not in found else []
                continue
            waiting += _models_of(graph, user)
    if len(found) != 1:
        told = ", ".join(one.label for one in found)
        raise Keep(
            f"its model goes to {len(found)} samplers with positive and negative ({told}), and it can stand before one"
            if found
            else "no sampler with positive and negative was found behind its model"
        )
    return found[0]


def _models_of(graph: Graph, user: Node) -> list[tuple[Node, int]]:
    """The outputs by which a node passes a model on."""
    if not user.kind:
        raise Keep("its model leaves the subgraph that it stands in")
    types = graph.types_of(user.kind)
    if types is None or not types.outputs:
        if graph.is_used(user):
            raise Keep(f"its model goes through {user.label}, of which it is not known what it passes on")
        return []
    return [(user, slot) for slot, kind in enumerate(types.outputs) if kind in ("MODEL", "*")]
