"""Surface normals: the axis conventions of the control nets, and normals from a depth map."""

from __future__ import annotations

import torch
from torch.nn.functional import normalize

from .entry import Detected, Option, Options, Preprocessor
from .filters import blurred
from .images.kinds import MAP_KINDS

# What red and green mean; blue always faces the viewer. (x sign, y sign) against right and up.
AXES = {"bae": (-1.0, 1.0), "opengl": (1.0, 1.0), "directx": (1.0, -1.0)}

CONVENTION = Option(
    "convention",
    "bae",
    "bae: red is left, green is top, as ControlNet 1.1 normalbae wants it; opengl: red is right, green is top; "
    "directx: red is right, green is bottom.",
    choices=tuple(AXES),
)
MAKES = MAP_KINDS["normal"]


def normal_maps(normals: torch.Tensor, convention: str) -> torch.Tensor:
    """Unit normals [B,h,w,3] (right, up, towards the viewer) as colours: (n + 1) / 2 with the signs of the convention."""
    signs = torch.tensor([*AXES[convention], 1.0]).to(normals)
    return ((normals * signs + 1) / 2).clamp(0, 1)


def normals_of_height(height: torch.Tensor, relief: float) -> torch.Tensor:
    """Unit normals [B,h,w,3] of heights [B,h,w] towards the viewer; `relief` is 0..1 of height in short sides of the map."""
    scale = relief * min(height.shape[-2:])
    down, right = (torch.gradient(height * scale, dim=axis)[0] if height.shape[axis] > 1 else torch.zeros_like(height)
                   for axis in (1, 2))  # fmt: skip
    return normalize(torch.stack([-right, down, torch.ones_like(height)], -1), dim=-1)


def detect_normal_from_depth(pictures: torch.Tensor, options: Options) -> Detected:
    """Normals of grey depth maps [B,h,w,3]."""
    near = pictures.mean(-1) if options["near"] == "white" else 1 - pictures.mean(-1)
    height = blurred(near.unsqueeze(1), options["smoothing"])[:, 0]
    normals = normals_of_height(height, options["relief"])
    flat = (near < options["background"]).unsqueeze(-1)
    normals = torch.where(flat, torch.tensor([0.0, 0.0, 1.0]).to(normals), normals)
    return Detected(normal_maps(normals, options["convention"]))


NORMAL_FROM_DEPTH = Preprocessor(
    method="normal_from_depth",
    node_id="ArmatureNormalFromDepth",
    title="Normal from Depth",
    summary="Surface normals worked out from a grey depth map. Needs no model.",
    version=2,
    makes=MAKES,
    wanted_by=("normal",),
    detect=detect_normal_from_depth,
    options=(
        CONVENTION,
        Option("near", "white", "What near is in the depth map that comes in.", choices=("white", "black")),
        Option(
            "relief",
            1.0,
            "Depth of the scene as a multiple of the picture's short side. Larger: steeper surfaces.",
            minimum=0.01,
            maximum=10,
            step=0.01,
        ),
        Option("smoothing", 1.5, "Blur of the depth in pixels, against steps.", minimum=0, maximum=20, step=0.1),
        Option("background", 0.05, "What is farther than this is flat, of 1.", minimum=0, maximum=1, step=0.01),
    ),
    search_aliases=("depth to normal", "midas normal", "normal map", "MiDaS-NormalMapPreprocessor"),
    mistakes=("**A photograph linked as image.** Make a depth map first; this method reads grey values as distance.",),
    sample="depth_map",
)
