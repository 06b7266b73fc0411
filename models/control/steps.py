"""Which step of a sampling this is: the host names no number, but its sigma changes from one step to the next."""

from __future__ import annotations


class StepCounter:
    """number: of the step, from 0; -1 before the first."""

    def __init__(self) -> None:
        self.number = -1
        self._sigma: object = None

    def at(self, sigma: object) -> int:
        """sigma: anything that can be compared (one number, or a tuple of those of the batch); returns the step's number."""
        if sigma != self._sigma:
            self._sigma = sigma
            self.number += 1
        return self.number

    def clear(self) -> None:
        """Before and after a sampling."""
        self._sigma, self.number = None, -1
