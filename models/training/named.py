"""Files of a training folder, as people are told of them."""

from __future__ import annotations

import re
from collections.abc import Sequence

_MOST = 5


def first_few(names: Sequence[str]) -> str:
    """The first names, then a count of the others."""
    more = len(names) - _MOST
    return ", ".join(names[:_MOST]) + (f" and {more} more" if more > 0 else "")


def counted(count: int, what: str) -> str:
    """A number with its word: 1 picture, 2 pictures."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def natural(name: str) -> tuple[list[str | int], str]:
    """What to sort names by: numbers in them by their value."""
    parts = re.split(r"(\d+)", name.casefold())
    return [int(part) if index % 2 else part for index, part in enumerate(parts)], name
