"""On which steps the control map is made anew: on each, or on every n-th, and the steps between use the map before."""

from __future__ import annotations

import torch


class HeldSigmas:
    """The sigmas that a map is made for. every: 1 makes one for each step."""

    def __init__(self, every: int = 1) -> None:
        self.every = every
        self._now: tuple[float, ...] | None = None
        self._held: torch.Tensor | None = None
        self._age = 0

    def at(self, sigmas: torch.Tensor) -> torch.Tensor:
        """sigmas: [images] of this call; returns those of the last step that makes a map. A change of sigma is a step."""
        if self.every == 1:
            return sigmas
        now = tuple(sigmas.tolist())
        if now != self._now:
            self._now, self._age = now, self._age + 1
            if self._held is None or self._held.shape != sigmas.shape or self._age >= self.every:
                self._held, self._age = sigmas.clone(), 0
        assert self._held is not None
        return self._held

    def clear(self) -> None:
        """Before and after a sampling."""
        self._now, self._held, self._age = None, None, 0
