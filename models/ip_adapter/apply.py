"""Applying an IP-Adapter to a MODEL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from ...common.report_lines import warning, warnings_first
from ...preprocessors.images.checks import check_type
from ...preprocessors.images.tensors import check_mask
from ..guidance.curve import Curve
from ..guidance.layer_weights import Layer, LayerWeights
from ..host import collect_told, tell
from .adapter import IPAdapter
from .embeds import COMBINING, CONCAT, REGIONS, ImageEmbeds
from .encoding import encode, encode_faces, with_negative
from .faces import with_face_lora
from .image_prompt import ImagePrompt, Strength
from .layers import CrossAttention, check_fit, cross_attentions, double_blocks, joint_blocks
from .patching import with_prompts
from .scaling import Behaviour, find_behaviour
from .settings import WHO, Settings
from .tokens import check_embeds, project
from .weight_types import Role, follows_composition, roles


@dataclass(frozen=True, eq=False)
class Applied:
    """A MODEL that follows the pictures, and lines on what was done."""

    model: Any
    report: str


def apply_ip_adapter(model: Any, adapter: Any, settings: Settings) -> Applied:
    """A clone of a MODEL that follows the pictures; the model itself where the weight is zero.

    Raises ValueError, naming both sides, before anything is encoded when adapter and model, encoder or embeddings do not
    belong together.
    """
    check_type(f"{WHO}, input ip_adapter", adapter, IPAdapter, "an IP_ADAPTER is", "Link Load IP-Adapter.")
    with collect_told() as told:
        made, line = _applied(model, adapter, settings)
    return Applied(made, "\n".join(warnings_first((*told, *line))))


def _applied(model: Any, adapter: IPAdapter, settings: Settings) -> tuple[Any, tuple[str, ...]]:
    layers = cross_attentions(model.model) or double_blocks(model.model) or joint_blocks(model.model)
    check_fit(adapter, layers, model.model)
    behaviour = find_behaviour(settings.compatible_with)
    strength = _strength(settings)
    acting = _roles(adapter, layers, settings, behaviour)
    if not acting:
        tell(warning(f"{adapter.who} has no effect: its weight is 0 in every layer. Raise weight, or bypass the node."))
        return model, ()
    _tell_idle(adapter, strength)
    embeds = _embeds(adapter, settings, behaviour)
    composition = _composition(adapter, settings, behaviour)
    prompts = [
        ImagePrompt(
            adapter,
            project(adapter, part.embeds, part.combine, part.composition, settings.face_structure),
            strength,
            acting,
            part.mask,
            settings.embeds_scaling,
            behaviour.sampled_mask,
        )
        for part in _parts(adapter, embeds, composition, settings, behaviour)
    ]
    made = with_prompts(with_face_lora(model, adapter, layers, settings.face_lora_strength), prompts)
    return made, (_described(adapter, settings, embeds.count, len(acting), len(layers)),)


def _described(adapter: IPAdapter, settings: Settings, pictures: int, acting: int, layers: int) -> str:
    """What was applied and how, in a line."""
    curve = Curve.read(settings.schedule)
    parts = [
        f"weight {settings.weight:g}",
        f"from {settings.start_percent:.0%} to {settings.end_percent:.0%}",
        f"weight type {settings.weight_type}",
        f"{pictures} pictures ({settings.combine})" if pictures > 1 else "1 picture",
        f"in {acting} of {layers} layers",
        *([] if curve.is_constant else [f"schedule {curve.to_text()}"]),
        *(["masked"] if settings.mask is not None else []),
        *(["weights per layer and half"] if settings.layer_weights is not None else []),
        *(["weights per frame"] if settings.frame_weights is not None else []),
    ]
    return f"{adapter.who}: applied, {', '.join(parts)}."


def _strength(settings: Settings) -> Strength:
    weights = settings.layer_weights or LayerWeights()
    return Strength(
        settings.start_percent,
        settings.end_percent,
        Curve.read(settings.schedule),
        (weights.conditional, weights.unconditional),
        settings.frame_weights,
    )


def _roles(
    adapter: IPAdapter, layers: tuple[CrossAttention, ...], settings: Settings, behaviour: Behaviour
) -> Mapping[Any, tuple[int, Role]]:
    """(index in the file, role) by place, the weight in the role's factor; layers without effect are left out."""
    index = {layer: number for number, layer in enumerate(layers)}
    by_name = _layer_factors(layers, settings.layer_weights)
    found = {}
    for layer, role in roles(settings.weight_type, layers, adapter.family, adapter.who).items():
        weight = settings.composition_weight if role.source == "composition" else settings.weight
        factor = weight * role.factor * by_name.get(layer, 1.0)
        if factor != 0.0 and (behaviour.middle_block or layer.block != "middle"):
            found[layer.place] = (index[layer], replace(role, factor=factor))
    return found


