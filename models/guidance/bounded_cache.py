"""What was computed for one sampling, within a bound of memory."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Protocol, TypeVar


class Sized(Protocol):
    """Anything that knows how many bytes it takes, as a tensor does."""

    @property
    def nbytes(self) -> int: ...


Value = TypeVar("Value", bound=Sized)


class BoundedCache:
    """Values for a whole sampling up to a number of bytes; what does not fit is computed again when needed.

    The bound is what makes the memory of a clip independent of its length. A key is used with one type only.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.bytes = 0
        self._values: dict[Hashable, Any] = {}

    def get(self, key: Hashable, compute: Callable[[], Value]) -> Value:
        """The value for `key`, computed now unless it is held already."""
        held = self._values.get(key)
        if held is not None:
            return held
        value = compute()
        if self.bytes + value.nbytes <= self.limit:
            self._values[key] = value
            self.bytes += value.nbytes
        return value

    def holds(self, key: Hashable) -> bool:
        return key in self._values

    def clear(self) -> None:
        self._values.clear()
        self.bytes = 0
