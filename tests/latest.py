"""Large things that several tests share: made when first asked for, dropped before the next is made and behind each file."""

from __future__ import annotations

import gc
from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

Made = TypeVar("Made")
_CLEARERS: list[Callable[[], None]] = []


def latest(count: int = 1) -> Callable[[Callable[..., Made]], Callable[..., Made]]:
    """A decorator: keep the results for the `count` arguments that were asked for last.

    functools.lru_cache drops the oldest result when the next one is there, so that for a moment there is one too many.
    """

    def keeping(make: Callable[..., Made]) -> Callable[..., Made]:
        kept: OrderedDict[Any, Made] = OrderedDict()
        _CLEARERS.append(kept.clear)

        @wraps(make)
        def get(*arguments: Any, **named: Any) -> Made:
            key = (arguments, tuple(sorted(named.items())))
            if key not in kept:
                while len(kept) >= count:
                    kept.popitem(last=False)
                gc.collect()  # a network of the host and its patcher refer to each other
                kept[key] = make(*arguments, **named)
            kept.move_to_end(key)
            return kept[key]

        return get

    return keeping


def drop_all() -> None:
    """Forget everything that is kept."""
    for clear in _CLEARERS:
        clear()
