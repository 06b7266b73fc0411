"""What applying controls asks of every conversion: both conditionings, a range that can act, and the sampler behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..compatibility.editor_nodes import BYPASSED
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

# Inputs by which a node gets what it puts onto a conditioning.
_CONTROLS = ("control_net", "stack", "cnet_stack")


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

    The negative conditioning is that of the samplers behind, and goes through the new node. Where a node of the same kind
    brings it the same control already, one new node does for both.
    """
    conditioning = node.link("conditioning")
    if conditioning is None:
        raise Keep("nothing is linked to its conditioning")
    users = graph.users(node, 0)
    if not users:
        raise Keep("nothing is linked behind it")
    negative = _negative_behind(graph, node, users)
    twin = _twin(graph, node, negative)
    for user, _ in users:
        user.inputs["negative"] = Link(node.id, 1)
    graph.become(
        node, APPLY, {"positive": conditioning, "negative": twin.link("conditioning") if twin else negative, **inputs}
    )
    if twin is None:
        return Done((node,), (f"the negative conditioning of {users[0][0].label} goes through it too now",))
    twin.renamed = dict(node.renamed)
    graph.remove(twin)
    return Done((node,), ("it gives both conditionings what two nodes gave one each",), (twin,))


def _negative_behind(graph: Graph, node: Node, users: Sequence[tuple[Node, str]]) -> Link:
    """The negative conditioning of those that take a node's conditioning as the positive one."""
    for user, name in users:
        if name == "negative" and user.link("positive") is not None:
            other = graph.source(user, "positive")
            if other is None or other[0].kind != node.kind:
                raise Keep(
                    f"it acts on the negative conditioning of {user.label} alone, and Apply Control acts on both"
                )
            raise Keep(_differs(other[0], node) or f"{other[0].label}, which acts on the positive conditioning, stays")
        if name != "positive" or user.link("negative") is None:
            raise Keep(
                f"its conditioning goes into {user.label}, and not into positive of a node that has negative too: which "
                "negative conditioning it shall act on cannot be told"
            )
    negatives = {link for user, _ in users if (link := user.link("negative"))}
    if len(negatives) > 1:
        raise Keep("the samplers behind it have different negative conditionings")
    return negatives.pop()


def _twin(graph: Graph, node: Node, negative: Link) -> Node | None:
    """The node that gives the negative conditioning the same control; None where it has none.

    ComfyUI lets a control of the positive conditioning act on the negative one only where that has no control of its own.
    """
    other = graph.nodes.get(negative.node)
    if other is None or other.kind != node.kind or other.mode != node.mode:
        before = next(_controls(graph, negative), None)
        if before is not None:
            raise Keep(
                f"it acts on the positive conditioning alone, because the negative one has the control of {before.label}, and "
                "Apply Control acts on both"
            )
        return None
    if why := _differs(node, other):
        raise Keep(why)
    needed = {link.node for user, _ in graph.users(node, 0) if (link := user.link("negative"))}
    if len(graph.users(other, 0)) != len(graph.users(node, 0)) or needed != {other.id}:
        raise Keep(f"{other.label}, which gives the negative conditioning the same control, is needed elsewhere too")
    befores = [_chain_before(graph, one) for one in (node, other)]
    if len(befores[0]) != len(befores[1]) or any(_differs(*pair) for pair in zip(*befores, strict=True)):
        raise Keep(
            f"before it and before {other.label}, which acts on the negative conditioning, stand different controls"
        )
    return other


def _differs(positive: Node, negative: Node) -> str:
    """Why two nodes that bring a sampler its conditionings cannot become one; "" where they can."""
    names = dict.fromkeys((*positive.inputs, *negative.inputs))
    other = [
        name for name in names if name != "conditioning" and positive.inputs.get(name) != negative.inputs.get(name)
    ]
    if not other:
        return ""
    return (
        f"{positive.label} acts on the positive conditioning and {negative.label} on the negative one, with another "
        f"{' and '.join(other)}, and Apply Control gives both the same"
    )


def _chain_before(graph: Graph, node: Node) -> list[Node]:
    """The nodes of whatever kind that put controls onto a node's conditioning before it, the nearest first."""
    link = node.link("conditioning")
    return [*_controls(graph, link)] if link else []


def _controls(graph: Graph, conditioning: Link) -> Iterator[Node]:
    """The nodes that have put a control onto a conditioning, as far as their types tell, the nearest first."""
    waiting, seen = [conditioning], set()
    while waiting:
        link = waiting.pop(0)
        node = graph.nodes.get(link.node)
        if node is None or node.id in seen:
            continue
        seen.add(node.id)
        if node.mode != BYPASSED and any(node.link(name) for name in _CONTROLS):
            yield node
        waiting += [one for one in node.inputs.values() if isinstance(one, Link) and _is_conditioning(graph, one)]


def _is_conditioning(graph: Graph, link: Link) -> bool:
    node = graph.nodes.get(link.node)
    types = graph.types_of(node.kind) if node and node.kind else None
    return types is None or not types.outputs or types.output_type(link.slot) in ("CONDITIONING", "*")


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
