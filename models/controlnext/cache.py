"""What the control network computed, kept for as long as it is of use within one sampling."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar

import torch

from .block_ending import Ending
from .blocks import Prepared

PREPARED_BYTES = 512 * 1024**2
_HINTS = 32  # more than a graph has; whoever makes a new image for every call must not fill the memory with them
RESIZED_BYTES = 256 * 1024**2

Value = TypeVar("Value", torch.Tensor, Prepared)


class Kept:
    """Values kept for a whole sampling up to a number of bytes; what does not fit is computed again when needed.

    The bound is what keeps the memory of a clip independent of its length.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.bytes = 0
        self._values: dict[Hashable, torch.Tensor | Prepared] = {}

    def get(self, key: Hashable, compute: Callable[[], Value]) -> Value:
        found = self._values.get(key)
        if found is not None:
            return found  # type: ignore[return-value]  # a key is used with one type only
        value = compute()
        size = value.bytes if isinstance(value, Prepared) else value.nbytes
        if self.bytes + size <= self.limit:
            self._values[key] = value
            self.bytes += size
        return value

    def holds(self, key: Hashable) -> bool:
        return key in self._values

    def clear(self) -> None:
        self._values.clear()
        self.bytes = 0


class MapCache:
    """Control maps of the current moment (timestep and window), and the parts that do not depend on the timestep.

    Copies of one loaded control net share it, so that conditionings with copies of their own but the same image cost
    nothing more. A hint is known by its memory; it is held here for that long, so that the address cannot be reused.
    """

    def __init__(self) -> None:
        self.prepared = Kept(PREPARED_BYTES)
        self.resized = Kept(RESIZED_BYTES)
        self._endings: dict[Hashable, tuple[Ending, ...]] = {}
        self._moment: Hashable = None
        self._maps: dict[Hashable, object] = {}
        self._hints: dict[Hashable, torch.Tensor] = {}

    def key_of(self, hint: torch.Tensor) -> Hashable:
        """A key by which the same pixels in the same order are recognised."""
        key = (hint.data_ptr(), hint.device, hint.dtype, tuple(hint.shape), hint.stride())
        if key not in self._hints and len(self._hints) >= _HINTS:
            self.clear()
        self._hints.setdefault(key, hint)
        return key

    def endings(self, key: Hashable, compute: Callable[[], tuple[Ending, ...]]) -> tuple[Ending, ...]:
        """How the blocks end: at most 33 MB of kernels on a device, kept for the sampling."""
        if key not in self._endings:
            self._endings[key] = compute()
        return self._endings[key]

    def map(self, moment: Hashable, key: Hashable, compute: Callable[[], object]) -> object:
        """The map for `key` at `moment`; the maps of an earlier moment are dropped."""
        if moment != self._moment:
            self._maps.clear()
            self._moment = moment
        if key not in self._maps:
            self._maps[key] = compute()
        return self._maps[key]

    def clear(self) -> None:
        self.prepared.clear()
        self.resized.clear()
        self._endings.clear()
        self._maps.clear()
        self._hints.clear()
        self._moment = None
