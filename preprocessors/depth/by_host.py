"""Depth Anything 3 and Lotus through the host's own models, and LeReS through controlnet_aux."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn.functional import interpolate

from ...common.file_stamp import file_stamp
from ..backends import controlnet_aux
from ..entry import Detected, Option, Options, Preprocessor
from ..grey import as_grey_maps
from ..host_part import HostPart
from ..inference import as_bytes, by_imagenet, network_output, unwrapped
from ..model_files import ModelFile, annotator
from ..network import fill, load_once
from ..sizing import padded
from ..weights import find_weights
from .scaling import MAKES, MISTAKES, OVER, WANTED_BY, near_is_white

_SKY = 0.3  # probability from which the host's own node takes a pixel for sky
_LOTUS_STEP = 999.0  # the first and only noise level of the host's own graph
_LERES_BYTES = 2500

DEPTH_ANYTHING_3_WEIGHTS = ModelFile(
    "depth_anything_3",
    "Comfy-Org/Depth-Anything-3",
    "geometry_estimation/depth_anything_3_mono_large.safetensors",
    "geometry_estimation",
    "Apache-2.0",
    700,
)
LOTUS_WEIGHTS = ModelFile(
    "lotus", "Comfy-Org/lotus", "lotus-depth-d-v1-1.safetensors", "diffusion_models", "Apache-2.0", 1740
)
LOTUS_VAE = ModelFile(
    "sd15_vae",
    "stabilityai/sd-vae-ft-mse-original",
    "vae-ft-mse-840000-ema-pruned.safetensors",
    "vae",
    "MIT",
    335,
)
LERES_WEIGHTS = annotator(
    "leres",
    "res101.pth",
    "non-commercial (AdelaiDepth)",
    531,
    530_760_553,
    "1d696b2ef3e8336b057d0c15bc82d2fecef821bfebe5ef9d7671a5ec5dde520b",
    commercial=False,
)


def detect_depth_anything_3(pictures: torch.Tensor, options: Options) -> Detected:
    """Distances of pictures [B,h,w,3] by Depth Anything 3; the sky is infinitely far."""
    import comfy.model_management as management
    from comfy.ldm.depth_anything_3 import preprocess

    patcher = _host_model("depth_anything_3", DEPTH_ANYTHING_3_WEIGHTS)
    management.load_model_gpu(patcher)
    network = patcher.model.diffusion_model
    seen = preprocess.preprocess_image(
        pictures.to(management.get_torch_device()), process_res=options["network_size"], method="upper_bound_resize"
    )
    outputs = network(seen.to(network.dtype or torch.float32))
    depth = _full(outputs["depth"], pictures)
    if "sky" in outputs:
        depth = torch.where(_full(outputs["sky"], pictures) < _SKY, depth, torch.inf)
    return Detected(as_grey_maps(depth))


def detect_lotus(pictures: torch.Tensor, _options: Options) -> Detected:
    """Depth of pictures [B,h,w,3] by Lotus, the host's graph: one step of Euler without noise, then inverted."""
    import comfy.sample
    import comfy.samplers
    from comfy_extras.nodes_custom_sampler import Guider_Basic

    model, vae = _host_model("depth_lotus", LOTUS_WEIGHTS), _host_vae("depth_lotus", LOTUS_VAE)
    height, width = pictures.shape[1:3]
    whole = padded(pictures.movedim(-1, 1), 8).movedim(1, -1)
    latent = vae.encode(whole)
    guider = Guider_Basic(model)
    guider.set_conds(_conditioning())
    sigmas = torch.tensor([_LOTUS_STEP, 0.0])
    done = guider.sample(
        torch.zeros_like(latent), latent, comfy.samplers.sampler_object("euler"), sigmas, disable_pbar=True
    )
    grey = vae.decode(done)[..., :height, :width, :].mean(-1)
    return Detected(as_grey_maps(1 - grey.reshape(len(pictures), height, width)))


def _conditioning() -> Any:
    from comfy_extras.nodes_lotus import LotusConditioning

    found = LotusConditioning.execute().result
    return found[0] if found else []


def detect_leres(pictures: torch.Tensor, _options: Options) -> Detected:
    """Distances of pictures [B,h,w,3] by LeReS."""
    depth = network_output(
        "depth_leres",
        LERES_WEIGHTS,
        build_leres,
        pictures,
        bytes_per_pixel=_LERES_BYTES,
        stride=32,
        feed=_as_leres_reads,
    )
    return Detected(as_grey_maps(depth[:, 0, : pictures.shape[1], : pictures.shape[2]].float()))


