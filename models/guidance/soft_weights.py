"""Soft weights: the rules by which a control net acts less in the layers of detail than in those of the layout.

Every rule starts from the distances of a net's layers: how many layers lie between each and the one that acts most on the
layout, which has 0 and the factor 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

RATIO = 0.825
RULES: tuple[str, ...] = ("distance", "webui", "guess_mode")

# What gives the layers their factors: a ControlNet of a UNet (a residual for each skip connection and one for the middle), a
# T2I-Adapter (a feature for each level of resolution), or what no rule has a list for: transformers, IP-Adapters.
Network = Literal["controlnet", "adapter", "other"]

_LISTED = 13  # residuals of an SD1.5 ControlNet, for which its authors made the list
_ADAPTER = (0.25, 0.62, 0.825, 1.0)
_LEAST = 0.1


def by_distance(distances: Sequence[float], ratio: float) -> list[float]:
    """ratio ** distance, so that the last layer has 1 in every net.

    On ControlNets this is the rule of ComfyUI-Advanced-ControlNet's Scaled Soft Weights (`adv_control/control.py`,
    `get_universal_weights`); on SD1.5 it is that of the WebUI too.
    """
    return [ratio**distance for distance in distances]


def webui(network: Network, distances: Sequence[float], ratio: float) -> list[float]:
    """The soft weights of the ControlNet extension for the WebUI (sd-webui-controlnet, `scripts/hook.py`, `UnetHook`).

    ControlNet: 0.825 ** (12 - i) for the residual i, the finest first; SD1.5 and SD2 have 13 of them, and SDXL takes the
    first 10 of the same list, so its middle has 0.825 ** 3 = 0.56. T2I-Adapter: 0.25, 0.62, 0.825 and 1 for its four
    features. The extension knows no other networks: these get `by_distance`.

    Another ratio than 0.825 takes its place in the list; for adapters, whose numbers are no powers, each factor is raised to
    log(ratio) / log(0.825), which keeps the numbers at 0.825 and makes them 1 at 1.
    """
    if network == "controlnet":
        missing = max(0, _LISTED - len(distances))
        return by_distance([distance + missing for distance in distances], ratio)
    if network == "adapter" and len(distances) == len(_ADAPTER):
        powers = [math.log(factor) / math.log(RATIO) for factor in _ADAPTER]
        return [ratio ** powers[len(powers) - 1 - round(distance)] for distance in distances]
    return by_distance(distances, ratio)


def guess_mode(distances: Sequence[float]) -> list[float]:
    """Log-spaced from 0.1 at the layer farthest from the layout to 1: diffusers' `guess_mode`.

    diffusers has it for the ControlNets of UNets (`models/controlnets/controlnet.py`, `ControlNetModel.forward`: scales
    `logspace(-1, 0)` over the residuals and the middle). Other networks get the same by their distances.
    """
    farthest = max(distances, default=0.0) or 1.0
    return [_LEAST ** (distance / farthest) for distance in distances]
