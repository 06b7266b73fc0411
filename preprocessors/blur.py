"""The picture without its detail, for nets that put detail back."""

from __future__ import annotations

import torch

from .entry import Detected, Option, Options, Preprocessor
from .filters import blurred
from .images.kinds import MAP_KINDS


def detect_blur(pictures: torch.Tensor, options: Options) -> Detected:
    """Gaussian blur of pictures [B,h,w,3] in 0..1."""
    return Detected(blurred(pictures.movedim(-1, 1), options["sigma"]).movedim(1, -1).contiguous())


BLUR = Preprocessor(
    method="blur",
    node_id="ArmatureBlur",
    title="Blur",
    summary="The picture blurred, for tile and blur control nets: they keep the composition and draw the detail anew.",
    version=2,
    makes=MAP_KINDS["tile"],
    wanted_by=("tile", "blur"),
    detect=detect_blur,
    options=(
        Option(
            "sigma",
            9.0,
            "Strength of the blur in pixels of the picture that the method sees. Larger: more is invented.",
            minimum=0.1,
            maximum=100,
            step=0.1,
        ),
    ),
    search_aliases=("gaussian blur", "blur controlnet", "tile blur", "soft picture"),
)
