"""What each of three parts does alone, and what it still does where the other two are at work as well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

import torch

from .measures import PictureMeasures, mean_and_error

# Each part's own measure, and which way it should move.
MEMBERS: dict[str, tuple[str, int]] = {"canny": ("edge_f1", 1), "LoRA": ("ink", 1), "IP-Adapter": ("floor", -1)}
_WORDS = {"edge_f1": "edge F1", "ink": "ink", "floor": "nearness of the floor's colour"}


def all_combinations() -> Iterator[tuple[str, ...]]:
    """None, each alone, each pair, all three."""
    for count in range(len(MEMBERS) + 1):
        yield from combinations(MEMBERS, count)


def row_name(members: tuple[str, ...]) -> str:
    """The row of these members; no caption, so that only they decide."""
    return f"{' and '.join(members) or 'nothing'}, no caption"


def effects(found: Mapping[str, PictureMeasures]) -> dict[str, dict[str, object]]:
    """For each part: its measure's gain alone and in company, [mean, standard error] over the scenes, and the share kept."""
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
            "alone": mean_and_error(alone),
            "in_company": mean_and_error(together),
            "kept": round(float(together.mean() / alone.mean()), 3),
        }
    return result


def interplay_lines(found: Mapping[str, Mapping[str, object]]) -> list[str]:
    """The same as a Markdown table; nothing when there is nothing."""
    if not found:
        return []
    lines = ["", "| part | its measure | gain alone | gain beside the other two | kept |", "|---|---|---|---|---|"]
    for member, row in found.items():
        alone, together = row["alone"], row["in_company"]
        assert isinstance(alone, list) and isinstance(together, list)
        lines.append(
            f"| {member} | {_WORDS[str(row['measure'])]} | {alone[0]:.3f} ± {alone[1]:.3f} "
            f"| {together[0]:.3f} ± {together[1]:.3f} | {row['kept']:.0%} |"
        )
    return lines
