"""A LoRA whose strength changes during the sampling, by the host's hooks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import comfy.hooks
from comfy.patcher_extension import WrappersMP

from ..guidance.acting import Acting, tell_acting
from ..guidance.curve import Curve
from ..guidance.layer_weights import Layer, LayerWeights
from ..guidance.progress import progress_of
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


def telling_hook(curves: Mapping[str, Curve]) -> Any:
    """A host hook that says at the end of a sampling in which steps LoRAs acted, by their names and curves."""
    kept = dict(curves)

    def tell_steps(executor: Any, noise: Any, latent: Any, sampler: Any, sigmas: Any, *rest: Any, **named: Any) -> Any:
        made = executor(noise, latent, sampler, sigmas, *rest, **named)
        to_sigma = executor.class_obj.model_patcher.get_model_object("model_sampling").percent_to_sigma
        points = tuple(float(sigma) for sigma in sigmas)
        progress = [progress_of(sigma, to_sigma) for sigma in points[:-1]]
        for name, curve in kept.items():
            acting = Acting(tuple(i for i, place in enumerate(progress) if curve.value(place)), points, True)
            tell_acting(f"The LoRA '{name}'", acting, *acting_range(curve), to_sigma)
        return made

    wrappers = {WrappersMP.OUTER_SAMPLE: {"armature_lora": [tell_steps]}}
    return comfy.hooks.TransformerOptionsHook({"wrappers": wrappers})


def acting_range(curve: Curve) -> tuple[float, float]:
    """The shares of the sampling between which a curve has a factor other than 0; (1, 0) when it has none."""
    stations = [station / _STATIONS for station in range(_STATIONS + 1)]
    acting = [station for station in stations if curve.value(station)]
    return (acting[0], acting[-1]) if acting else (1.0, 0.0)


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


# Weights of a LoRA for single blocks of the network, by name.

_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("input", re.compile(r"input_blocks\.(\d+)\.")),
    ("middle", re.compile(r"middle_block\.()")),
    ("output", re.compile(r"output_blocks\.(\d+)\.")),
    ("double", re.compile(r"double_blocks\.(\d+)\.")),
    ("single", re.compile(r"single_blocks\.(\d+)\.")),
    ("block", re.compile(r"(?:joint_blocks|transformer_blocks|blocks|layers)\.(\d+)\.")),
)


def block_of(key: str) -> str:
    """'input.4', 'middle', 'double.3' of a model key; '' for what lies outside the blocks."""
    for family, pattern in _PATTERNS:
        found = pattern.search(key)
        if found:
            return f"{family}.{found[1]}" if found[1] else family
    return ""


def block_factors(targets: Iterable[Target], weights: LayerWeights, who: str) -> dict[Target, float]:
    """The factor of each target; ValueError, listing the blocks that there are, when an entry names none of them."""
    names = {target: block_of(target if isinstance(target, str) else target[0]) for target in targets}
    order = [name for name in dict.fromkeys(names.values()) if name]
    layers = [Layer((name, 0), (name,), 0.0) for name in order]
    for entry in weights.entries:
        if not any(entry.names(layer) for layer in layers):
            todo = "Change" if order else "Clear"
            raise ValueError(
                f'{who}: its block weights name "{entry}", which it does not touch in this model. '
                f"It touches {', '.join(order) or 'no block'}. {todo} block_weights of its LoRA Options."
            )
    by_name = {layer.names[0]: _factor(layer, weights) for layer in layers}
    return {target: by_name.get(name, 1.0) for target, name in names.items()}


def _factor(layer: Any, weights: LayerWeights) -> float:
    factor = 1.0
    for entry in weights.entries:
        if entry.names(layer):
            factor *= entry.factor
    return factor
