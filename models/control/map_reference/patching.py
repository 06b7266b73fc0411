"""The maps of a conditioning in each call of the network: the weights travel with the conditioning, the MODEL reads them.

So each of several conditionings has maps of its own, and a MODEL whose conditionings have none samples as it did.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any

import comfy.patcher_extension as extension
import torch
from comfy.conds import CONDConstant

from ...guidance.acting import ActingRecord, tell_acting
from ...guidance.uncompiled import uncompiled
from ...host import note
from .attention import ReferenceBias
from .weights import MAPS, WHO, Placed

_KEY = "armature_map_reference"
_OVERRIDE = "optimized_attention_override"  # the host's name in the options of a call

# A record of the steps for each map, while it is sampled: the weights are immutable themselves.
_RECORDS: dict[int, ActingRecord] = {}


def with_maps(model: Any) -> Any:
    """A clone of a MODEL that heeds the weights of maps in its conditionings; one that does already is cloned as it is."""
    clone = model.clone()
    kinds = extension.WrappersMP
    for kind, wrapper in (
        (kinds.OUTER_SAMPLE, _recording),
        (kinds.CALC_COND_BATCH, _handing_on),
        (kinds.APPLY_MODEL, _weighted),
    ):
        if not extension.get_wrappers_with_key(kind, _KEY, clone.model_options, is_model_options=True):
            extension.add_wrapper_with_key(kind, _KEY, wrapper, clone.model_options, is_model_options=True)
    return clone


def _recording(executor: Any, noise: Any, latent: Any, sampler: Any, sigmas: Any, *rest: Any, **named: Any) -> Any:
    """One sampling, with a word at its end on the steps in which each map acted."""
    guider = executor.class_obj
    conditionings = [one for own in guider.conds.values() for one in own or ()]
    maps = {id(one.weights): one.weights for conditioning in conditionings for one in conditioning.get(MAPS, ())}
    for conditioning in conditionings:
        _check_counts(conditioning, noise.shape[0])
    for told in dict.fromkeys(_resized(conditionings, noise)):
        note(told)
    records = {key: ActingRecord() for key in maps}
    for record in records.values():
        record.begin(sigmas)
    _RECORDS.update(records)
    try:
        made = executor(noise, latent, sampler, sigmas, *rest, **named)
    finally:
        for key in records:
            _RECORDS.pop(key, None)
    to_sigma = guider.model_patcher.get_model_object("model_sampling").percent_to_sigma
    for key, record in records.items():
        tell_acting(maps[key].who, record.finish(), maps[key].start, maps[key].end, to_sigma)
    return made


def _check_counts(conditioning: dict[str, Any], pictures: int) -> None:
    """ValueError for maps that are neither one for all pictures nor one for each, of which the host drops or repeats some."""
    references: list[Any] = list(conditioning.get("reference_latents") or ())
    for one in conditioning.get(MAPS, ()):
        if one.place is None:
            latent = conditioning.get("concat_latent_image")
        else:
            latent = references[one.place] if one.place < len(references) else None
        if latent is not None and latent.shape[0] not in (1, pictures):
            raise ValueError(
                f"{one.weights.who}: {latent.shape[0]} maps came in for a batch of {pictures} pictures. Give one map for all, or "
                "exactly one for each picture of the batch."
            )


def _resized(conditionings: Iterable[dict[str, Any]], noise: torch.Tensor) -> Iterator[str]:
    for conditioning in conditionings:
        second = any(one.place is None for one in conditioning.get(MAPS, ()))
        latent = conditioning.get("concat_latent_image")
        if second and latent is not None and latent.shape[-2:] != noise.shape[-2:]:
            (rows, columns), (height, width) = latent.shape[-2:], noise.shape[-2:]
            yield (
                f"{WHO}: the map's latent of {columns}x{rows} is resized to the picture's {width}x{height}, and cropped where "
                "their aspects differ."
            )


def _handing_on(executor: Any, model: Any, conds: Any, x_in: Any, timestep: Any, model_options: Any) -> Any:
    """What the conditionings carry, among the values that reach the network; the host keeps what differs in calls apart."""
    carried = [None if own is None else [_carrying(one) for one in own] for own in conds]
    return executor(model, carried, x_in, timestep, model_options)


def _carrying(conditioning: dict[str, Any]) -> dict[str, Any]:
    if not conditioning.get(MAPS):
        return conditioning
    values = {**conditioning["model_conds"], MAPS: CONDConstant(conditioning[MAPS])}
    return {**conditioning, "model_conds": values}


@torch.compiler.disable
def _weighted(
    executor: Any,
    x: torch.Tensor,
    t: torch.Tensor,
    c_concat: Any = None,
    c_crossattn: Any = None,
    control: Any = None,
    transformer_options: Any = None,
    **kwargs: Any,
) -> Any:
    """One call of the network, with the maps as they weigh now."""
    maps: Sequence[Placed] = kwargs.pop(MAPS, ())
    options = dict(transformer_options or {})
    factors = _factors(maps, float(t[0]), executor.class_obj, options) if maps else {}
    if None in factors:
        c_concat = _second_latent(c_concat, factors[None])
    references = _weighted_references(kwargs, factors, executor.class_obj.diffusion_model.patch_size) if maps else None
    if references is not None:
        options[_OVERRIDE] = ReferenceBias(*references, options.get(_OVERRIDE))
    with nullcontext() if references is None else uncompiled():
        return executor(x, t, c_concat, c_crossattn, control, options, **kwargs)


def _factors(maps: Sequence[Placed], sigma: float, model: Any, options: Any) -> dict[int | None, float]:
    """By place."""
    factors = {}
    for one in maps:
        factor = factors[one.place] = one.weights.at(sigma, model.model_sampling.percent_to_sigma)
        record = _RECORDS.get(id(one.weights))
        if record is not None:
            record.saw(sigma, options, factor != 0.0)
    return factors


def _second_latent(latent: torch.Tensor | None, factor: float) -> torch.Tensor:
    if latent is None:
        raise ValueError(
            f"{WHO}: the conditioning carries a second latent, which the model that is sampled does not take. Link the model "
            "that comes out of Map Reference, with the control LoRA before it."
        )
    return latent if factor == 1.0 else latent * factor


def _weighted_references(
    kwargs: dict[str, Any], factors: dict[int | None, float], patch: int
) -> tuple[list[int], list[float]] | None:
    """(tokens, factors) of the references that the call has; None where no weight differs from 1.

    The last ones are taken out of it while they weigh nothing: that is the same, and faster.
    """
    places = [place for place in factors if place is not None]
    if not places:
        return None
    references = list(kwargs.get("ref_latents") or ())
    if max(places) >= len(references):
        raise ValueError(
            f"{WHO}: the map is reference {max(places) + 1}, but the conditioning carries {len(references)} of them when it is "
            "sampled. A node behind Map Reference replaced the references: put Map Reference behind it."
        )
    weights = [factors.get(place, 1.0) for place in range(len(references))]
    while weights and weights[-1] == 0.0:
        weights.pop()
    del references[len(weights) :]
    if references:
        kwargs["ref_latents"] = references
    else:
        kwargs.pop("ref_latents")
    if all(weight == 1.0 for weight in weights):
        return None
    return [_tokens(one, patch) for one in references], weights


def _tokens(latent: torch.Tensor, patch: int) -> int:
    """Of a latent [B,C,H,W] or [B,C,T,H,W], in patches of `patch` by `patch`."""
    frames = latent.shape[2] if latent.ndim == 5 else 1
    return frames * -(-latent.shape[-2] // patch) * -(-latent.shape[-1] // patch)
