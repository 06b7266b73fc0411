"""Naming a file that is not what it was taken for, and the node that would load it, by the registry of kinds of files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .identify import UNKNOWN, identify_tensors
from .identity import Kind, Tensors
from .kinds import find_kind
from .kinds.unet_weights import UNETS

UNET = "UNet weights"
CHECKPOINT = "a whole checkpoint"

_NAMES = {
    "unet_weights": UNET,
    "diffusion_model": UNET,
    "checkpoint": CHECKPOINT,
    "controlnext": "a ControlNeXt control file",
    "control_lora": "a ControlNet",  # the host loads it as one
}
_NODES = {
    "ControlNetLoader": "the host's Load ControlNet Model node (ControlNetLoader)",
    "LoraLoader": "the host's Load LoRA node (LoraLoader)",
    "CheckpointLoaderSimple": "the host's Load Checkpoint node (CheckpointLoaderSimple)",
    "VAELoader": "the host's Load VAE node (VAELoader)",
    "ArmatureLoadIPAdapter": "Load IP-Adapter (ArmatureLoadIPAdapter)",
    "ArmatureLoadControlNeXt": "Load ControlNeXt (ArmatureLoadControlNeXt)",
    "ArmatureApplyControlNeXtWeights": "Apply ControlNeXt Weights (ArmatureApplyControlNeXtWeights)",
}


def kind_of(weights: Mapping[str, Any] | Iterable[str]) -> tuple[str, str] | None:
    """(what a file is, the node that loads it); None when it is unknown.

    weights: tensors or shapes by name. Names alone tell less: kinds that are told by their shapes are then not found.
    """
    identity = identify_tensors(Tensors(_shapes(weights)))
    kind = None if identity.kind == UNKNOWN else find_kind(identity.kind)
    if kind is None:
        return None
    loader = kind.loaders[0] if identity.families and not _controlnext_base(identity.families) else _loader_of(kind)
    article = "an" if kind.title[0] in "AEIOUaeiou" else "a"
    return _NAMES.get(kind.id, f"{article} {kind.title}"), _NODES.get(loader, f"the node {loader}")


def _loader_of(kind: Kind) -> str:
    return "ArmatureApplyControlNeXtWeights" if _NAMES.get(kind.id) == UNET else kind.loaders[0]


def _controlnext_base(families: tuple[str, ...]) -> bool:
    """Whether ControlNeXt's weights may be for these families: a whole UNet of them can be such weights."""
    return bool(set(families) & set(UNETS))


def told_kind(file_name: str, weights: Mapping[str, Any], wanted: str, instead: str) -> str:
    """'The file … holds a LoRA, not a control net. Load it with …, and …' for an error; wanted: what it was taken for."""
    kind, node = kind_of(weights) or ("nothing that is known", "the node it was made for")
    return f"The file '{file_name}' holds {kind}, not {wanted}. Load it with {node}, and {instead}"


def _shapes(weights: Mapping[str, Any] | Iterable[str]) -> dict[str, tuple[int, ...]]:
    if isinstance(weights, Mapping):
        return {str(name): tuple(getattr(value, "shape", value)) for name, value in weights.items()}
    return dict.fromkeys(weights, ())


def describe_keys(keys: Iterable[str]) -> str:
    """A few key names for an error text."""
    names = sorted(keys)
    return ", ".join(names[:4]) + (", …" if len(names) > 4 else "") if names else "none"
