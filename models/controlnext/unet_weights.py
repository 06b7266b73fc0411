"""Applying the fine-tuned part of the base, mostly a UNet, that comes with a ControlNeXt control file."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch

from ..files.families import family_of_host_class, titles
from ..files.fingerprint import fingerprint
from ..files.identify import identify_tensors
from ..files.identity import Tensors, shapes_of
from ..files.layouts.controlnext import unet_part
from ..files.reading import read_state_dict, refuse_non_finite
from ..files.trained import Trained, of_file, told_problems
from ..files.wrong_kind import CHECKPOINT, UNET, describe_keys, kind_of, told_kind
from .key_map import MODEL_PREFIX, KeyMap, map_keys
from .unet_report import FORMATS, KINDS, Comparison, Format, Kind, Overlap, WeightsReport, compare, sample

_ATTACHMENT = "armature_controlnext_weights"
_KINDS: Mapping[str, Kind] = {kind: kind for kind in KINDS}


def apply_weights_file(
    model: Any, name: str, folders: tuple[str, ...], strength: float = 1.0, format: Format = "auto"
) -> tuple[Any, WeightsReport]:
    """`apply_unet_weights` of a file by its name in one of the host's model folders. Raises ValueError when missing."""
    import folder_paths

    found = (folder_paths.get_full_path(folder, name) for folder in folders)
    path = next((path for path in found if path is not None), None)
    if path is None:
        raise ValueError(
            f"There is no file '{name}' in the model folders {' and '.join(folders)}. "
            "Put it there and refresh the page (key R), or choose another."
        )
    return apply_unet_weights(model, load_unet_weights(path), strength, format, name, of_file(path))


def load_unet_weights(path: str | Path) -> dict[str, torch.Tensor]:
    """The UNet's part of a weight file, keys as they stand there. Raises ValueError for unreadable files."""
    return _unet_weights(read_state_dict(path), Path(path).name)


def apply_unet_weights(
    model: Any,
    state_dict: Mapping[str, torch.Tensor],
    strength: float = 1.0,
    format: Format = "auto",
    file_name: str = "weights",
    trained: Trained | None = None,
) -> tuple[Any, WeightsReport]:
    """(patched clone, report) of a MODEL (ModelPatcher) and a fine-tuned part of its UNet.

    state_dict: full weights or differences to the base, under diffusers or LDM names. trained: what the file says of itself.
    format: "auto" takes what it says, or decides by comparison with the model. Patched weight = base + strength * difference,
    where the difference of full weights is taken to the model's unpatched weights; LoRAs before or after it therefore add up
    in any order.

    Raises ValueError when fewer than half of the keys have a place in the model, a shape differs, a weight is NaN or
    infinite, or the format can not be decided.
    """
    if format not in FORMATS:
        raise ValueError(f"format '{format}' is unknown. Choose one of: {', '.join(FORMATS)}.")
    if not math.isfinite(strength):
        raise ValueError(
            f"The strength of the ControlNeXt weights '{file_name}' is {strength}. Choose a finite number."
        )
    weights = _unet_weights(state_dict, file_name)
    base = model.get_key_patches(MODEL_PREFIX)
    mapped = map_keys(weights, _unet_config(model), base)
    says = trained or Trained()
    _refuse_misfits(weights, mapped, base, model, file_name, says.base)
    told = _KINDS.get(says.format)
    kind, comparison = (told, None) if told and format == "auto" else _kind(weights, mapped, base, format, file_name)
    changes = _changes(weights, mapped, base, kind)
    unchanged = tuple(target for target in mapped.found.values() if target not in changes)
    if strength == 0.0:
        changes = {}
    clone = model.clone()
    clone.add_patches({key: ("diff", (change,)) for key, change in changes.items()}, strength)
    _remember(clone, file_name, tuple(changes))
    report = WeightsReport(
        file_name,
        kind,
        comparison,
        strength,
        total=len(weights),
        applied=tuple(changes),
        unchanged=unchanged,
        left_out=mapped.unknown,
        overlaps=_overlaps(model, changes),
        told=told,
        problems=told_problems(says.problems),
        other_base=_is_other_base(model, says.base_hash),
    )
    return clone, report


def _is_other_base(model: Any, trained_on: str) -> bool:
    """Whether weights were surely trained over other ones than the model's; False where that cannot be told.

    Weights that a LoRA is worked into at the moment, and those that the host has not read yet, cannot be compared.
    """
    if not trained_on or getattr(model.model, "current_weight_patches_uuid", None) is not None:
        return False
    network = model.model.diffusion_model
    if any(value.is_meta for value in network.state_dict().values()):
        return False
    return fingerprint(network) != trained_on


