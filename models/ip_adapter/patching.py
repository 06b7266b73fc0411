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

from ..guidance.acting import tell_acting
from ..guidance.sampling_hooks import watch_sampling
from ..guidance.uncompiled import uncompiled
from ..host import tell
from .attention import ImageAttention, ImageInDoubleBlock
from .call import Moment, moment_of
from .image_prompt import ImagePrompt
from .joint_attention import ImageInJointBlock
from .layers import DOUBLE, JOINT, Place, attention_of
from .query_rows import QueryRows

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
    _wrap(clone, extension.WrappersMP.OUTER_SAMPLE, _recording)
    if not clone.get_callbacks(extension.CallbacksMP.ON_PRE_RUN, _KEY):
        clone.add_callback_with_key(extension.CallbacksMP.ON_PRE_RUN, _KEY, _tell_left_out)
    watch_sampling(clone)
    return clone


def prompts_of(model: Any) -> tuple[ImagePrompt, ...]:
    """The image prompts of a MODEL, in the order they were added."""
    return tuple(_waiting(model.model_options["transformer_options"]))


def _waiting(options: dict[str, Any]) -> list[ImagePrompt]:
    return list(options.get("patches_replace", {}).get(_PROMPTS, {}).values())


def _wrap(clone: Any, kind: str, wrapper: Any) -> None:
    if not extension.get_wrappers_with_key(kind, _KEY, clone.model_options, is_model_options=True):
        extension.add_wrapper_with_key(kind, _KEY, wrapper, clone.model_options, is_model_options=True)


def _tell_left_out(patcher: Any) -> None:
    """A model that is made ready without its own wrappers having been called is sampled with another one's options."""
    for prompt in prompts_of(patcher):
        if not prompt.record.is_open:
            tell(
                f"{prompt.adapter.who} does not act: the guider samples its model with the options of another one, as Dual Model "
                "CFG Guider samples model_negative. Apply it to the guider's first model, where it acts on both."
            )


def _recording(
    executor: Any, noise: Any, latent_image: Any, sampler: Any, sigmas: Any, *rest: Any, **named: Any
) -> Any:
    """One sampling, with a word at its end on the steps that each prompt acted in."""
    guider = executor.class_obj
    prompts = _waiting(guider.model_options["transformer_options"])
    for prompt in prompts:
        prompt.record.begin(sigmas)
    made = executor(noise, latent_image, sampler, sigmas, *rest, **named)
    to_sigma = guider.model_patcher.get_model_object("model_sampling").percent_to_sigma
    for prompt in prompts:
        strength = prompt.strength
        tell_acting(prompt.adapter.who, prompt.record.finish(), strength.start, strength.end, to_sigma)
    return made


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
    if not moments:
        return executor(x, t, c_concat, c_crossattn, control, options, **kwargs)
    others, first = list(options.get("patches", {}).get("attn2_patch", ())), moments[0]
    rows = QueryRows(others, first.view, first.prompt.query_rows, first.prompt.adapter.who)
    if others:
        rows.install(options)
    options["patches_replace"] = laid_around(options["patches_replace"], moments, _grid(x), executor.class_obj, rows)
    with uncompiled():
        return executor(x, t, c_concat, c_crossattn, control, options, **kwargs)


def _grid(x: torch.Tensor) -> tuple[int, int]:
    """Rows and columns of a transformer's tokens for latents [B,C,H,W]: patches of two by two."""
    return (x.shape[-2] + 1) // 2, (x.shape[-1] + 1) // 2


def laid_around(
    replacements: dict[str, Any],
    moments: tuple[Moment, ...],
    grid: tuple[int, int],
    model: Any,
    query_rows: QueryRows,
) -> dict[str, dict[Any, Any]]:
    """The replacements of a call (`patches_replace` of its options) with the prompts that act now laid around them.

    grid: rows and columns of a transformer's tokens; model: the host's BaseModel.
    """
    laid = {**replacements, "attn2": dict(replacements.get("attn2", {})), "dit": dict(replacements.get("dit", {}))}
    places: dict[Place, list[Moment]] = {}
    for moment in moments:
        for place in moment.prompt.roles:
            places.setdefault(place, []).append(moment)
    for place, acting in places.items():
        block = ("double_block", place[1])  # the host's name for those of Flux and of SD 3 alike
        if place[0] == DOUBLE:
            laid["dit"][block] = ImageInDoubleBlock(place, laid["dit"].get(block), tuple(acting), grid)
        elif place[0] == JOINT:
            attention = attention_of(model, place)
            laid["dit"][block] = ImageInJointBlock(place, laid["dit"].get(block), tuple(acting), grid, attention)
        else:
            # The host looks for the exact layer first, then for the block.
            present = replacements.get("attn2", {})
            inner = present.get(place, present.get(place[:2]))
            laid["attn2"][place] = ImageAttention(place, inner, tuple(acting), query_rows)
    return laid
