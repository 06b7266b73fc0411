"""Putting image prompts into a MODEL, and from there into each call of its network.

The host has one place for a replacement of a cross-attention, and packs take it from each other: whoever comes last wins,
or adds to an object that other branches of the graph share. So the prompts wait in a part of the model's options that is
theirs alone (a clone has its own copy of it), and only during a call are laid around whatever stands in that place then.
No order of nodes, and no other pack, can take them out or carry them into another branch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import comfy.patcher_extension as extension
import torch

from .attention import ImageAttention
from .call import AREAS, Area, Moment, moment_of
from .prompt import ImagePrompt
from .unet_layers import Place

# A name of our own beside attn1 and attn2: the host loads the weights of what it finds there, and the network ignores it.
_PROMPTS = "armature_ip_adapter"
_KEY = "armature_ip_adapter"


def with_prompts(model: Any, prompts: Sequence[ImagePrompt]) -> Any:
    """A clone of a MODEL with further image prompts; the model that came in is not changed."""
    clone = model.clone()
    present = prompts_of(model)
    for number, prompt in enumerate(prompts, start=len(present)):
        clone.set_model_patch_replace(prompt, _PROMPTS, "prompt", number)
    _wrap(clone, extension.WrappersMP.APPLY_MODEL, _with_image_attention)
    if any(prompt.mask is not None for prompt in prompts):
        _wrap(clone, extension.WrappersMP.CALC_COND_BATCH, _with_areas)
    return clone


def prompts_of(model: Any) -> tuple[ImagePrompt, ...]:
    """The image prompts of a MODEL, in the order they were added."""
    return tuple(_waiting(model.model_options["transformer_options"]))


def _waiting(options: dict[str, Any]) -> list[ImagePrompt]:
    return list(options.get("patches_replace", {}).get(_PROMPTS, {}).values())


def _wrap(clone: Any, kind: str, wrapper: Any) -> None:
    if not extension.get_wrappers_with_key(kind, _KEY, clone.model_options, is_model_options=True):
        extension.add_wrapper_with_key(kind, _KEY, wrapper, clone.model_options, is_model_options=True)


def _with_areas(executor: Any, model: Any, conds: Any, x_in: torch.Tensor, timestep: Any, model_options: Any) -> Any:
    """Note where each conditioning acts: the network sees only the cut-out part, and a mask must be cut likewise."""
    whole = (x_in.shape[-2], x_in.shape[-1])
    areas = {
        one["uuid"]: _area(one["area"], whole)
        for cond in conds
        for one in cond or ()
        if one.get("area") is not None and "uuid" in one
    }
    if areas:
        options = {**model_options.get("transformer_options", {}), AREAS: areas}
        model_options = {**model_options, "transformer_options": options}
    return executor(model, conds, x_in, timestep, model_options)


def _area(area: Sequence[int], whole: tuple[int, int]) -> Area:
    """The last two dimensions of (sizes..., offsets...), cut to the latent as the host does."""
    half = len(area) // 2
    top, left = area[2 * half - 2], area[2 * half - 1]
    return Area(min(area[half - 2], whole[0] - top), min(area[half - 1], whole[1] - left), top, left, whole)


@torch.compiler.disable
def _with_image_attention(
    executor: Any,
    x: torch.Tensor,
    t: torch.Tensor,
    c_concat: Any = None,
    c_crossattn: Any = None,
    control: Any = None,
    transformer_options: Any = None,
    **kwargs: Any,
) -> Any:
    """One call of the network, with the prompts that act now laid around its cross-attentions."""
    options = dict(transformer_options or {})
    sigma = float(t[0])
    sampling = executor.class_obj.model_sampling
    found = (moment_of(prompt, x, sigma, sampling, options) for prompt in _waiting(options))
    moments = tuple(moment for moment in found if moment is not None)
    if moments:
        options["patches_replace"] = _laid_around(options["patches_replace"], moments)
        control = _marked(control, len(moments))
    return executor(x, t, c_concat, c_crossattn, control, options, **kwargs)


def _laid_around(replacements: dict[str, Any], moments: tuple[Moment, ...]) -> dict[str, Any]:
    present = replacements.get("attn2", {})
    laid: dict[Any, Any] = dict(present)
    places: dict[Place, list[Moment]] = {}
    for moment in moments:
        for place in moment.prompt.roles:
            places.setdefault(place, []).append(moment)
    for place, acting in places.items():
        # The host looks for the exact layer first, then for the block.
        laid[place] = ImageAttention(place, present.get(place, present.get(place[:2])), tuple(acting))
    return {**replacements, "attn2": laid}


def _marked(control: Any, count: int) -> dict[str, Any]:
    """Residuals of another structure than those of a call without prompts, or with fewer.

    The host's compile node drops every guard on `transformer_options`: a network compiled in a call without image attention
    would be used again in one with it, and the pictures silently ignored. Lists of residuals are used up from their end,
    so more None in front change nothing but what torch.compile sees.
    """
    marked = dict(control or {})
    marked["output"] = [None] * count + list(marked.get("output") or [])
    return marked
