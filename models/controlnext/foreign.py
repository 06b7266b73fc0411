"""Naming a file that is not what it was taken for, and the node that would load it."""

from __future__ import annotations

from collections.abc import Iterable

from .state_dicts import control_prefixes, looks_like_unet

UNET = "UNet weights"
CHECKPOINT = "a whole checkpoint"

# (what the file is, which node loads it, the parts of key names that give it away); the first match counts, and
# control nets come before UNets because they carry UNet blocks.
_SIGNS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "a ControlNet",
        "the host's Load ControlNet Model node (ControlNetLoader)",
        (
            "controlnet_cond_embedding.",
            "zero_convs.",
            "control_model.",
            "controlnet_blocks.",
            "controlnet_down_blocks.",
            "lora_controlnet",
            "input_hint_block.",
        ),
    ),
    ("a T2I-Adapter", "the host's Load ControlNet Model node (ControlNetLoader)", ("adapter.body.", "body.0.")),
    ("an IP-Adapter", "Load IP-Adapter (ArmatureLoadIPAdapter)", ("ip_adapter.", "image_proj.")),
    (
        "a LoRA",
        "the host's Load LoRA node (LoraLoader)",
        ("lora_unet_", ".lora_up.", ".lora_down.", ".lora_A.", ".lora_B."),
    ),
    (
        CHECKPOINT,
        "the host's Load Checkpoint node (CheckpointLoaderSimple)",
        ("first_stage_model.", "cond_stage_model.", "conditioner.embedders."),
    ),
    ("a VAE", "the host's Load VAE node (VAELoader)", ("decoder.conv_in.",)),
)


def kind_of(keys: Iterable[str]) -> tuple[str, str] | None:
    """(what a file is, the node that loads it) for files that are no ControlNeXt control file; None when unknown."""
    names = tuple(keys)
    for kind, node, signs in _SIGNS:
        if any(sign in name for name in names for sign in signs):
            return kind, node
    if looks_like_unet(names):
        return UNET, "Apply ControlNeXt Weights (ArmatureApplyControlNeXtWeights)"
    if control_prefixes(names):
        return "a ControlNeXt control file", "Load ControlNeXt (ArmatureLoadControlNeXt)"
    return None


def describe_keys(keys: Iterable[str]) -> str:
    """A few key names for an error text."""
    names = sorted(keys)
    return ", ".join(names[:4]) + (", …" if len(names) > 4 else "") if names else "none"
