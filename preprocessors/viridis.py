"""Depth as viridis colours, the form that ControlNeXt's depth weights were trained on."""

from __future__ import annotations

import numpy as np
import torch

from .entry import Detected, Option, Options, Preprocessor
from .images.kinds import MAP_KINDS


def detect_viridis(pictures: torch.Tensor, options: Options) -> Detected:
    """Grey depth maps [B,h,w,3] in 0..1 to viridis colours: near is dark purple (0), far is yellow (1).

    Convention of the VIDIT depth data; pixels without depth are dark purple too. Colours: matplotlib's viridis.
    """
    depth = pictures.mean(-1)
    distance = depth if options["near"] == "black" else 1 - depth
    if options["black_is_empty"]:
        distance = torch.where(depth <= 0.5 / 255, 0.0, distance)
    return Detected(_coloured(distance, _table().to(distance)))


def _coloured(value: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    """Look up values 0..1 in a table [N,3], linearly between its entries; [B,h,w] -> [B,h,w,3]."""
    position = value.clamp(0, 1) * (len(table) - 1)
    below = position.floor().long()
    above = (below + 1).clamp(max=len(table) - 1)
    share = (position - below).unsqueeze(-1)
    return table[below] * (1 - share) + table[above] * share


def _table() -> torch.Tensor:
    """The 256 colours as [256,3] in 0..1, from OpenCV, which has them as blue, green, red."""
    try:
        import cv2
    except ImportError:
        raise ValueError(
            "Depth to Viridis: OpenCV is missing. Install opencv-python-headless into ComfyUI's Python."
        ) from None
    ramp = np.arange(256, dtype=np.uint8).reshape(-1, 1)
    colours = cv2.applyColorMap(ramp, cv2.COLORMAP_VIRIDIS).reshape(256, 3)
    return torch.from_numpy(colours[:, ::-1].astype(np.float32) / 255)


DEPTH_TO_VIRIDIS = Preprocessor(
    method="depth_to_viridis",
    node_id="ArmatureDepthToViridis",
    title="Depth to Viridis",
    summary="Colours a grey depth map: near dark purple, far yellow. ControlNeXt's depth weights want such maps.",
    version=2,
    makes=MAP_KINDS["depth_viridis"],
    wanted_by=("depth_viridis",),
    detect=detect_viridis,
    options=(
        Option(
            "near",
            "white",
            "What near is in the map that comes in. white: as MiDaS, Depth Anything and ComfyUI's depth nodes give it.",
            choices=("white", "black"),
        ),
        Option(
            "black_is_empty",
            False,
            "On: black means 'no depth' (sky, cut out background) and becomes dark purple, as in the training data.",
        ),
    ),
    search_aliases=("viridis", "vidit depth", "depth colormap", "inverse depth", "controlnext depth"),
    sample="depth_map",
    sample_options={"black_is_empty": True},
    help_by_hand=True,
)
