"""What the control network computed, kept for as long as it is of use within one sampling."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import torch

from ..guidance.bounded_cache import BoundedCache
from ..guidance.progress import StepCounter
from .block_ending import Ending

PREPARED_BYTES = 512 * 1024**2
_HINTS = 32  # more than a graph has; whoever makes a new image for every call must not fill the memory with them
RESIZED_BYTES = 256 * 1024**2


class MapCache:
    """Control maps of the current moment (timestep and window), and the parts that do not depend on the timestep.

    Copies of one loaded control net share it, so that conditionings with copies of their own but the same image cost
    nothing more. A hint is known by its memory; it is held here for that long, so that the address cannot be reused.
    """

    def __init__(self) -> None:
        self.prepared = BoundedCache(PREPARED_BYTES)
        self.resized = BoundedCache(RESIZED_BYTES)
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


# On which steps the control map is made anew: on each, or on every n-th, and the steps between use the map before.


class MapSigmas:
    """The sigmas that a map is made for. every: 1 makes one for each step."""

    def __init__(self, every: int = 1) -> None:
        self.every = every
        self._steps = StepCounter()
        self._held: torch.Tensor | None = None
        self._held_at = 0

    def at(self, sigmas: torch.Tensor) -> torch.Tensor:
        """sigmas: [images] of this call; returns those of the last step that makes a map. A change of sigma is a step."""
        if self.every == 1:
            return sigmas
        step = self._steps.at(tuple(sigmas.tolist()))
        if self._held is None or self._held.shape != sigmas.shape or step - self._held_at >= self.every:
            self._held, self._held_at = sigmas.clone(), step
        return self._held

    def clear(self) -> None:
        """Before and after a sampling."""
        self._steps.clear()
        self._held, self._held_at = None, 0
