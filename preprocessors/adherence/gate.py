"""A least score, and what happens below it."""

from __future__ import annotations

from dataclasses import replace

from .adherence import WHO, Adherence

POLICIES = ("report", "error")


def checked(made: Adherence, minimum: float, policy: str) -> Adherence:
    """The same, with a line about the minimum that every picture should reach; ValueError below it when policy is error."""
    if policy not in POLICIES:
        raise ValueError(f'{WHO}, input policy: "{policy}" is not one of {", ".join(POLICIES)}.')
    if minimum <= 0:
        return made
    if made.lowest >= minimum:
        return replace(made, report=f"{made.report}\nEvery picture reaches the minimum of {minimum:g}.")
    line = f"The lowest relative adherence, {made.lowest:.2f}, lies below the minimum of {minimum:g}."
    if policy == "error":
        raise ValueError(
            f"{WHO}: {line} Raise the control signal's weight or its end_percent, try another seed, or lower the minimum.\n"
            f"{made.report}"
        )
    return replace(made, report=f"{made.report}\n{line}")
