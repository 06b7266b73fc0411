"""Where a sigma lies in the sampling: the inverse of the host's `percent_to_sigma`."""

from __future__ import annotations

from collections.abc import Callable

_HALVINGS = 20  # 1e-6 of the sampling: far finer than the difference between two steps


def progress_of(sigma: float, percent_to_sigma: Callable[[float], float]) -> float:
    """Progress 0..1 at which the model's schedule reaches `sigma`.

    `percent_to_sigma` falls with rising percent in every model of the host, so halving the interval finds the place
    for any kind of schedule without knowing its formula.
    """
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if float(percent_to_sigma(middle)) > sigma:
            low = middle
        else:
            high = middle
    return (low + high) / 2
