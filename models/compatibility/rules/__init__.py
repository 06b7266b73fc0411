"""All rules. A new one is a function in a file of this folder and one line here."""

from __future__ import annotations

from .controls import RULES as CONTROLS
from .families import RULES as FAMILIES
from .files import RULES as FILES
from .latents import RULES as LATENTS
from .lora import RULES as LORA
from .maps import RULES as MAPS
from .model_patches import RULES as MODEL_PATCHES
from .patches import RULES as PATCHES
from .precision import RULES as PRECISION
from .references import RULES as REFERENCES
from .rule import Rule
from .sampling import RULES as SAMPLING
from .structure import RULES as STRUCTURE
from .texts import RULES as TEXTS
from .understood import RULES as UNDERSTOOD

RULES: tuple[Rule, ...] = (
    *STRUCTURE,
    *FILES,
    *PRECISION,
    *FAMILIES,
    *MAPS,
    *CONTROLS,
    *MODEL_PATCHES,
    *REFERENCES,
    *PATCHES,
    *LORA,
    *LATENTS,
    *SAMPLING,
    *TEXTS,
    *UNDERSTOOD,
)


def find_rule(rule_id: str) -> Rule:
    """The rule with this id; KeyError when there is none."""
    return {rule.id: rule for rule in RULES}[rule_id]


__all__ = ["RULES", "Rule", "find_rule"]
