"""Whether the colours of a pose map are in the right order.

The colours of the limbs go through all hues, so each of them is also the swapped colour of another limb. The places tell:
orange to yellow-green are the arms, sea-green to sky-blue the legs, and the one is the other with red and blue swapped. In a
figure that stands or sits, the arms' colours lie above the legs'.
"""

from __future__ import annotations

import numpy as np

_LEAST = 0.02  # share of the figure that each of the two groups must have
_APART = 0.12  # of the figure's height


def red_and_blue_swapped(picture: np.ndarray) -> bool:
    """picture: uint8 RGB [H,W,3]. False where the figure shows too little of itself to tell."""
    values = picture.astype(np.int16)
    seen = values.max(2) > 60
    rows = np.flatnonzero(seen.any(1))
    if len(rows) < 16:
        return False
    arms, legs = _of_arms(values) & seen, _of_arms(values[..., ::-1]) & seen
    least = _LEAST * seen.sum()
    if arms.sum() < least or legs.sum() < least:
        return False
    height = rows[-1] - rows[0]
    return bool(_middle_row(arms) - _middle_row(legs) > _APART * height)


def _of_arms(values: np.ndarray) -> np.ndarray:
    """Orange to yellow-green: much green, some of the first channel, next to nothing of the last."""
    brightest = values.max(2)
    return (values[..., 2] < 0.1 * brightest) & (values[..., 1] > 0.6 * brightest) & (values[..., 0] > 0.2 * brightest)


def _middle_row(mask: np.ndarray) -> float:
    return float(np.nonzero(mask)[0].mean())
