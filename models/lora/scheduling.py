"""A LoRA whose strength changes during the sampling, by the host's hooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import comfy.hooks

from ..control.curve import Curve
from .matching import Target

_STATIONS = 100  # of the curve; the host takes the last one that lies before a step


def weight_hook(
    network: Mapping[Target, Any], text: Mapping[Target, Any], strength_model: float, strength_clip: float, curve: Curve
) -> Any:
    """A host hook (WeightHook) of patches that are matched already, following the curve."""
    hook = comfy.hooks.WeightHook(strength_model=strength_model, strength_clip=strength_clip)
    hook.weights, hook.weights_clip = dict(network), dict(text)
    hook.need_weight_init = False
    hook.hook_keyframe = keyframes(curve)
    return hook


def keyframes(curve: Curve) -> Any:
    """The curve as the host's keyframes; stations of equal strength are left out."""
    group = comfy.hooks.HookKeyframeGroup()
    last = None
    for station in range(_STATIONS):
        progress = station / _STATIONS
        strength = curve.value(progress)
        if strength != last:
            # No keyframe is guaranteed a step: a step belongs to the last station before it.
            steps = 1 if last is None else 0
            group.add(comfy.hooks.HookKeyframe(strength=strength, start_percent=progress, guarantee_steps=steps))
            last = strength
    return group


def with_hooks(clip: Any, hooks: Any) -> Any:
    """A clone of a CLIP whose conditionings carry the hooks to the sampler, as the host's Set CLIP Hooks does."""
    clone = clip.clone(disable_dynamic=True)
    combined = comfy.hooks.HookGroup.combine_all_hooks([clip.apply_hooks_to_conds, hooks])
    clone.apply_hooks_to_conds = combined
    clone.patcher.forced_hooks = combined.clone()
    clone.use_clip_schedule = False
    clone.patcher.forced_hooks.set_keyframes_on_hooks(
        comfy.hooks.HookKeyframeGroup()
    )  # the text is encoded at full strength
    target = comfy.hooks.create_target_dict(comfy.hooks.EnumWeightTarget.Clip)
    clone.patcher.register_all_hook_patches(combined, target)
    return clone
