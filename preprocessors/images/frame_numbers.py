"""Numbers of frames, summed up for people."""

from __future__ import annotations

from collections.abc import Iterable


def in_ranges(numbers: Iterable[int], what: str = "") -> str:
    """Numbers in ascending order, runs of three and more as ranges; what: their name in the singular, put in front.

    >>> in_ranges([7, 0, 1, 2, 3], "frame")
    'frames 0-3, 7'
    """
    ordered = sorted(set(numbers))
    runs: list[list[int]] = []
    for number in ordered:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    told = ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs)
    return f"{what}{'s' if len(ordered) > 1 else ''} {told}" if what else told
