"""On which steps the control map is made anew: on each, or on every n-th, and the steps between use the map before."""

from __future__ import annotations

import torch

from ..control.steps import StepCounter


class HeldSigmas:
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
