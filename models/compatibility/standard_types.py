"""Types of other packs by the host's names for the same thing, such as WANVIDEOMODEL for MODEL."""

from __future__ import annotations

import re
from dataclasses import replace

from ...common.short_text_cache import short_text_cache
from .node_types import NodeTypes, TypesOf
from .packs import pack_nodes

# Wrappers of other programs pass their models, text encoders and VAEs under names of their own.
_WRAPPED = r"(wan|hy|cog|ltx|framepack|mochi|kolors|supir|seedvr2_|easyanimate|flashvsr|diffusers)\w*?"
_STANDARD = (
    (re.compile(r"ip_?adapter\w*", re.IGNORECASE), "IPADAPTER"),
    (re.compile(r"controlnetcondition", re.IGNORECASE), "CONTROL_STACK"),
    (re.compile(r"\w*control_?net(model)?", re.IGNORECASE), "CONTROL_NET"),
    (re.compile(rf"{_WRAPPED}model", re.IGNORECASE), "MODEL"),
    (re.compile(r"\w+_?vae", re.IGNORECASE), "VAE"),
    (re.compile(rf"{_WRAPPED}(textencoder|t5)|t5", re.IGNORECASE), "CLIP"),
    (re.compile(rf"{_WRAPPED}text_?embeds|hyvidembeds", re.IGNORECASE), "CONDITIONING"),
    (re.compile(r"(wanvid|hyvid|cog|fp|ltx)?lora(_?(stack|list|params))?", re.IGNORECASE), "LORA_STACK"),
)
_OWN = frozenset({"IP_ADAPTER", "CONTROL_NET_WEIGHTS", "CONTROL_NET_STACK"})  # types that stay as they are


@short_text_cache
def standard_type(name: str) -> str:
    """The host's name of a type; the type itself when it is none that the host has."""
    if name in _OWN or "," in name:
        return name
    return next((standard for pattern, standard in _STANDARD if pattern.fullmatch(name)), name)


def understood(types_of: TypesOf) -> TypesOf:
    """Types by their standard names; of a recorded pack where `types_of` knows none."""
    found: dict[str, NodeTypes | None] = {}

    def standard(class_type: str) -> NodeTypes | None:
        if class_type not in found:
            types = types_of(class_type)
            if types is None and class_type in pack_nodes():
                types = pack_nodes()[class_type].types
            found[class_type] = _standard(types) if types is not None else None
        return found[class_type]

    return standard


def _standard(types: NodeTypes) -> NodeTypes:
    inputs = {name: standard_type(kind) for name, kind in types.inputs.items()}
    growing = {name: standard_type(kind) for name, kind in types.growing.items()}
    return replace(types, inputs=inputs, outputs=tuple(map(standard_type, types.outputs)), growing=growing)
