"""A cache for functions of texts that come from strangers: short ones are remembered, and a long one is never kept."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
_LONGEST = 256  # characters


def short_text_cache(function: Callable[P, R]) -> Callable[P, R]:
    """Remember the last 4096 answers of a function whose arguments are texts, so at most some megabytes of them."""
    known = lru_cache(maxsize=4096)(function)

    @wraps(function)
    def answer(*texts: P.args, **named: P.kwargs) -> R:
        for text in texts:
            if len(text) > _LONGEST:  # type: ignore[arg-type]
                return function(*texts, **named)
        return known(*texts, **named)  # type: ignore[arg-type]

    return answer
