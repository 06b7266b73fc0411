"""A Control-LoRA: a ControlNet as low-rank differences to the base model's own encoder."""

from __future__ import annotations

from ..families import FAMILY_OF_CONTEXT, family_by_context, titles
from ..identity import Identity, Kind, Tensors, shown


def recognise(tensors: Tensors) -> Identity | None:
    """The marker that the host looks for."""
    if "lora_controlnet" not in tensors.shapes:
        return None
    family, key = family_by_context(tensors, "attn2.to_k.down", "attn2.to_v.down", "attn2.to_k.weight")
    families = (family,) if family else ()
    return Identity(
        "control_lora",
        f"Control-LoRA for {titles(families)}",
        families,
        evidence=("lora_controlnet", *((shown(tensors, key),) if key else ())),
        ambiguity="" if families else "no cross-attention tensor is in it",
    )


CONTROL_LORA = Kind(
    "control_lora", "Control-LoRA", ("controlnet",), ("ControlNetLoader",), recognise, tuple(FAMILY_OF_CONTEXT.values())
)
