"""Sampler settings that a family or a distilled model cannot use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from re import Pattern

from ..facts import Facts
from ..file_uses import FileUse
from ..finding import Change, Finding, finding, first_of
from .rule import Rule

_SANE_GUIDANCE = 20.0


@dataclass(frozen=True)
class _Distilled:
    """Models, or LoRAs, made for few steps: told by the file's name alone, so findings about them are hints."""

    name: str
    words: Pattern[str]
    guidance: float
    steps: int


_DISTILLED = (
    _Distilled("LCM", re.compile(r"(^|[^a-z])lcm([^a-z]|$)"), 2.5, 12),
    _Distilled("Turbo", re.compile(r"turbo"), 2.5, 12),
    _Distilled("Lightning", re.compile(r"lightning"), 2.5, 16),
    _Distilled("Hyper", re.compile(r"hyper[-_ ]?(sd|flux)"), 5.0, 20),
)
# Distilled guidance: cfg above 1 only doubles the time and hardens the picture. Families whose models all work so.
_GUIDANCE_INSIDE = {"flux": 1.0}


def guidance_of_family(facts: Facts) -> Iterator[Finding]:
    """A cfg above 1 for a family that has its guidance inside."""
    for node, base in facts.samplers:
        families = base.families
        right = _GUIDANCE_INSIDE.get(families[0]) if len(families) == 1 else None
        if right is None or "cfg" not in node.inputs or "cfg" in node.links:
            continue
        cfg = node.number("cfg", right)
        if cfg > right + 1e-3 and not base.unsure:
            model = first_of(base.sources)
            yield finding(
                "warning",
                node,
                "cfg",
                f"{node.label}: cfg is {cfg:g}, but '{model.name}' ({model.identity.title if model.identity else ''}) has its "
                "guidance inside. It takes twice the time and gives hard, oversaturated pictures.",
                "Set cfg to 1 and use the Flux Guidance node.",
                (model,),
                change=Change(node.id, "cfg", right),
            )


def distilled_settings(facts: Facts) -> Iterator[Finding]:
    """Guidance and steps that a model made for few steps cannot use."""
    for node, base in facts.samplers:
        model = first_of(base.sources) if base.sources and not base.unsure else None
        kind = distilled(model) if model else None
        if model is None or kind is None:
            continue
        cfg, steps = node.number("cfg", 0), node.number("steps", 0)
        if cfg > kind.guidance:
            yield finding(
                "hint",
                node,
                "cfg",
                f"{node.label}: '{model.name}' is a {kind.name} model by its name, and cfg {cfg:g} burns its pictures.",
                "Set cfg between 1 and 2.",
                (model,),
            )
        if steps > kind.steps:
            yield finding(
                "hint",
                node,
                "steps",
                f"{node.label}: '{model.name}' is a {kind.name} model by its name; {steps:g} steps only take time.",
                "Set steps between 4 and 8.",
                (model,),
            )


def sampler_sliders(facts: Facts) -> Iterator[Finding]:
    """Values with which no sampler gives a picture."""
    for node, _base in facts.samplers:
        cfg = node.number("cfg", 7.0)
        if cfg > _SANE_GUIDANCE:
            yield finding(
                "warning",
                node,
                "cfg",
                f"{node.label}: cfg {cfg:g} is beyond the range in which pictures are not burnt.",
                "Stay between 1 and 12.",
            )
        if "denoise" in node.inputs and node.number("denoise", 1.0) == 0 and "denoise" not in node.links:
            yield finding(
                "warning",
                node,
                "denoise",
                f"{node.label}: denoise is 0, so the sampler returns what comes in.",
                "Set it above 0; 1 makes a picture from nothing.",
            )


def distilled(use: FileUse) -> _Distilled | None:
    """What a file's name says about the few steps that it was made for."""
    name = PurePosixPath(use.name.lower().replace("\\", "/")).name
    return next((kind for kind in _DISTILLED if kind.words.search(name)), None)


RULES = (
    Rule("guidance_of_family", "a cfg that the family cannot use", guidance_of_family),
    Rule("distilled_settings", "settings that a model for few steps cannot use", distilled_settings),
    Rule("sampler_sliders", "sampler values beyond the sane range", sampler_sliders),
)
