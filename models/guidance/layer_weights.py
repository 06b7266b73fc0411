"""A factor per layer of the network, by name, and for each half of the guidance."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from ...preprocessors.images.checks import check_choice, check_range
from .soft_weights import RULES, Network, by_distance, guess_mode, webui

# The residuals of a control net by the names that people use for the layers of a network.
#
# A control net hands the host up to three lists of residuals (`input`, `middle`, `output`). Where a residual goes, and so
# what it is called, follows from the list, from its place there and from its shape:
#
# - UNets, ControlNet: `output[i]` is made by the copy of input block i and added to the skip connection that output block n-1-i
#   takes up, so it answers to both names, `input.i` and `output.(n-1-i)`.
# - UNets, T2I-Adapter: the list `input` is taken from its end, one for each input block.
# - Transformers: `input[i]` is added behind double block i and `output[i]` behind single block i (Flux). Where there is but
#   one list (SD3, Qwen-Image, Hunyuan-DiT), it is that of the blocks.

FAMILIES: dict[str, str] = {
    "input": "input blocks of a UNet (IN00, IN01, ...), fine to coarse",
    "middle": "middle block of a UNet",
    "output": "output blocks of a UNet (OUT00, OUT01, ...), coarse to fine",
    "level": "resolution levels of a UNet; level.0 is the full latent, each next one half of it",
    "double": "double blocks of Flux",
    "single": "single blocks of Flux",
    "block": "blocks of SD3, Qwen-Image and Hunyuan-DiT",
}

Place = tuple[str, int]


@dataclass(frozen=True)
class Layer:
    """One residual. place: the host's list and the index there; names: what it may be called, the usual name first.

    distance: how many layers lie between it and the one that acts most on the layout (0), for soft weights; network: what
    it belongs to, for rules that have a list for it.
    """

    place: Place
    names: tuple[str, ...]
    distance: float
    network: Network = "other"


def layers_of(residuals: Mapping[str, Sequence[torch.Tensor | None]], latent_height: int) -> tuple[Layer, ...]:
    """The residuals of one call by name, from the fine (or first) to the coarse (or last); empty places are left out."""
    tokens = any(one.ndim == 3 for group in residuals.values() for one in group if one is not None)
    return _transformer(residuals) if tokens else _unet(residuals, latent_height)


def described(layers: Iterable[Layer]) -> str:
    """The names that a net has, for messages: "input.0 to input.3, middle, ..."."""
    numbers: dict[str, list[int]] = {}
    for name in (name for layer in layers for name in layer.names):
        family, _, number = name.partition(".")
        numbers.setdefault(family, []).extend([int(number)] if number else [])
    return ", ".join(_range(family, found) for family, found in numbers.items())


def _range(family: str, numbers: list[int]) -> str:
    if not numbers:
        return family
    low, high = min(numbers), max(numbers)
    return f"{family}.{low}" if low == high else f"{family}.{low} to {family}.{high}"


def _unet(residuals: Mapping[str, Sequence[torch.Tensor | None]], latent_height: int) -> tuple[Layer, ...]:
    places: list[tuple[Place, tuple[str, ...]]] = []
    skips, additions = residuals.get("output", ()), residuals.get("input", ())
    for index, residual in enumerate(skips):
        if residual is not None:
            names = (f"input.{index}", f"output.{len(skips) - 1 - index}", _level(residual, latent_height))
            places.append((("output", index), names))
    for index in reversed(range(len(additions))):
        residual = additions[index]
        if residual is not None:
            names = (f"input.{len(additions) - 1 - index}", _level(residual, latent_height))
            places.append((("input", index), names))
    places += [(("middle", i), ("middle",)) for i, one in enumerate(residuals.get("middle", ())) if one is not None]
    network: Network = "adapter" if any(group == "input" for (group, _), _ in places) else "controlnet"
    return tuple(Layer(place, names, len(places) - 1 - rank, network) for rank, (place, names) in enumerate(places))


def _level(residual: torch.Tensor, latent_height: int) -> str:
    return f"level.{max(0, round(math.log2(latent_height / residual.shape[-2])))}"


# The twelve layers of an SD1.5 ControlNet above its middle: the span that soft weights were made for.
_SPAN = 12


def _transformer(residuals: Mapping[str, Sequence[torch.Tensor | None]]) -> tuple[Layer, ...]:
    """The first blocks settle the layout, so the distance grows with depth; over the whole network it is that of SD1.5."""
    groups = [group for group in ("input", "output") if any(one is not None for one in residuals.get(group, ()))]
    families = dict(zip(groups, ("double", "single") if len(groups) == 2 else ("block",), strict=False))
    found = [
        ((group, index), (f"{families[group]}.{index}",))
        for group in groups
        for index, residual in enumerate(residuals[group])
        if residual is not None
    ]
    last = max(1, len(found) - 1)
    return tuple(Layer(place, names, _SPAN * rank / last) for rank, (place, names) in enumerate(found))


MAXIMUM = 10.0

_ENTRY = re.compile(r"([a-z]+)(?:\.(\d+)(?:\s*-\s*(\d+))?)?\s*:\s*(\S+)")
_HELP = (
    'Write entries as name: factor, for example "input.0-2: 0.5, middle: 1, output: 0.8". '
    f"The names are {', '.join(FAMILIES)}, each alone, with a number (input.3) or a range (input.0-2); middle has no number."
)


@dataclass(frozen=True)
class LayerEntry:
    """A factor for the layers of one family, all of them or those from first to last."""

    family: str
    first: int | None
    last: int | None
    factor: float

    def names(self, layer: Layer) -> bool:
        """Whether this entry names the layer."""
        return any(self._matches(name) for name in layer.names)

    def _matches(self, name: str) -> bool:
        family, _, number = name.partition(".")
        if family != self.family:
            return False
        return self.first is None or self.last is None or self.first <= int(number or 0) <= self.last

    def __str__(self) -> str:
        if self.first is None:
            return self.family
        return f"{self.family}.{self.first}" + ("" if self.first == self.last else f"-{self.last}")


@dataclass(frozen=True)
class LayerWeights:
    """Factors per layer and per half.

    entries: a layer's factor is the product of all entries that name it, 1 where none does. soft: the ratio of soft weights,
    which multiply onto that; rule: how they are spread (see `soft_weights`), where guess_mode needs no ratio. conditional,
    unconditional: factor on the half of the batch that follows the prompt and on the half that follows the negative prompt.
    """

    entries: tuple[LayerEntry, ...] = ()
    soft: float | None = None
    conditional: float = 1.0
    unconditional: float = 1.0
    rule: str = "distance"

    def __post_init__(self) -> None:
        check_choice("Layer weights, rule", self.rule, RULES)
        check_range("Layer weights, conditional", self.conditional, 0.0, MAXIMUM)
        check_range("Layer weights, unconditional", self.unconditional, 0.0, MAXIMUM)
        if self.soft is not None:
            check_range("Layer weights, ratio", self.soft, 0.0, 1.0)

    @staticmethod
    def from_text(text: str) -> LayerWeights:
        """Read "input.0-2: 0.5, middle: 1"; empty text names no layer. ValueError for a name that no network has."""
        parts = [part.strip().lower() for part in text.replace("\n", ",").split(",")]
        return LayerWeights(tuple(_entry(part) for part in parts if part))

    @property
    def acts_on_layers(self) -> bool:
        """Whether any layer gets another factor than 1."""
        return bool(self.entries) or self.rule == "guess_mode" or self.soft not in (None, 1.0)

    def half(self, chunk: int) -> float:
        """Factor of a chunk of the host's batch; 0 marks the prompt's, anything else the negative prompt's."""
        return self.conditional if chunk == 0 else self.unconditional

    def factors(self, layers: Sequence[Layer], who: str, pooled: bool = False) -> dict[Place, float]:
        """The factor of each layer; ValueError that lists the net's layers when an entry names none of them.

        pooled: whether the net averages its residuals over the picture (Shuffle); diffusers does not soften such nets in
        guess mode.
        """
        for entry in self.entries:
            if not any(entry.names(layer) for layer in layers):
                raise ValueError(
                    f'{who}: its layer weights name "{entry}", which it does not have. '
                    f"It has {described(layers)}. Change the text of Layer Weights."
                )
        softened = self._softened(layers, pooled)
        return {layer.place: self._named(layer) * soft for layer, soft in zip(layers, softened, strict=True)}

    def _named(self, layer: Layer) -> float:
        return math.prod(entry.factor for entry in self.entries if entry.names(layer))

    def _softened(self, layers: Sequence[Layer], pooled: bool) -> list[float]:
        distances = [layer.distance for layer in layers]
        if self.rule == "guess_mode" and not pooled:
            return guess_mode(distances)
        if self.soft is None or not layers:
            return [1.0] * len(layers)
        if self.rule == "webui":
            return webui(layers[0].network, distances, self.soft)
        return by_distance(distances, self.soft)


