"""Line art by networks: realistic, coarse and anime."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import nn

from .backends import controlnet_aux
from .entry import Detect, Detected, Options, Preprocessor
from .images.kinds import MAP_KINDS
from .inference import network_output, unwrapped
from .line_drawing import BYTES_PER_PIXEL, STRIDE, build_line_drawing
from .model_files import ModelFile, annotator
from .network import fill
from .sizing import as_maps

_ANIME_STRIDE = 256  # eight halvings
_ANIME_BYTES = 1200

REALISTIC_WEIGHTS = annotator(
    "lineart",
    "sk_model.pth",
    "MIT",
    17,
    17_173_511,
    "c686ced2a666b4850b4bb6ccf0748031c3eda9f822de73a34b8979970d90f0c6",
)
COARSE_WEIGHTS = annotator(
    "lineart_coarse",
    "sk_model2.pth",
    "MIT",
    17,
    17_173_511,
    "30a534781061f34e83bb9406b4335da4ff2616c95d22a585c1245aa8363e74e0",
)
ANIME_WEIGHTS = annotator(
    "lineart_anime",
    "netG.pth",
    "MIT",
    218,
    217_631_959,
    "ccabdcc3f5cf3c07cf65d58776acb21df7dfda825cdc70c9766a93fd62bfc488",
)


def drawn_lines(method: str, file: ModelFile, pictures: torch.Tensor, _options: Options) -> Detected:
    """Pictures [B,h,w,3] to white lines on black: the network draws black on white."""
    drawing = network_output(
        method,
        file,
        build_line_drawing,
        pictures,
        bytes_per_pixel=BYTES_PER_PIXEL,
        stride=STRIDE,
        feed=torch.Tensor.contiguous,  # its normalisations are slow with the channels last
    )
    return Detected(as_maps(1 - drawing, (pictures.shape[1], pictures.shape[2])))


def anime_lines(method: str, pictures: torch.Tensor, _options: Options) -> Detected:
    """The same by Anime2Sketch, whose values go from -1 to 1."""
    drawing = network_output(
        method,
        ANIME_WEIGHTS,
        build_anime,
        pictures,
        bytes_per_pixel=_ANIME_BYTES,
        stride=_ANIME_STRIDE,
        feed=lambda values: values * 2 - 1,
    )
    return Detected(as_maps((0.5 - drawing / 2).clamp(0, 1), (pictures.shape[1], pictures.shape[2])))


def build_anime(weights: dict[str, Any]) -> nn.Module:
    """Anime2Sketch's generator of controlnet_aux."""
    norm = partial(nn.InstanceNorm2d, affine=False, track_running_stats=False)
    network = controlnet_aux("Lineart Anime", "lineart_anime").UnetGenerator(3, 1, 8, 64, norm_layer=norm)
    return fill(network, unwrapped(weights))


def _lineart(
    name: str, title: str, words: str, detect: Detect, weights: ModelFile, bytes_per_pixel: int
) -> Preprocessor:
    method = f"lineart_{name}"
    return Preprocessor(
        method=method,
        node_id=f"ArmatureLineart{title}",
        title=f"Lineart {title}",
        summary=f"White lines on black as an artist would draw them: {words}",
        version=2,
        makes=MAP_KINDS["lineart"],
        wanted_by=("lineart_anime",) if name == "anime" else ("lineart", "scribble"),
        detect=detect,
        files=(weights,),
        search_aliases=("line art", "lineart", "line drawing", "LineArtPreprocessor", "AnimeLineArtPreprocessor"),
        bytes_per_pixel=bytes_per_pixel,
        packages=("controlnet-aux", "timm") if name == "anime" else (),
        mistakes=(
            "**Black lines on white** are what people draw, but not what the nets want: do not invert this map.",
        ),
    )


LINEART_REALISTIC = _lineart(
    "realistic", "Realistic", "fine lines, for photographs.",
    partial(drawn_lines, "lineart_realistic", REALISTIC_WEIGHTS), REALISTIC_WEIGHTS, BYTES_PER_PIXEL,
)  # fmt: skip
LINEART_COARSE = _lineart(
    "coarse", "Coarse", "few, broad lines.",
    partial(drawn_lines, "lineart_coarse", COARSE_WEIGHTS), COARSE_WEIGHTS, BYTES_PER_PIXEL,
)  # fmt: skip
LINEART_ANIME = _lineart(
    "anime", "Anime", "clean outlines, for anime pictures and nets.",
    partial(anime_lines, "lineart_anime"), ANIME_WEIGHTS, _ANIME_BYTES,
)  # fmt: skip
