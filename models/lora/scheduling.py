"""A LoRA whose strength changes during the sampling, by the host's hooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import comfy.hooks

from ..control.curve import Curve
from .matching import Target

_STATIONS = 100  # of the curve; the host takes the last one that lies before a step
_TEXT_STATIONS = 20  # each costs an encoding of the text


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
    """A clone of a CLIP whose conditionings carry the hooks to the sampler, as the host's Set CLIP Hooks does.

    Where a hook changes the text encoder too, the text is encoded once for each stretch of its curve (the host's
    `schedule_clip`), at most `_TEXT_STATIONS` times, and each encoding counts in its stretch of the sampling.
    """
    clone = clip.clone(disable_dynamic=True)
    clone.apply_hooks_to_conds = _combined(clip.apply_hooks_to_conds, hooks)
    forced = _combined(clip.patcher.forced_hooks, hooks)
    for hook in forced.hooks:
        if hook in hooks.hooks:
            hook.hook_keyframe = _of_text(hook)
    clone.patcher.forced_hooks = forced
    clone.use_clip_schedule = clip.use_clip_schedule or any(_changes_text(hook) for hook in hooks.hooks)
    target = comfy.hooks.create_target_dict(comfy.hooks.EnumWeightTarget.Clip)
    clone.patcher.register_all_hook_patches(forced, target)
    return clone


def _combined(first: Any, second: Any) -> Any:
    return comfy.hooks.HookGroup.combine_all_hooks([first, second]).clone()


def _changes_text(hook: Any) -> bool:
    return bool(getattr(hook, "weights_clip", None))


def _of_text(hook: Any) -> Any:
    """The keyframes of a hook for the text encoder: a new group, empty where it changes no text."""
    if not _changes_text(hook):
        return comfy.hooks.HookKeyframeGroup()
    frames = hook.hook_keyframe.keyframes
    if len(frames) <= _TEXT_STATIONS:
        return hook.hook_keyframe.clone()
    group = comfy.hooks.HookKeyframeGroup()
    for station in range(_TEXT_STATIONS):
        start, middle = station / _TEXT_STATIONS, (station + 0.5) / _TEXT_STATIONS
        strength = [frame.strength for frame in frames if frame.start_percent <= middle][-1]
        group.add(comfy.hooks.HookKeyframe(strength=strength, start_percent=start))
    return group