def _as_leres_reads(pictures: torch.Tensor) -> torch.Tensor:
    """Blue, green, red in 0..255 with the mean of 0..1 taken out: so the annotator's weights have always been fed."""
    return by_imagenet(as_bytes(pictures).flip(1))


def build_leres(weights: dict[str, Any]) -> nn.Module:
    """LeReS' ResNeXt-101 of controlnet_aux, without its trainer."""
    module = controlnet_aux("LeReS Depth", "leres.leres.multi_depth_model_woauxi")
    return fill(module.RelDepthModel(backbone="resnext101").depth_model, _inner(unwrapped(weights, "depth_model")))


def _inner(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name.removeprefix("depth_model."): value for name, value in weights.items()}


def _full(values: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
    size = (pictures.shape[1], pictures.shape[2])
    return interpolate(values.unsqueeze(1).float(), size, mode="bilinear", align_corners=False)[:, 0]


def _host_model(method: str, file: ModelFile) -> Any:
    import comfy.sd

    path = find_weights(method, file)
    return load_once((method, *file_stamp(path)), lambda: comfy.sd.load_diffusion_model(str(path)))


def _host_vae(method: str, file: ModelFile) -> Any:
    import comfy.sd
    import comfy.utils

    path = find_weights(method, file)
    return load_once(
        (method, *file_stamp(path)),
        lambda: comfy.sd.VAE(sd=comfy.utils.load_torch_file(str(path), safe_load=True)),
    )


def _finish_distance(detected: Detected, _size: tuple[int, int], options: Options) -> Detected:
    return near_is_white(detected, options, low=0.01, high=0.99, far_is_large=True)


def _finish_leres(detected: Detected, _size: tuple[int, int], options: Options) -> Detected:
    return near_is_white(detected, options, far_is_large=True)


def _finish_lotus(detected: Detected, _size: tuple[int, int], options: Options) -> Detected:
    return near_is_white(detected, options)


DEPTH_ANYTHING_3 = Preprocessor(
    method="depth_anything_3",
    node_id="ArmatureDepthAnything3",
    title="Depth Anything 3",
    summary="Depth by Depth Anything 3, ComfyUI's own model: the best detail, knows the sky; near is white.",
    version=2,
    makes=MAKES,
    wanted_by=WANTED_BY,
    detect=detect_depth_anything_3,
    options=(
        OVER,
        Option(
            "network_size",
            504,
            "Long side in pixels at which the network looks. More: more detail, slower.",
            minimum=140,
            maximum=2520,
            step=14,
        ),
    ),
    files=(DEPTH_ANYTHING_3_WEIGHTS,),
    search_aliases=("depth anything", "da3", "depth map", "DepthAnything_V3"),
    host_part=HostPart("ComfyUI's own Depth Anything 3", "comfy.ldm.depth_anything_3", "0.24.0"),
    finish=_finish_distance,
    mistakes=MISTAKES,
)
DEPTH_LOTUS = Preprocessor(
    method="depth_lotus",
    node_id="ArmatureDepthLotus",
    title="Lotus Depth",
    summary="Depth by Lotus, ComfyUI's own model, in one step of diffusion: fine structure; near is white.",
    version=2,
    makes=MAKES,
    wanted_by=WANTED_BY,
    detect=detect_lotus,
    options=(OVER,),
    files=(LOTUS_WEIGHTS, LOTUS_VAE),
    search_aliases=("lotus", "depth map", "diffusion depth"),
    finish=_finish_lotus,
    mistakes=MISTAKES,
)
DEPTH_LERES = Preprocessor(
    method="depth_leres",
    node_id="ArmatureDepthLeReS",
    title="LeReS Depth",
    summary="Depth by LeReS, for graphs that were made with it; near is white.",
    version=2,
    makes=MAKES,
    wanted_by=WANTED_BY,
    detect=detect_leres,
    options=(OVER,),
    files=(LERES_WEIGHTS,),
    search_aliases=("leres", "depth map", "LeReS-DepthMapPreprocessor"),
    bytes_per_pixel=_LERES_BYTES,
    finish=_finish_leres,
    packages=("controlnet-aux", "timm"),
    mistakes=MISTAKES,
)
