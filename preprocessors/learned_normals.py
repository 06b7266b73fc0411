"""Normals by networks: BAE through controlnet_aux, MoGe-2 through the host."""

from __future__ import annotations

import contextlib
import io
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn
from torch.nn.functional import normalize

from ..common.file_stamp import file_stamp
from .backends import controlnet_aux
from .entry import Detected, Option, Options, Preprocessor
from .host_part import HostPart
from .inference import by_imagenet, network_output, unwrapped
from .model_files import ModelFile, annotator
from .network import fill, load_once, read_weights
from .normals import AXES, CONVENTION, MAKES, normal_maps
from .sizing import as_maps
from .weights import find_weights

_BAE_STRIDE, _BAE_BYTES = 32, 3000

BAE_WEIGHTS = annotator("normal_bae", "scannet.pt", "MIT", 291)
MOGE_WEIGHTS = ModelFile(
    "moge",
    "Comfy-Org/MoGe",
    "geometry_estimation/moge_2_vitl_normal_fp16.safetensors",
    "geometry_estimation",
    "MIT",
    660,
)


def detect_bae(pictures: torch.Tensor, options: Options) -> Detected:
    """Normals of pictures [B,h,w,3] by BAE, whose own axes are the convention `bae`; not made unit length, as in training."""
    found = network_output(
        "normal_bae",
        BAE_WEIGHTS,
        build_bae,
        pictures,
        bytes_per_pixel=_BAE_BYTES,
        stride=_BAE_STRIDE,
        feed=by_imagenet,
    )
    own, wanted = (torch.tensor([*AXES[name], 1.0]) for name in ("bae", options["convention"]))
    normals = found[0][-1][:, :3].float() * (own * wanted).view(-1, 1, 1).to(found[0][-1])
    return Detected(as_maps(((normals + 1) / 2).clamp(0, 1), (pictures.shape[1], pictures.shape[2])))


def detect_moge(pictures: torch.Tensor, options: Options) -> Detected:
    """Normals of pictures [B,h,w,3] by MoGe-2, whose y and z point down and into the picture; sky is flat."""
    path = find_weights("normal_moge", MOGE_WEIGHTS)
    model = load_once(file_stamp(path), lambda: _moge(path))
    found = model.infer(pictures.movedim(-1, 1).contiguous(), resolution_level=options["resolution_level"])
    if "normal" not in found:
        raise ValueError(
            f"MoGe Normal: {path} is a MoGe-1 file, which knows no normals. Use a MoGe-2 file with normals."
        )
    normals = found["normal"].float()
    flat = torch.tensor([0.0, 0.0, 1.0]).to(normals)
    facing = normalize(normals * torch.tensor([1.0, -1.0, -1.0]).to(normals), dim=-1)
    facing = torch.where((normals.norm(dim=-1, keepdim=True) > 0.5), facing, flat)
    return Detected(normal_maps(facing, options["convention"]))


def build_bae(weights: dict[str, Any]) -> nn.Module:
    """BAE's network of controlnet_aux."""
    module = controlnet_aux("BAE Normal", "normalbae.nets.NNET")
    settings = SimpleNamespace(
        mode="client", architecture="BN", pretrained="scannet", sampling_ratio=0.4, importance_ratio=0.7
    )
    with contextlib.redirect_stdout(io.StringIO()):  # it talks while it builds
        network = module.NNET(settings)
    return fill(network, unwrapped(weights, "model"))


def _moge(path: Any) -> Any:
    from comfy.ldm.moge.model import MoGeModel

    model = MoGeModel(read_weights("normal_moge", path))
    if model.load_device.type == "cpu":  # the host takes half precision there too, which torch cannot resize in
        model.dtype = torch.float32
    return model


NORMAL_BAE = Preprocessor(
    method="normal_bae",
    node_id="ArmatureNormalBAE",
    title="BAE Normal",
    summary="Surface normals by BAE, the network that ControlNet 1.1's normalbae was trained on.",
    version=2,
    makes=MAKES,
    wanted_by=("normal",),
    detect=detect_bae,
    options=(CONVENTION,),
    files=(BAE_WEIGHTS,),
    search_aliases=("normal bae", "normalbae", "normal map", "BAE-NormalMapPreprocessor"),
    bytes_per_pixel=_BAE_BYTES,
    packages=("controlnet-aux", "timm"),
)
NORMAL_MOGE = Preprocessor(
    method="normal_moge",
    node_id="ArmatureNormalMoGe",
    title="MoGe Normal",
    summary="Surface normals by MoGe-2, ComfyUI's own model: sharper than BAE, in the axes that your net wants.",
    version=2,
    makes=MAKES,
    wanted_by=("normal",),
    detect=detect_moge,
    options=(
        CONVENTION,
        Option("resolution_level", 9, "Detail at which the network looks: 0 is fastest, 9 finest.", 0, 9, 1),
    ),
    files=(MOGE_WEIGHTS,),
    search_aliases=("moge", "normal map", "geometry", "normalbae"),
    host_part=HostPart("ComfyUI's own MoGe", "comfy.ldm.moge", "0.24.0"),
)
