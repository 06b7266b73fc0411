"""From a control file to a CONTROL_NET."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import comfy.ops
import comfy.utils
import torch

from ..files.identity import shapes_of
from ..files.layouts.controlnext import (
    Layout,
    Mismatch,
    control_part,
    control_prefixes,
    detect,
    has_zero_convolution,
)
from ..files.layouts.controlnext_metadata import agreeing
from ..files.reading import read_state_dict, refuse_non_finite
from ..files.trained import Trained, of_file
from ..files.wrong_kind import describe_keys, kind_of, told_kind
from .addition import ADDITIONS, DEFAULT, LAST, OF_TRAINED, Addition, fold_zero_convolution
from .control import ControlNeXt
from .module import ControlNeXtModule
from .network import ControlNeXtNetwork
from .variants import AUTO, candidates, told_variants

_STORED = (torch.float32, torch.float16, torch.bfloat16)


def load_controlnext(path: str | Path, variant: str = AUTO, addition: Addition = DEFAULT) -> ControlNeXt:
    """Read a control file (safetensors, or a weights-only torch file) into a CONTROL_NET.

    variant: one of `variants.SETTINGS`; with "auto" the file's metadata decide, or else its layout and the base model when
    sampling starts. addition: see `addition`; the file's metadata and its zero convolution come before "code", and what else is
    chosen before them. The result's `told` says where a choice contradicts the file. Raises ValueError for anything that is no
    ControlNeXt control file, is damaged, or contradicts `variant`.
    """
    return control_from_state_dict(read_state_dict(path), Path(path).name, variant, addition, of_file(path))


def control_from_state_dict(
    state_dict: Mapping[str, torch.Tensor],
    file_name: str,
    variant: str = AUTO,
    addition: Addition = DEFAULT,
    trained: Trained | None = None,
) -> ControlNeXt:
    """The same from tensors in memory; `file_name` is used in messages. trained: what the file says of itself."""
    if addition not in ADDITIONS:
        raise ValueError(f"cross_normalization has no form '{addition}'. Choose one of: {', '.join(ADDITIONS)}.")
    weights = _control_weights(state_dict, file_name)
    layout = _layout(weights, file_name)
    says = agreeing(trained or Trained(), layout, has_zero_convolution(weights))
    allowed = candidates(layout, variant, file_name)
    left = told_variants(allowed, variant, says)
    for key, value in weights.items():
        refuse_non_finite(file_name, key, value)
    module = _module(layout, weights)
    told = ("" if left else _told_variant(variant, says), _told_addition(addition, says))
    if addition == DEFAULT:
        addition = OF_TRAINED.get(says.addition, DEFAULT)
    network = ControlNeXtNetwork(module, file_name, variant, left or allowed)
    return ControlNeXt(network, addition, tuple(filter(None, told)))


def _module(layout: Layout, weights: dict[str, torch.Tensor]) -> ControlNeXtModule:
    stored = comfy.utils.weight_dtype(weights)
    is_folded = fold_zero_convolution(weights)
    module = ControlNeXtModule(layout, comfy.ops.manual_cast, stored if stored in _STORED else torch.float32)
    if is_folded:
        module.get_submodule(LAST).float()
    module.load_state_dict(weights)
    return module.eval()


def _told_variant(setting: str, says: Trained) -> str:
    """That a variant chosen by hand is not the file's own."""
    return (
        f"variant is set to '{setting}', but the file says that it was trained as {says.variant or says.base}. Set variant to "
        "auto, unless this is on purpose."
    )


def _told_addition(chosen: Addition, says: Trained) -> str:
    """That an addition chosen by hand is not the one that the file was trained with."""
    if chosen == DEFAULT or not says.addition or OF_TRAINED[says.addition] == chosen:
        return ""
    return (
        f"cross_normalization is set to '{chosen}', but the file was trained with {says.addition}. Set it to {DEFAULT}, which "
        "takes what the file was trained with, unless this is on purpose."
    )


def _control_weights(state_dict: Mapping[str, torch.Tensor], file_name: str) -> dict[str, torch.Tensor]:
    prefixes = control_prefixes(state_dict)
    if len(prefixes) > 1:
        raise ValueError(
            f"The file '{file_name}' holds {len(prefixes)} control networks, under {', '.join(map(repr, prefixes))}. "
            "Save the one that is wanted to a file of its own."
        )
    if prefixes:
        weights = control_part(state_dict, prefixes[0])
        if "scale" in weights and weights["scale"].numel() == 1:
            weights["scale"] = weights["scale"].reshape(())
        return weights
    if kind_of(state_dict) is None:
        raise ValueError(
            f"The file '{file_name}' is no ControlNeXt control file: it has none of its keys (its keys: "
            f"{describe_keys(state_dict)}). Choose the control file, often named controlnet.safetensors or controlnext.bin."
        )
    instead = "choose a ControlNeXt control file here."
    raise ValueError(told_kind(file_name, state_dict, "a ControlNeXt control network", instead))


def _layout(weights: Mapping[str, torch.Tensor], file_name: str) -> Layout:
    layout = detect(shapes_of(weights))
    if isinstance(layout, Mismatch):
        raise ValueError(
            f"The ControlNeXt file '{file_name}' has a layout that is not known: {layout}. "
            "It is incomplete or was trained with changed code; choose a published or unchanged control file."
        )
    return layout