def _unet_weights(state_dict: Mapping[str, torch.Tensor], file_name: str) -> dict[str, torch.Tensor]:
    weights = unet_part(state_dict)
    if weights and (len(weights) < len(state_dict) or not _is_another_kind(weights)):
        return weights
    wanted = "the fine-tuned UNet weights of a ControlNeXt model"
    instead = "choose the UNet file here (often named unet.safetensors or unet_weight_increasements.safetensors)."
    raise ValueError(told_kind(file_name, state_dict, wanted, instead))


def _is_another_kind(weights: Mapping[str, torch.Tensor]) -> bool:
    known = kind_of(weights)
    return known is not None and known[0] not in (UNET, CHECKPOINT)


def _unet_config(model: Any) -> Mapping[str, Any]:
    return getattr(getattr(model.model, "model_config", None), "unet_config", None) or {}


def _base_weight(entry: list[Any]) -> torch.Tensor:
    """The unpatched weight of an entry of the host's `get_key_patches`, in float32 on the CPU."""
    weight, convert = entry[0]
    return convert(weight.to(device="cpu", dtype=torch.float32), inplace=False)


def _refuse_misfits(
    weights: Mapping[str, torch.Tensor],
    mapped: KeyMap,
    base: Mapping[str, list[Any]],
    model: Any,
    file_name: str,
    told: str,
) -> None:
    name = type(model.model).__name__
    if 2 * len(mapped.found) < len(weights):
        raise ValueError(
            f"Only {len(mapped.found)} of the {len(weights)} keys in '{file_name}' have a place in the model ({name}); "
            f"without one: {describe_keys(mapped.unknown)}. {_made_for(weights, model, told)}"
        )
    for key, target in mapped.found.items():
        refuse_non_finite(file_name, key, weights[key])
        expected, actual = tuple(base[target][0][0].shape), tuple(weights[key].shape)
        if actual != expected:
            raise ValueError(
                f"The weight {key} in '{file_name}' has shape {list(actual)}, but the model ({name}) has {list(expected)} "
                f"there ({target}). {_made_for(weights, model, told)}"
            )


def _made_for(weights: Mapping[str, torch.Tensor], model: Any, told: str) -> str:
    """What to do, by the family that the weights themselves tell, or what the file does."""
    made_for = identify_tensors(Tensors(shapes_of(weights))).families or ((told,) if told else ())
    base = family_of_host_class(type(model.model.model_config).__name__)
    if not made_for or base.id in made_for:
        return "They were made for another model. Load the checkpoint that they were trained on."
    family = titles(made_for)
    return f"They were made for {family}. Load a checkpoint for {family}, or choose the weights for {base.title}."


def _kind(
    weights: Mapping[str, torch.Tensor], mapped: KeyMap, base: Mapping[str, list[Any]], format: Format, file_name: str
) -> tuple[Kind, Comparison | None]:
    if format != "auto":
        return format, None
    comparison = compare(
        (weights[key].cpu(), _base_weight(base[mapped.found[key]])) for key in sample(list(mapped.found))
    )
    if comparison.kind is None:
        raise ValueError(
            f"It cannot be told whether '{file_name}' holds full weights or differences to them ({comparison}). "
            "Set format to full or delta; the page that offers the file should say which it is."
        )
    return comparison.kind, comparison


def _changes(
    weights: Mapping[str, torch.Tensor], mapped: KeyMap, base: Mapping[str, list[Any]], kind: Kind
) -> dict[str, torch.Tensor]:
    """Model key -> difference to add, without those that are zero."""
    changes = {}
    for key, target in mapped.found.items():
        change = weights[key] if kind == "delta" else _difference(weights[key], base[target])
        if bool(change.any()):
            changes[target] = change
    return changes


def _difference(full: torch.Tensor, entry: list[Any]) -> torch.Tensor:
    """full - base, stored no wider than the two: a whole video UNet in float32 would take 6 GB."""
    stored = torch.promote_types(_at_least_half(full.dtype), _at_least_half(entry[0][0].dtype))
    return (full.to(device="cpu", dtype=torch.float32) - _base_weight(entry)).to(stored)


def _at_least_half(dtype: torch.dtype) -> torch.dtype:
    return dtype if dtype in (torch.float16, torch.bfloat16, torch.float32) else torch.float32


def _overlaps(model: Any, applied: Collection[str]) -> tuple[Overlap, ...]:
    pairs = ((name, tuple(key for key in keys if key in applied)) for name, keys in _remembered(model))
    return tuple(Overlap(name, common) for name, common in pairs if common)


def _remembered(model: Any) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return model.attachments.get(_ATTACHMENT, ())


def _remember(clone: Any, file_name: str, applied: tuple[str, ...]) -> None:
    """Note on the clone which layers the file changed, for the report of the next one; a new tuple, not a shared list."""
    clone.set_attachments(_ATTACHMENT, (*_remembered(clone), (file_name, applied)))
