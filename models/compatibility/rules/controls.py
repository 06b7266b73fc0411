"""Control nets: their VAE, their weight and range, and how many there are."""

from __future__ import annotations

from collections.abc import Iterator

from ..control_nodes import CONTROL_NODES, DEFAULT_CONTROL
from ..facts import Control, Facts
from ..file_uses import FileUse
from ..finding import Change, Finding, finding, named
from ..flows import KNOWN
from ..graph import Edge
from ..node_types import ANY
from ..packs import pack_nodes
from ..prompt import Node
from ..rows import node_is_off
from .rule import Rule

_SANE_WEIGHT = 2.0
_FULL_WEIGHT = 0.9
_MANY, _MUCH = 3, 3.0


def controlnext_alone(facts: Facts) -> Iterator[Finding]:
    """ControlNeXt on SDXL without the UNet weights that were trained with it."""
    if any(use.kind == "unet_weights" for use in facts.all_uses):
        return
    for met in facts.meetings("controlnext"):
        if met.use.trait("works_alone"):
            continue
        if met.role == "CONTROL_NET" and not met.base.unsure and set(met.base.families) == {"sdxl"}:
            yield finding(
                "hint",
                met.use.node,
                met.use.input,
                f"{met.use.node.label}: on SDXL, ControlNeXt follows its control only with the UNet weights that were trained "
                "with it, and this graph loads none.",
                "Put Apply ControlNeXt Weights, with the file that came with this one, before the sampler.",
                (met.use,),
            )


def control_needs_vae(facts: Facts) -> Iterator[Finding]:
    """A control net that works on encoded images, without a VAE."""
    for control in facts.controls:
        net = net_of(control)
        if (
            net is not None
            and net.trait("needs_vae")
            and not _has_vae(facts, control.node)
            and _wants_vae(facts, control)
        ):
            yield finding(
                "error",
                control.node,
                "vae",
                f"{control.node.label}: {named(net)} works on encoded images and gets no VAE. Sampling stops with an error.",
                "Link the model's VAE to the vae input of the node that applies the control.",
                (net,),
            )


def _wants_vae(facts: Facts, control: Control) -> bool:
    """Whether the node leaves the encoding to a VAE: some packs' nodes, which have no such input, bring their own way."""
    types = facts.graph.types[control.node.id]
    recorded = control.node.class_type in pack_nodes()
    return not recorded or types is None or "VAE" in types.inputs.values()


def zero_weight(facts: Facts) -> Iterator[Finding]:
    """Controls that are switched off by their weight."""
    for control in facts.controls:
        if control.weight == 0:
            yield finding(
                "warning",
                control.node,
                control.names.weight,
                f"{control.node.label}: {control.names.weight} is 0, so the control has no effect.",
                "Raise it (0.8 is a good start), or take the node out.",
                change=Change(control.node.id, control.names.weight, 0.8),
            )


def empty_range(facts: Facts) -> Iterator[Finding]:
    """Controls, or adapters, whose range of the sampling is empty."""
    for node in facts.nodes.values():
        if "start_percent" not in node.inputs or "end_percent" not in node.inputs or node.id in facts.graph.cyclic:
            continue
        if CONTROL_NODES.get(node.class_type, DEFAULT_CONTROL).end != "end_percent" or node_is_off(node):
            continue
        if "start_percent" in node.links or "end_percent" in node.links:
            continue
        start, end = node.number("start_percent", 0.0), node.number("end_percent", 1.0)
        if end > start:
            continue
        what = f"ends ({end:g}) before it starts ({start:g})" if end < start else f"starts and ends at {start:g}"
        yield finding(
            "warning",
            node,
            "end_percent",
            f"{node.label} {what}, so it has no effect.",
            "Set end_percent above start_percent; 0 and 1 span the whole sampling.",
            change=Change(node.id, "end_percent", 1.0) if start < 1 else None,
        )


def large_weight(facts: Facts) -> Iterator[Finding]:
    """Weights beyond the range in which control nets work well."""
    for control in facts.controls:
        if control.weight is not None and control.weight > _SANE_WEIGHT:
            yield finding(
                "warning",
                control.node,
                control.names.weight,
                f"{control.node.label}: {control.names.weight} {control.weight:g} is far above 1. Pictures burn and lose "
                "detail.",
                "Stay between 0.3 and 1.2.",
            )


def many_signals(facts: Facts) -> Iterator[Finding]:
    """Many controls at full weight in one conditioning."""
    for node, _base in facts.samplers if len(facts.controls) >= _MANY else ():
        controls = [control for control in controls_into(facts, node) if control.net.sources]
        weights = [one.weight or 0.0 for one in controls]
        full, total = [weight for weight in weights if weight >= _FULL_WEIGHT], sum(weights)
        if len(full) >= _MANY and total >= _MUCH:
            yield finding(
                "hint",
                node,
                "",
                f"{node.label}: {len(full)} controls act at full weight at once ({total:g} in sum). They fight over the same "
                "places, and pictures come out hard and overdrawn.",
                "Lower the weights to about 0.4 to 0.7 each, give them different ranges, or set balance of ControlNet Stack to "
                "normalize.",
            )


def net_of(control: Control) -> FileUse | None:
    """The file of a control's net; None when it is not known for certain."""
    sources = [use for use in control.net.sources if use.identity is not None]
    return sources[0] if len(sources) == 1 and not control.net.unsure else None


_MOST_SEEN = 64  # nodes of one conditioning; no picture is made with as many controls
_CARRIERS = ("CONTROL_SIGNAL", "CONTROL_STACK", "CONTROL_NET_STACK")


def _has_vae(facts: Facts, node: Node) -> bool:
    """Whether a VAE is linked to the node, or to one that its signal goes to on the way into the conditioning."""
    waiting, seen = [node.id], {node.id}
    while waiting:
        key = waiting.pop()
        if facts.graph.feeds(key, "VAE"):
            return True
        for reader in facts.readers(key):
            carries = any(edge.source == key and edge.type in _CARRIERS for edge in facts.graph.into[reader])
            if carries and reader not in seen:
                seen.add(reader)
                waiting.append(reader)
    return False


def controls_into(facts: Facts, sampler: Node) -> list[Control]:
    """The controls in a sampler's positive conditioning (the first one linked), or in its pipe."""
    by_id = facts.controls_of
    found: list[Control] = []
    waiting = [edge.source for edge in facts.graph.feeds(sampler.id, "CONDITIONING")[:1]]
    waiting = waiting or [edge.source for edge in _carrying(facts, sampler.id)]
    seen = set(waiting)
    while waiting and len(seen) <= _MOST_SEEN:
        key = waiting.pop()
        found += by_id.get(key, ())
        for edge in _carrying(facts, key):
            if edge.source not in seen:
                seen.add(edge.source)
                waiting.append(edge.source)
    return found


def _carrying(facts: Facts, key: str) -> list[Edge]:
    """The links into a node that may bring controls."""
    return [
        edge
        for edge in facts.graph.into[key]
        if edge.type in ("CONDITIONING", *_CARRIERS) or (edge.type not in KNOWN and edge.type != ANY)
    ]


RULES = (
    Rule("controlnext_alone", "ControlNeXt on SDXL without its UNet weights", controlnext_alone),
    Rule("control_needs_vae", "a control net that needs a VAE and gets none", control_needs_vae),
    Rule("zero_weight", "a control with weight 0", zero_weight),
    Rule("empty_range", "a start and end between which nothing lies", empty_range),
    Rule("large_weight", "a control weight beyond the sane range", large_weight),
    Rule("many_signals", "many controls at full weight", many_signals),
)
