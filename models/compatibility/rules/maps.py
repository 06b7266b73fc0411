"""The maps that feed control nets: another one than a net was trained on, in another form, or under another union type."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Protocol

from ....preprocessors.images.kinds import MAP_KINDS, kinds_of_nets, map_kind
from ..facts import Control, Facts, own_method
from ..file_uses import FileUse
from ..finding import Change, Finding, finding, named
from ..prompt import Node
from .controls import net_of
from .rule import Rule


def control_map(facts: Facts) -> Iterator[Finding]:
    """A net that was trained on other maps than the one that feeds it."""
    for control in facts.controls:
        net = net_of(control)
        if net is None or not control.made or net.trait("union_types"):
            continue
        wanted, said_by = map_of_net(net)
        if wanted in MAP_KINDS and control.maker is not None and not _readable(net, wanted, control):
            yield finding(
                "warning",
                control.node,
                control.names.image,
                f"{control.node.label}: {named(net)} is made for {map_kind(wanted).in_words} by its {said_by}, but "
                f"{control.maker.label} makes {map_kind(control.made).in_words}. The control then misleads the picture instead "
                "of steering it.",
                f"Choose a preprocessor for {wanted}, or a control net for {map_kind(control.made).in_words}.",
                (net,),
            )


def depth_colours(facts: Facts) -> Iterator[Finding]:
    """ControlNeXt's depth weights, which want viridis colours, fed with gray."""
    for control in facts.controls:
        net = net_of(control)
        if net is None or net.kind != "controlnext" or control.made != "depth" or control.maker is None:
            continue
        if net.trait("trained_map"):
            continue  # which is compared with the map above
        yield finding(
            "warning",
            control.node,
            control.names.image,
            f"{control.node.label}: ControlNeXt's depth weights were trained on viridis-coloured depth (near dark purple, far "
            f"yellow), but {control.maker.label} makes gray depth.",
            "Put Depth to Viridis between the two.",
            (net,),
        )


def union_type(facts: Facts) -> Iterator[Finding]:
    """A union net that is told another type than the map it gets."""
    for control in facts.controls:
        net = net_of(control)
        if net is None or not net.trait("union_types") or not control.made:
            continue
        chosen, right = control.union_type, map_kind(control.made).union_type
        if not right or chosen == right or chosen == "auto":
            continue
        if not chosen:
            yield finding(
                "hint",
                control.node,
                "control_net",
                f"{control.node.label}: {named(net)} was not told which type of map it gets ({control.made}).",
                f"Put Set Union ControlNet Type with type {right} behind its loader.",
                (net,),
            )
            continue
        setter = _union_setter(facts, control)
        yield finding(
            "warning",
            setter or control.node,
            "type",
            f"{named(net)} is set to {chosen}, but {control.maker.label if control.maker else 'the image'} makes "
            f"{map_kind(control.made).in_words}.",
            f"Set type to {right}.",
            (net,),
            change=Change(setter.id, "type", right) if setter else None,
        )


def map_of_net(net: FileUse) -> tuple[str, str]:
    """(the map that a control net was trained on, what says so): its metadata, else its file name; "" when neither does."""
    told = net.trait("trained_map", "")
    return (str(told), "metadata") if told else (trained_on(net), "name")


class Named(Protocol):
    """A file of which the name alone counts."""

    @property
    def name(self) -> str: ...


def trained_on(net: Named) -> str:
    """The map that a control net's file name says it was trained on; "" when it says nothing."""
    words = set(re.split(r"[^a-z0-9]+", PurePosixPath(net.name.lower().replace("\\", "/")).name))
    return next((kind.name for kind in kinds_of_nets() if words & set(kind.net_words)), "")


def reads(wanted: str) -> frozenset[str]:
    """The maps that a net trained on one kind of map can follow: line maps are alike."""
    lines = {kind.name for kind in MAP_KINDS.values() if kind.lines} if map_kind(wanted).lines else set()
    return frozenset({wanted} | lines)


def _readable(net: FileUse, wanted: str, control: Control) -> bool:
    """Whether a net trained on one kind of map can follow the map that it gets."""
    own = own_method(control.maker) if control.maker else None
    is_published = net.kind == "controlnext" and not net.trait("trained_map")
    if is_published and map_kind(control.made).controlnext_form_of == wanted:
        return True
    return control.made in reads(wanted) or (own is not None and wanted in own.wanted_by)


def _union_setter(facts: Facts, control: Control) -> Node | None:
    key = control.node.id
    for _ in range(64):
        feeds = facts.graph.feeds(key, "CONTROL_NET")
        if len(feeds) != 1:
            return None
        key = feeds[0].source
        if facts.nodes[key].class_type == "SetUnionControlNetType":
            return facts.nodes[key]
    return None


RULES = (
    Rule("control_map", "a control net fed with another map than it was trained on", control_map),
    Rule("depth_colours", "ControlNeXt depth weights fed with gray depth", depth_colours),
    Rule("union_type", "a union control net set to another type than its map", union_type),
)