def _layer_factors(layers: tuple[CrossAttention, ...], weights: LayerWeights | None) -> dict[CrossAttention, float]:
    """Factors by the names of the blocks; soft weights count the distance from the middle block."""
    if weights is None or not weights.acts_on_layers:
        return {}
    middle = max((layer.ordinal for layer in layers if layer.place[0] != "output"), default=0)
    named = [Layer((layer.block, layer.place[2]), (layer.block,), abs(layer.ordinal - middle)) for layer in layers]
    factors = weights.factors(named, WHO)
    return {layer: factors[one.place] for layer, one in zip(layers, named, strict=True)}


def _tell_idle(adapter: IPAdapter, strength: Strength) -> None:
    if strength.start == strength.end:
        tell(
            warning(
                f"{adapter.who} acts in one step at most: start_percent and end_percent are both {strength.start:g}. Set "
                "end_percent above start_percent."
            )
        )
    if all(factor == 0.0 for _, factor in strength.schedule.points) or not any(strength.halves):
        tell(
            warning(
                f"{adapter.who} has no effect: its schedule or layer_weights are 0 throughout. Raise or clear them."
            )
        )


def _embeds(adapter: IPAdapter, settings: Settings, behaviour: Behaviour) -> ImageEmbeds:
    given = [name for name in ("image", "embeds", "face_embeds") if getattr(settings, name) is not None]
    if "embeds" in given and len(given) > 1:
        raise ValueError(f"{WHO}: both {given[0]} and embeds are linked. Unlink one of them.")
    if "embeds" in given:
        embeds = check_embeds(adapter, settings.embeds)
        return with_negative(adapter, embeds, settings.clip_vision, settings.negative_image, behaviour.black_negative)
    if adapter.layout.needs_face:
        return encode_faces(
            adapter, settings.face_embeds, settings.clip_vision, settings.image, behaviour.black_negative
        )
    if not given:
        raise ValueError(f"{WHO}: there is no picture to follow. Link image, or embeds.")
    if settings.image is None:
        raise ValueError(f"{adapter.who} reads pictures, not faces. Link image, or choose a FaceID adapter.")
    _tell_crop(settings.image)
    return encode(adapter, settings.clip_vision, settings.image, settings.negative_image, behaviour.black_negative)


def _composition(adapter: IPAdapter, settings: Settings, behaviour: Behaviour) -> ImageEmbeds | None:
    if settings.composition_image is None:
        return None
    if not follows_composition(settings.weight_type):
        tell(
            warning(
                f"composition_image has no effect on weight_type {settings.weight_type}. Choose a weight_type for style and "
                "composition, or unlink it."
            )
        )
        return None
    _tell_crop(settings.composition_image)
    return encode(adapter, settings.clip_vision, settings.composition_image, None, behaviour.black_negative)


@dataclass(frozen=True, eq=False)
class _Part:
    """One prompt to add: embeddings, those of the composition, how several are taken, and where it acts."""

    embeds: ImageEmbeds
    composition: ImageEmbeds | None
    combine: str
    mask: torch.Tensor | None


def _parts(
    adapter: IPAdapter, embeds: ImageEmbeds, composition: ImageEmbeds | None, settings: Settings, behaviour: Behaviour
) -> list[_Part]:
    """One prompt, or one for each region."""
    mask = None if settings.mask is None else check_mask(settings.mask, f"{WHO}, input mask")
    if mask is not None and not bool(mask.any()):
        tell(warning(f"{adapter.who} has no effect: its mask is black everywhere. Paint white where it shall act."))
    how = settings.combine
    if how == REGIONS:
        if mask is None or mask.shape[0] != embeds.count:
            raise ValueError(
                f"{WHO}: combine is set to regions, with {embeds.count} pictures and "
                f"{0 if mask is None else mask.shape[0]} masks. Give one mask for each picture."
            )
        return [_Part(embeds.row(i), composition, CONCAT, mask[i : i + 1]) for i in range(embeds.count)]
    if how in COMBINING:
        second = None if composition is None else composition.combined(how, behaviour)
        return [_Part(embeds.combined(how, behaviour), second, how, mask)]
    return [_Part(embeds, composition, how, mask)]


def _tell_crop(image: Any) -> None:
    if isinstance(image, torch.Tensor) and image.ndim == 4 and image.shape[1] != image.shape[2]:
        tell(
            f"{WHO}: the encoder sees the middle square of the {image.shape[2]}x{image.shape[1]} picture only. "
            "Prepare Reference Image shows and changes what is cut."
        )
