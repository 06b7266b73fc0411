"""Why a LoRA does not act, and what would help in that very situation."""

from __future__ import annotations

import math
from typing import Any

from ..files.families import Family, family_of_host_class, titles
from .key_names import is_of_text
from .matching import Matched
from .stack import LoRAOptions

_EXAMPLES = 2


def why_refused(matched: Matched, model: Any, has_clip: bool, minimum: float) -> str | None:
    """What is wrong and what to do where less than `minimum` of a LoRA fits a MODEL and its text encoder; None where it fits."""
    if matched.share >= minimum:
        return None
    base = family_of_host_class(type(model.model.model_config).__name__)
    file = matched.file
    who = f"The LoRA '{file.name}' ({file.title})"
    if _wants_clip(matched, base, minimum):
        tensors = f"{matched.waiting} of its {matched.total + matched.waiting} tensors"
        wanted = (
            f"Load a checkpoint for {titles(file.families)} and link its clip"
            if _is_foreign(matched, base)
            else "Link clip"
        )
        return f"{who} is for the text encoder ({tensors}), and clip is not linked. {wanted}, or take the LoRA out of the stack."
    told, helps = _where_and_help(matched, base, has_clip)
    share = math.floor(100 * matched.share) / 100
    lower = f", or lower minimum_match to {share:g} to apply what fits" if matched.used else ""
    return (
        f"{who} does not fit {told}: only {matched.used} of its {matched.total} tensors have a place of their shape there "
        f"({matched.share:.0%}, wanted are {minimum:.0%}). {helps}. Or take the LoRA out of the stack{lower}."
    )


def _is_foreign(matched: Matched, base: Family) -> bool:
    """Whether the header tells a family, and it is not the model's."""
    return bool(matched.file.families) and base.id not in matched.file.families


def _wants_clip(matched: Matched, base: Family, minimum: float) -> bool:
    """Whether most of it waits for a text encoder, and linking one would be enough (a foreign one's comes with its model)."""
    return matched.waiting > matched.total and (_is_foreign(matched, base) or matched.share_with_clip >= minimum)


def _where_and_help(matched: Matched, base: Family, has_clip: bool) -> tuple[str, str]:
    """(what it does not fit, what to do), by what the header tells and which layers found no place."""
    model, wanted = f"the model ({base.title})", titles(matched.file.families)
    if _is_foreign(matched, base):
        return model, f"Load a checkpoint for {wanted}, or a LoRA made for {base.title}"
    trained_on = "Load the checkpoint that it was trained on"
    lost = (*matched.unknown, *matched.misfits)
    if has_clip and all(is_of_text(layer) for layer in lost):
        source = f"a checkpoint for {wanted}" if matched.file.families else "the checkpoint that it was trained on"
        return "the linked clip", f"Link the clip of {source}"
    by_size = len(matched.misfits) > len(matched.unknown)
    examples = ", ".join((matched.misfits if by_size else matched.unknown)[:_EXAMPLES])
    if not matched.file.families:
        return model, f"The file does not tell its family. {trained_on} (without a place: {examples}, …)"
    if by_size:
        return model, f"The model is for {base.title} too, but of another size ({examples}, …). {trained_on}"
    names = "or a file with the layers' names of kohya or diffusers"
    return model, f"The model is for {base.title} too, and has no layers such as {examples}. {trained_on}, {names}"


def why_not_loaded(on_model: float, on_clip: float, has_clip: bool) -> str | None:
    """Why a LoRA of these strengths acts on nothing, whatever its file holds; None where it may."""
    if on_model != 0.0 or (on_clip != 0.0 and has_clip):
        return None
    if on_clip == 0.0:
        return "its strength is 0"
    return "strength_model is 0, and strength_clip acts only where clip is linked. Raise strength_model, or link clip"


def why_idle(matched: Matched, on_model: float, on_clip: float, option: LoRAOptions | None) -> str | None:
    """Why a LoRA that may be applied changes nothing all the same; None where it changes something."""
    if not matched.network and not matched.text:
        if matched.waiting:
            return "it is for the text encoder, and clip is not linked. Link clip"
        return "none of its tensors fits the model. Take it out of the stack, or load the checkpoint that it was trained on"
    if option is not None and option.schedule.is_constant and option.schedule.points[0][1] == 0.0:
        return "its schedule is 0 throughout. Change schedule in its LoRA Options"
    if not matched.text and on_model == 0.0:
        return "it changes the model alone, and strength_model is 0. Raise strength_model"
    if not matched.network and on_clip == 0.0:
        return "it changes the text encoder alone, and strength_clip is 0. Raise strength_clip"
    return None
