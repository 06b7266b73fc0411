"""What each of three parts does alone, and what it still does where the other two are at work as well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

import torch

from ....commands.measure.results import estimate_text
from .measures import PictureMeasures, mean_and_error

# Each part's own measure, and which way it should move.
MEMBERS: dict[str, tuple[str, int]] = {"canny": ("edge_f1", 1), "LoRA": ("ink", 1), "IP-Adapter": ("floor", -1)}
_WORDS = {"edge_f1": "edge F1", "ink": "ink", "floor": "distance of the floor's colour"}


def all_combinations() -> Iterator[tuple[str, ...]]:
    """None, each alone, each pair, all three."""
    for count in range(len(MEMBERS) + 1):
        yield from combinations(MEMBERS, count)


def row_name(members: tuple[str, ...]) -> str:
    """The row of these members; no caption, so that only they decide."""
    return f"{' and '.join(members) or 'nothing'}, no caption"


def effects(found: Mapping[str, PictureMeasures]) -> dict[str, dict[str, Any]]:
    """For each part: its measure alone and with all three, its gain alone and in company, as [mean, standard error] over the
    scenes, and the share of the gain that is kept.

    The gain in company is over what the other two do by themselves. Where they do a part of it already, as outlines are edges,
    it is small though the picture is as wanted, which the measures themselves tell.
    """
    result = {}
    for member, (measure, sign) in MEMBERS.items():
        others = tuple(one for one in MEMBERS if one != member)

        def gain(
            members: tuple[str, ...], base: tuple[str, ...], measure: str = measure, sign: int = sign
        ) -> torch.Tensor:
            with_it, without = (getattr(found[row_name(one)], measure).double() for one in (members, base))
            return sign * (with_it - without)

        alone, together = gain((member,), ()), gain(tuple(MEMBERS), others)
        result[member] = {
            "measure": measure,
            "reached_alone": mean_and_error(getattr(found[row_name((member,))], measure)),
            "reached_together": mean_and_error(getattr(found[row_name(tuple(MEMBERS))], measure)),
            "alone": mean_and_error(alone),
            "in_company": mean_and_error(together),
            "kept": round(float(together.mean() / alone.mean()), 3),
        }
    return result


def interplay_lines(found: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The same as a Markdown table; nothing when there is nothing."""
    if not found:
        return []
    lines = [
        "",
        "| part | its measure | alone | all three | gain alone | gain beside the other two | kept |",
        "|---|---|---|---|---|---|---|",
    ]
    for member, row in found.items():
        told = (estimate_text(row[name]) for name in ("reached_alone", "reached_together", "alone", "in_company"))
        lines.append(f"| {member} | {_WORDS[row['measure']]} | {' | '.join(told)} | {row['kept']:.0%} |")
    return lines
