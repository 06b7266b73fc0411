"""Numbers in words that stay short: runs of them as ranges."""

from __future__ import annotations

from collections.abc import Iterable


def in_ranges(numbers: Iterable[int], to: str = "-") -> str:
    """Each number once, in order, with runs as ranges.

    >>> in_ranges([7, 0, 1, 2, 3, 10, 11])
    '0-3, 7, 10-11'
    """
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{run[0]}{to}{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
