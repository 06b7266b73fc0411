"""DoRA: how far the host's arithmetic is from the paper's for a file, measured on the model that it meets.

The paper (arXiv 2402.09353, equation 5) and PEFT scale the direction of the changed weight, m (W + BA) / |W + BA|. The host
divides by the norm of the weight before the change, m (W + BA) / |W|, where the magnitudes are those of the outputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import comfy.lora
import torch

from .matching import Matched, Target

# Of the magnitudes in an adapter's weights, by the host's names.
_PLACES = {"lora": 4, "loha": 7, "lokr": 8, "glora": 5}
_MOST_LAYERS = 4  # that are measured; more tell no more
_SAME = 5e-4


@dataclass(frozen=True)
class Difference:
    """share: length of what the host computes otherwise, of the whole change by the paper's formula; over so many layers."""

    share: float
    layers: int

    def __str__(self) -> str:
        measured = f"measured on {self.layers} layers of this model"
        if self.layers and self.share < _SAME:
            return f"ComfyUI computes it here as the paper and PEFT do ({self.share:.1%} apart, {measured})"
        told = "ComfyUI divides by the norm of the model's weights, the paper and PEFT by that of the changed ones"
        if self.layers:
            return f"{told}. That makes {self.share:.1%} of the change at strength 1 ({measured})"
        return f"{told}. That makes 1 to 50 percent of the change, by its size; it could not be measured on this model"


def difference_to_paper(matched: Matched, model: Any, clip: Any) -> Difference | None:
    """How far the host is from the paper with a file's DoRA layers, on a MODEL and a CLIP (or None); None without such layers."""
    layers = [
        (patcher, target, patch)
        for patcher, patches in ((model, matched.network), (getattr(clip, "patcher", None), matched.text))
        for target, patch in patches.items()
        if _magnitudes(patch) is not None
    ]
    if not layers:
        return None
    apart = change = 0.0
    measured = 0
    for base, patch in _bases(layers[:: -(-len(layers) // _MOST_LAYERS)]):
        host, paper = _by_the_host(patch, base), _by_the_paper(patch, base)
        apart += float((host - paper).square().sum())
        change += float((paper - base).square().sum())
        measured += 1
    return Difference((apart / change) ** 0.5 if change else 0.0, measured)


def _magnitudes(patch: Any) -> torch.Tensor | None:
    place = _PLACES.get(getattr(patch, "name", ""))
    return None if place is None else patch.weights[place]


def _bases(layers: list[tuple[Any, Target, Any]]) -> Iterator[tuple[torch.Tensor, Any]]:
    """(weight without patches in float32 on the CPU, patch) of each layer.

    Layers whose weights stay packed are left out: other packs' loaders have forms of their own, which only they can unpack.
    """
    known: dict[int, Mapping[str, Any]] = {}
    for patcher, target, patch in layers:
        key, part = (target, None) if isinstance(target, str) else (target[0], target[1])
        if id(patcher) not in known:
            known[id(patcher)] = patcher.get_key_patches()
        weight, convert = known[id(patcher)][key][0]
        base = convert(weight.detach().to(device="cpu", dtype=torch.float32), inplace=False)
        if type(base) is torch.Tensor:
            yield (base if part is None else base.narrow(*part)), patch


def _by_the_host(patch: Any, base: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return comfy.lora.calculate_weight([(1.0, patch, 1.0, None, None)], base.clone(), "")


def _by_the_paper(patch: Any, base: torch.Tensor) -> torch.Tensor:
    place = _PLACES[patch.name]
    plain = type(patch)(patch.loaded_keys, tuple(chain(patch.weights[:place], [None], patch.weights[place + 1 :])))
    changed, magnitudes = _by_the_host(plain, base), patch.weights[place].float().cpu()
    axis = 0 if magnitudes.shape[0] == changed.shape[0] else 1
    over = [dimension for dimension in range(changed.ndim) if dimension != axis]
    return magnitudes * changed / changed.square().sum(over, keepdim=True).sqrt()
