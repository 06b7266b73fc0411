"""Applying a stack of LoRAs to a MODEL and a CLIP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import comfy.hooks

from ...common.report_lines import WARNING, warning, warnings_first
from ...preprocessors.images.checks import check_range
from ..host import tell
from .advice import why_idle, why_not_loaded, why_refused
from .dora import Difference, difference_to_paper
from .lora_file import load_lora_file
from .matching import Matched, Target, match
from .scheduling import block_factors, telling_hook, weight_hook, with_hooks
from .stack import LEAST_SHARE, LoRAOptions, check_options, read_stack

# What applying a stack of LoRAs did, in words.

_EXAMPLES = 4


@dataclass(frozen=True)
class Applied:
    """One LoRA: what matched and with which strengths; notes: what else shapes it. matched is None where it was skipped.

    dora: how far the host is from the paper, for files with DoRA layers.
    """

    name: str
    strength_model: float
    strength_clip: float
    matched: Matched | None
    notes: tuple[str, ...] = ()
    dora: Difference | None = None

    def __str__(self) -> str:
        if self.matched is None:
            return warning(f"'{self.name}' has no effect: {'; '.join(self.notes)}.")
        file, matched = self.matched.file, self.matched
        facts = [file.title, *([f"rank {file.rank}"] if file.rank else [])]
        facts += [f"trigger words: {', '.join(file.trigger_words)}"] if file.trigger_words else []
        lines = [
            f"{self.name}: {'; '.join(facts)}.",
            f"  Strength {self.strength_model:g} on the model, {self.strength_clip:g} on the text encoder"
            f"{''.join(f'; {note}' for note in self.notes)}.",
            f"  Used: {matched.used} of {matched.total} tensors, on {len(matched.network)} weights of the model and "
            f"{len(matched.text)} of the text encoder.",
        ]
        lines += [] if self.dora is None else [f"  DoRA: {self.dora}."]
        lines += _lost("Of another shape than the model's weights (of another family or size)", matched.misfits)
        lines += _lost("Without a place in this model", matched.unknown)
        lines += _lost("For the text encoder, and clip is not linked", matched.without_clip)
        return "\n".join(lines)


def _lost(why: str, layers: tuple[str, ...]) -> list[str]:
    if not layers:
        return []
    more = f", and {len(layers) - _EXAMPLES} more" if len(layers) > _EXAMPLES else ""
    return [f"  {why}: {len(layers)} layers ({', '.join(layers[:_EXAMPLES])}{more})."]


_WHO = "Apply LoRA Stack"


@dataclass(frozen=True, eq=False)
class Result:
    """hooks: of the LoRAs that follow a curve (HOOKS), None without any; they travel in the CLIP as well."""

    model: Any
    clip: Any
    report: str
    hooks: Any


def apply_lora_stack(
    model: Any, clip: Any, stack: Any, options: Any = None, minimum_match: float = LEAST_SHARE
) -> Result:
    """Clones of a MODEL and a CLIP (or None) with all LoRAs of a stack; what came in is not changed.

    Raises ValueError before anything is applied when a file cannot be read, is no LoRA, or less than `minimum_match` of
    its tensors find a place of their shape, and when an option names a LoRA or block that is not there.
    """
    check_range(f"{_WHO}, input minimum_match", minimum_match, 0.0, 1.0)
    rows = read_stack(stack)
    chosen = _options_by_name(check_options(options), [name for name, *_ in rows])
    prepared = [_prepare(name, strengths, model, clip, minimum_match) for name, *strengths in rows]
    hooks = comfy.hooks.HookGroup()
    done = [str(_applied_report(lora, chosen.get(lora.name), model, clip)) for lora in prepared]
    patched = _Patched(model, clip, hooks)
    idle = [line for lora in prepared for line in _idle(lora, chosen.get(lora.name))]
    for line in (*(line for line in done if line.startswith(WARNING)), *idle):
        tell(line)
    for lora in prepared:
        patched.add(lora, chosen.get(lora.name))
    scheduled = {name: option.schedule for name, option in chosen.items() if option.is_scheduled}
    if len(hooks):
        hooks.add(telling_hook(scheduled))
    clip_out = patched.clip
    if len(hooks) and clip_out is not None:
        clip_out = with_hooks(clip_out, hooks)
    done = done or [
        warning("the stack is empty: model and text encoder are unchanged. Link a LoRA Stack that is enabled.")
    ]
    report = "\n".join(warnings_first((*done, *idle, *([_hooks_note(clip)] if len(hooks) else []))))
    return Result(patched.model, clip_out, report, hooks if len(hooks) else None)


@dataclass(frozen=True, eq=False)
class _Prepared:
    name: str
    strength_model: float
    strength_clip: float
    matched: Matched | None
    why: str = ""


def _prepare(name: str, strengths: list[float], model: Any, clip: Any, minimum: float) -> _Prepared:
    on_model, on_clip = strengths
    idle = why_not_loaded(on_model, on_clip, clip is not None)
    if idle is not None:
        return _Prepared(name, on_model, on_clip, None, f"{idle}; it was not loaded")
    matched = match(load_lora_file(name), model, clip)
    refused = why_refused(matched, model, clip is not None, minimum)
    if refused is not None:
        raise ValueError(refused)
    return _Prepared(name, on_model, on_clip, matched)


def _idle(lora: _Prepared, option: LoRAOptions | None) -> list[str]:
    """That one which was applied changes nothing all the same; no line where it does, or was not loaded."""
    idle = None if lora.matched is None else why_idle(lora.matched, lora.strength_model, lora.strength_clip, option)
    if lora.matched is None or idle is None:
        return []
    return [warning(f"'{lora.name}' ({lora.matched.file.title}) has no effect: {idle}.")]


def _options_by_name(options: tuple[LoRAOptions, ...], names: list[str]) -> dict[str, LoRAOptions]:
    for option in options:
        if option.name not in names:
            raise ValueError(
                f"{_WHO}: LoRA Options are given for '{option.name}', which is not in the stack ({', '.join(names) or 'empty'}). "
                "Choose the same file in LoRA Options and LoRA Stack; where it is switched off there, unlink its LoRA Options."
            )
    return {option.name: option for option in options}


def _applied_report(lora: _Prepared, option: LoRAOptions | None, model: Any, clip: Any) -> Applied:
    if lora.matched is None:
        return Applied(lora.name, lora.strength_model, lora.strength_clip, None, (lora.why,))
    notes = []
    if option is not None and option.blocks.entries:
        notes.append("blocks " + ", ".join(f"{entry}: {entry.factor:g}" for entry in option.blocks.entries))
    if option is not None and option.is_scheduled:
        notes.append(f"over the sampling {option.schedule.to_text()}")
    dora = difference_to_paper(lora.matched, model, clip)
    return Applied(lora.name, lora.strength_model, lora.strength_clip, lora.matched, tuple(notes), dora)


class _Patched:
    """Model and CLIP on their way through the stack; a clone is made for the first LoRA that needs one."""

    def __init__(self, model: Any, clip: Any, hooks: Any) -> None:
        self.model, self.clip, self.hooks = model, clip, hooks
        self._own_model = self._own_clip = False

    def add(self, lora: _Prepared, option: LoRAOptions | None) -> None:
        if lora.matched is None:
            return
        constant = 1.0
        if option is not None and not option.is_scheduled:
            constant = option.schedule.points[0][1]
        groups = _by_factor(lora, option)
        text = lora.matched.text
        if option is not None and option.is_scheduled:
            for factor, patches in groups.items():
                strength = lora.strength_model * factor
                self.hooks.add(weight_hook(patches, text, strength, lora.strength_clip, option.schedule))
                text = {}
            return
        for factor, patches in groups.items():
            self._to_model(patches, lora.strength_model * factor * constant)
        self._to_clip(text, lora.strength_clip * constant)

    def _to_model(self, patches: Mapping[Target, Any], strength: float) -> None:
        if patches and strength != 0.0:
            self.model = self.model if self._own_model else self.model.clone()
            self._own_model = True
            self.model.add_patches(dict(patches), strength)

    def _to_clip(self, patches: Mapping[Target, Any], strength: float) -> None:
        if patches and strength != 0.0 and self.clip is not None:
            self.clip = self.clip if self._own_clip else self.clip.clone()
            self._own_clip = True
            self.clip.add_patches(dict(patches), strength)


def _by_factor(lora: _Prepared, option: LoRAOptions | None) -> dict[float, dict[Target, Any]]:
    """The network's patches by their factor: the host weighs all patches of one call alike."""
    assert lora.matched is not None
    network = lora.matched.network
    if option is None or not option.blocks.entries:
        return {1.0: dict(network)}
    groups: dict[float, dict[Target, Any]] = {}
    for target, factor in block_factors(network, option.blocks, f"The LoRA '{lora.name}'").items():
        groups.setdefault(factor, {})[target] = network[target]
    return groups


def _hooks_note(clip: Any) -> str:
    if clip is None:
        return "The LoRAs with a curve act where hooks are linked: to Cond Set Props, for both conditionings."
    return "The LoRAs with a curve act in every conditioning that is encoded with this clip."
