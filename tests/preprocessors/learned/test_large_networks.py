"""The large networks on weights made at random: LeReS, anime line art and BAE as in controlnet_aux, MoGe-2 as in the host."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import real_weights
import torch
from armature_pack.preprocessors import learned_normals, network
from armature_pack.preprocessors.backends import controlnet_aux
from armature_pack.preprocessors.control_map import control_map
from armature_pack.preprocessors.registry import find_method
from armature_pack.tests.host_parts import needs_method
from PIL import Image
from torch import nn


@pytest.fixture(scope="module")
def picture() -> torch.Tensor:
    """64 x 128, whole bytes: sizes that the references leave as they are."""
    from skimage import data

    return torch.from_numpy(data.coffee()[100:228:2, 200:456:2].copy())[None] / 255


def seeded(made: nn.Module) -> nn.Module:
    """Quick random weights that keep values in range, with normalisations that do nothing."""
    generator = torch.Generator().manual_seed(3)
    for name, value in made.state_dict().items():
        if name.endswith("running_var"):
            value.fill_(1)
        elif value.ndim > 1:
            value.uniform_(-1, 1, generator=generator).mul_((3 / value[0].numel()) ** 0.5)
        elif value.is_floating_point():
            value.fill_(1.0 if name.endswith("weight") else 0.0)
    return made.eval()


@pytest.fixture
def stored(annotators, monkeypatch):
    """A function that puts a state dict behind a file name, without writing hundreds of megabytes."""
    files: dict[str, dict[str, Any]] = {}
    monkeypatch.setattr(network, "read_weights", lambda _method, path: files[path.name])
    monkeypatch.setattr(learned_normals, "read_weights", lambda _method, path: files[path.name])

    def store(name: str, weights: dict[str, Any]) -> None:
        files[name] = weights
        (annotators / name).touch()

    return store


def beyond_rounding(maps: torch.Tensor, expected: np.ndarray) -> float:
    """The greatest difference in levels of 255 beyond the fraction that the reference cuts off."""
    difference = maps[0].numpy() * 255 - expected.astype(float)
    return float(max(difference.max() - 1, -difference.min(), 0))


def pixels_of(picture: torch.Tensor) -> np.ndarray:
    return (picture[0] * 255).round().byte().numpy()


def test_leres(stored, picture, monkeypatch):
    real_weights.controlnet_aux()
    module = controlnet_aux("test", "leres.leres.multi_depth_model_woauxi")
    with torch.device("meta"):  # its own random start takes seconds
        made = module.RelDepthModel(backbone="resnext101")
    made = seeded(made.to_empty(device="cpu"))
    names = {f"module.{name.removeprefix('depth_model.')}": value for name, value in made.state_dict().items()}
    stored("res101.pth", {"depth_model": names})
    monkeypatch.setattr(module, "RelDepthModel", lambda backbone: made)
    detector = controlnet_aux("test", "leres").LeresDetector(made, None)
    expected = detector(pixels_of(picture), detect_resolution=64, image_resolution=64, output_type="np")
    maps, _ = control_map(find_method("depth_leres"), picture, {})
    assert expected.std() > 5
    # Theirs is rounded to whole levels before it is turned round.
    assert np.abs(maps[0].numpy() * 255 - expected).max() < 1.01


def test_lineart_anime(stored):
    from skimage import data

    real_weights.controlnet_aux()
    module = controlnet_aux("test", "lineart_anime")
    norm = partial(nn.InstanceNorm2d, affine=False, track_running_stats=False)
    made = seeded(module.UnetGenerator(3, 1, 8, 64, norm_layer=norm))
    stored("netG.pth", {f"module.{name}": value for name, value in made.state_dict().items()})
    square = torch.from_numpy(data.coffee()[None, 100:356, 200:456].copy()) / 255  # theirs stretches all others
    expected = module.LineartAnimeDetector(made)(
        pixels_of(square), detect_resolution=256, image_resolution=256, output_type="np"
    )
    maps, _ = control_map(find_method("lineart_anime"), square, {})
    assert expected.std() > 5
    # Theirs is rounded to whole levels before it is turned round.
    assert np.abs(maps[0].numpy() * 255 - expected).max() < 1.01


def test_bae(stored, picture, monkeypatch):
    real_weights.controlnet_aux()
    module = controlnet_aux("test", "normalbae")
    settings = learned_normals.SimpleNamespace(
        mode="client", architecture="BN", pretrained="scannet", sampling_ratio=0.4, importance_ratio=0.7
    )
    made = seeded(module.NNET(settings))
    stored("scannet.pt", {"model": {f"module.{name}": value for name, value in made.state_dict().items()}})
    monkeypatch.setattr(controlnet_aux("test", "normalbae.nets.NNET"), "NNET", lambda _settings: made)
    pixels = Image.fromarray(pixels_of(picture))
    expected = np.asarray(module.NormalBaeDetector(made)(pixels, detect_resolution=64, image_resolution=64))
    maps, _ = control_map(find_method("normal_bae"), picture, {})
    assert expected.std() > 5 and beyond_rounding(maps, expected) < 0.1


def moge() -> nn.Module:
    """MoGe-2 with a backbone of four small layers."""
    import comfy.ops
    from comfy.ldm.moge.model import MoGeModelV2

    def stack(dim_in: list[Any], dim_out: list[Any]) -> dict[str, Any]:
        return {"dim_in": dim_in, "dim_res_blocks": [8] * 5, "dim_out": dim_out, "num_res_blocks": [1] * 5,
                "resamplers": ["conv_transpose"] * 4}  # fmt: skip

    backbone = {"hidden_size": 64, "num_attention_heads": 1, "num_hidden_layers": 4, "layer_norm_eps": 1e-6, "use_swiglu_ffn": False}  # fmt: skip  # noqa: E501
    inner = [8] * 5
    made = MoGeModelV2(
        encoder={"backbone": backbone, "intermediate_layers": [0, 1, 2, 3], "dim_out": 8},
        neck=stack([10, 2, 2, 2, 2], inner), points_head=stack(inner, [None] * 4 + [3]),
        mask_head=stack(inner, [None] * 4 + [1]), scale_head={"dims": [64, 32, 1]},
        normal_head=stack(inner, [None] * 4 + [3]), operations=comfy.ops.manual_cast,
    )  # fmt: skip
    return seeded(made)


@needs_method("normal_moge")
def test_moge_normals_are_the_hosts_in_the_axes_of_the_nets(stored, picture):
    from comfy.ldm.moge.model import MoGeModel

    weights = moge().state_dict()
    stored("moge_2_vitl_normal_fp16.safetensors", weights)
    maps, _ = control_map(find_method("normal_moge"), picture, {"convention": "opengl", "resolution_level": 0})
    model = MoGeModel(dict(weights))
    model.dtype = torch.float32  # on a processor the host's own choice, half precision, cannot be resized
    normal = model.infer(picture.movedim(-1, 1), resolution_level=0)["normal"][0].float()
    known = normal.norm(dim=-1) > 0.5
    expected = (normal * torch.tensor([1.0, -1.0, -1.0]) + 1) / 2
    assert known.any() and normal[known].std() > 0.05
    assert (maps[0][known] - expected[known]).abs().max() < 2e-3
