"""Which tensors of a LoRA find a weight in a model, and which do not and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import comfy.lora
import comfy.lora_convert
import torch

from ..files.identity import Shape, shapes_of
from .key_names import is_of_text, layer_of, with_known_names
from .lora_file import LoRAFile

# Whether a change that a name promises has the size of the weight that it is for.


def fits(patch: Any, shape: Shape) -> bool:
    """Whether a patch of the host (an adapter, or a tuple of kind and tensors) can be added to a weight of this shape.

    A LoRA for SD1.5 finds most of its names in SD2 and many in SDXL, so names alone say nothing. Kinds whose size follows
    from more than their tensors' shapes count as fitting; the host checks them when it loads.
    """
    if isinstance(patch, tuple):
        return patch[0] not in ("diff", "set") or tuple(patch[1][0].shape) == shape
    check = _CHECKS.get(getattr(patch, "name", ""))
    return check is None or check(patch.weights, shape)


def _size(shape: Shape) -> int:
    return int(torch.Size(shape).numel())


def _lora(weights: Any, shape: Shape) -> bool:
    up, down, _alpha, middle, _dora, reshape = weights
    if reshape is not None:
        return True
    kernel = 1 if middle is None else _size(tuple(middle.shape[2:]))
    rows, columns = up.shape[0], down.flatten(1).shape[1]
    return rows == shape[0] and rows * columns * kernel == _size(shape)


def _loha(weights: Any, shape: Shape) -> bool:
    first, second, middle = weights[0], weights[1], weights[5]
    if middle is not None:
        return first.shape[1] * second.shape[1] * _size(tuple(middle.shape[2:])) == _size(shape)
    return first.shape[0] == shape[0] and first.shape[0] * second.flatten(1).shape[1] == _size(shape)


def _lokr(weights: Any, shape: Shape) -> bool:
    first, second, _alpha, first_a, first_b, second_a, second_b, middle = weights[:8]
    left = first.numel() if first is not None else first_a.shape[0] * first_b.flatten(1).shape[1]
    if second is not None:
        return left * second.numel() == _size(shape)
    if middle is not None:
        return left * second_a.shape[1] * second_b.shape[1] * _size(tuple(middle.shape[2:])) == _size(shape)
    return left * second_a.shape[0] * second_b.flatten(1).shape[1] == _size(shape)


_CHECKS: dict[str, Callable[[Any, Shape], bool]] = {"lora": _lora, "loha": _loha, "lokr": _lokr}


Target = Any  # a model key, or (key, part of the weight)


@dataclass(frozen=True, eq=False)
class Matched:
    """patches: the host's, by model key, of the network and of the text encoder, fitting ones only.

    total: tensors in the file that were to be placed; used: of these. misfits, unknown, without_clip: names of layers that
    have another shape, that the model lacks, and that are for a text encoder which is not there; waiting: tensors of the last.
    """

    file: LoRAFile
    network: Mapping[Target, Any]
    text: Mapping[Target, Any]
    total: int
    used: int
    misfits: tuple[str, ...]
    unknown: tuple[str, ...]
    without_clip: tuple[str, ...]
    waiting: int = 0

    @property
    def share(self) -> float:
        """Share of the tensors that are used, 0..1; those for a text encoder that is not linked do not count."""
        return self.used / self.total if self.total else 0.0

    @property
    def share_with_clip(self) -> float:
        """The same where a text encoder were linked that all layers for it fit."""
        everything = self.total + self.waiting
        return (self.used + self.waiting) / everything if everything else 0.0


def match(file: LoRAFile, model: Any, clip: Any = None) -> Matched:
    """Look for every layer of a LoRA in a MODEL and, where there is one, a CLIP."""
    names = comfy.lora.model_lora_keys_unet(model.model, {})
    text_names = {} if clip is None else comfy.lora.model_lora_keys_clip(clip.cond_stage_model, {})
    known = {**names, **text_names}
    weights = with_known_names(comfy.lora_convert.convert_lora(file.weights), known, file.metadata)
    patches = comfy.lora.load_lora(weights, known, log_missing=False)  # what it would log is in our report
    shapes = shapes_of(model.model.state_dict())
    shapes |= {} if clip is None else shapes_of(clip.cond_stage_model.state_dict())
    fitting = {target: patch for target, patch in patches.items() if fits(patch, _shape(target, shapes))}
    misplaced = {str(_key(target)) for target in patches if target not in fitting}
    texts = set(text_names.values())
    by_layer: dict[str, list[str]] = {}
    for key in weights:
        by_layer.setdefault(layer_of(key), []).append(key)
    misfits = tuple(layer for layer in by_layer if layer in known and str(_key(known[layer])) in misplaced)
    unknown = tuple(layer for layer in by_layer if layer not in known)
    without_clip = tuple(layer for layer in unknown if clip is None and is_of_text(layer))
    lost = {*misfits, *unknown}
    total = sum(len(keys) for layer, keys in by_layer.items() if layer not in without_clip)
    return Matched(
        file,
        {target: patch for target, patch in fitting.items() if target not in texts},
        {target: patch for target, patch in fitting.items() if target in texts},
        total,
        sum(len(keys) for layer, keys in by_layer.items() if layer not in lost),
        misfits,
        tuple(layer for layer in unknown if layer not in without_clip),
        without_clip,
        sum(len(by_layer[layer]) for layer in without_clip),
    )


def _key(target: Target) -> str:
    return target if isinstance(target, str) else target[0]


def _shape(target: Target, shapes: Mapping[str, Shape]) -> Shape:
    """Of the weight, or of the part of it that is meant: (dimension, start, length)."""
    shape = shapes.get(_key(target), ())
    if isinstance(target, str) or target[1] is None:
        return shape
    dimension, _, length = target[1]
    return (*shape[:dimension], length, *shape[dimension + 1 :])
