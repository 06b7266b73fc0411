"""From a control file to a CONTROL_NET."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import comfy.ops
import comfy.utils
import torch

from ..files.identity import shapes_of
from ..files.layouts.controlnext import Layout, Mismatch, control_part, control_prefixes, detect
from ..files.reading import read_state_dict, refuse_non_finite
from ..files.wrong_kind import describe_keys, kind_of, told_kind
from .control import ControlNeXt
from .cross_normalization import FORMS, Form
from .module import ControlNeXtModule
from .network import ControlNeXtNetwork
from .variants import AUTO, candidates

_STORED = (torch.float32, torch.float16, torch.bfloat16)


def load_controlnext(path: str | Path, variant: str = AUTO, form: Form = "code") -> ControlNeXt:
    """Read a control file (safetensors, or a weights-only torch file) into a CONTROL_NET.

    variant: one of `variants.SETTINGS`; with "auto" the file's layout and the base model decide when sampling starts.
    form: of Cross Normalization, see `cross_normalization`. Raises ValueError for anything that is no ControlNeXt
    control file, is damaged, or contradicts `variant`.
    """
    return control_from_state_dict(read_state_dict(path), Path(path).name, variant, form)


def control_from_state_dict(
    state_dict: Mapping[str, torch.Tensor], file_name: str, variant: str = AUTO, form: Form = "code"
) -> ControlNeXt:
    """The same from tensors in memory; `file_name` is used in messages."""
    if form not in FORMS:
        raise ValueError(f"Cross Normalization has no form '{form}'. Choose one of: {', '.join(FORMS)}.")
    weights = _control_weights(state_dict, file_name)
    layout = _layout(weights, file_name)
    open_variants = candidates(layout, variant, file_name)
    for key, value in weights.items():
        refuse_non_finite(file_name, key, value)
    stored = comfy.utils.weight_dtype(weights)
    module = ControlNeXtModule(layout, comfy.ops.manual_cast, stored if stored in _STORED else torch.float32)
    module.load_state_dict(weights)
    return ControlNeXt(ControlNeXtNetwork(module.eval(), file_name, variant, open_variants), form)


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