# Name: (rule of the soft weights, conditional, unconditional). The first four are those of 0.1.0 and stay as they are; the
# next two are control modes of the ControlNet extension for the WebUI, family by family as it has them. It softens in both,
# and in the second it leaves the negative half alone (`scripts/controlnet.py`, soft_injection and cfg_injection).
PRESETS: dict[str, tuple[str | None, float, float]] = {
    "none": (None, 1.0, 1.0),
    "favour_prompt": ("distance", 1.0, 1.0),
    "favour_control": ("distance", 1.0, 0.0),
    "conditional_only": (None, 1.0, 0.0),
    "my_prompt_is_more_important": ("webui", 1.0, 1.0),
    "controlnet_is_more_important": ("webui", 1.0, 0.0),
    "guess_mode": ("guess_mode", 1.0, 0.0),
}


def make_layer_weights(
    preset: str, ratio: float, layers: str, conditional: float = 1.0, unconditional: float = 1.0
) -> LayerWeights:
    """Layer weights of a preset, times what the text and the two factors say; guess_mode has no use for the ratio."""
    check_choice("Layer weights, input preset", preset, PRESETS)
    rule, first, second = PRESETS[preset]
    return replace(
        LayerWeights.from_text(layers),
        soft=None if rule in (None, "guess_mode") else ratio,
        rule=rule or "distance",
        conditional=first * conditional,
        unconditional=second * unconditional,
    )


def _entry(part: str) -> LayerEntry:
    match = _ENTRY.fullmatch(part)
    if match is None:
        raise ValueError(f'Layer weights: "{part}" is not an entry. {_HELP}')
    family, first, last, number = match.groups()
    if family not in FAMILIES or (family == "middle" and first not in (None, "0")):
        raise ValueError(f'Layer weights: no network has a layer "{part.partition(":")[0].strip()}". {_HELP}')
    try:
        factor = float(number)
    except ValueError:
        raise ValueError(f'Layer weights: "{number}" in "{part}" is not a number. {_HELP}') from None
    check_range(f'Layer weights, entry "{part}"', factor, 0.0, MAXIMUM)
    if first is None or family == "middle":
        return LayerEntry(family, None, None, factor)
    bounds = sorted((int(first), int(last or first)))
    return LayerEntry(family, bounds[0], bounds[1], factor)
