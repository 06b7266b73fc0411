"""Networks whose trained weights no package ships, on weights made at random: the same output as their own reference."""

from __future__ import annotations

import numpy as np
import pytest
import real_weights
import torch
from armature_pack.preprocessors.backends import controlnet_aux
from armature_pack.preprocessors.control_map import control_map
from armature_pack.preprocessors.registry import find_method
from PIL import Image


@pytest.fixture(autouse=True)
def aux_and_seed():
    real_weights.controlnet_aux()
    torch.manual_seed(5)


@pytest.fixture(scope="module")
def picture() -> torch.Tensor:
    """128 x 192, whole bytes: sizes that the reference leaves as they are."""
    from skimage import data

    return torch.from_numpy(data.coffee()[100:228, 200:392].copy())[None] / 255


def theirs(detector, picture: torch.Tensor, **options) -> np.ndarray:
    pixels = Image.fromarray((picture[0] * 255).round().byte().numpy())
    return np.asarray(detector(pixels, detect_resolution=128, **options)).astype(float)


def compared(method: str, picture: torch.Tensor, expected: np.ndarray, options=None) -> float:
    """The greatest difference in levels of 255, beyond the fraction that the reference cuts off."""
    maps, _ = control_map(find_method(method), picture, options or {})
    difference = maps[0].numpy() * 255 - expected
    return float(max(difference.max() - 1, -difference.min(), 0))


def test_pidinet(annotators, picture):
    module = controlnet_aux("test", "pidi")
    network = module.model.pidinet()
    torch.save(
        {"state_dict": {f"module.{name}": value for name, value in network.state_dict().items()}, "epoch": 1},
        annotators / "table5_pidinet.pth",
    )
    expected = theirs(module.PidiNetDetector.from_pretrained(str(annotators)), picture, image_resolution=128)
    assert compared("softedge_pidinet", picture, expected, {"safe": False}) < 0.1


def test_teed(annotators, picture):
    module = controlnet_aux("test", "teed")
    torch.save(controlnet_aux("test", "teed.ted").TED().state_dict(), annotators / "5_model.pth")
    detector = module.TEEDdetector.from_pretrained(str(annotators), filename="5_model.pth")
    expected = theirs(detector, picture, safe_steps=0)
    assert compared("softedge_teed", picture, expected, {"safe": False}) < 0.1


def test_lineart_realistic_and_coarse(annotators, picture):
    module = controlnet_aux("test", "lineart")
    for name in ("sk_model.pth", "sk_model2.pth"):
        torch.save(module.Generator(3, 1, 3).state_dict(), annotators / name)
    detector = module.LineartDetector.from_pretrained(str(annotators))
    for method, coarse in (("lineart_realistic", False), ("lineart_coarse", True)):
        expected = theirs(detector, picture, image_resolution=128, coarse=coarse)
        # Theirs cuts before it inverts, so its fraction goes the other way.
        maps, _ = control_map(find_method(method), picture, {})
        assert np.abs(maps[0].numpy() * 255 - expected).max() < 1.01


def test_mlsd(annotators, picture, monkeypatch):
    module = controlnet_aux("test", "mlsd")
    network = controlnet_aux("test", "mlsd.models.mbv2_mlsd_large").MobileV2_MLSD_Large()
    torch.save(network.state_dict(), annotators / "mlsd_large_512_fp32.pth")
    detector = module.MLSDdetector.from_pretrained(str(annotators))
    expected = theirs(detector, picture, image_resolution=128)
    maps, _ = control_map(find_method("mlsd"), picture, {})
    assert expected.max() == 255 and np.mean((maps[0].numpy() > 0.5) != (expected > 127)) < 0.02


def test_the_lines_of_mlsd_are_decoded_where_they_lie():
    from armature_pack.preprocessors.mlsd import decoded_segments

    output = torch.zeros(9, 32, 32)
    output[0] = -10
    output[0, 12, 20] = 5
    output[1:5, 12, 20] = torch.tensor([-4.0, -2.0, 6.0, 3.0])
    assert np.allclose(decoded_segments(output, 0.1, 1.0), [[32, 20, 52, 30]])
    assert len(decoded_segments(output, 0.1, 50.0)) == 0 and len(decoded_segments(output, 0.999, 1.0)) == 0


def test_bae_has_the_axes_of_its_training(monkeypatch):
    """The network is large and says nothing untrained; what is ours is the reading of its answer."""
    from armature_pack.preprocessors import learned_normals

    normal = torch.tensor([0.6, 0.0, 0.8]).view(1, 3, 1, 1).expand(1, 3, 32, 32)
    monkeypatch.setattr(learned_normals, "network_output", lambda *_args, **_options: [[normal]])
    looked = {name: control_map(find_method("normal_bae"), torch.rand(1, 30, 20, 3), {"convention": name})[0][0, 5, 5] for name in ("bae", "opengl")}  # fmt: skip  # noqa: E501
    assert torch.allclose(looked["bae"], torch.tensor([0.8, 0.5, 0.9])) and torch.allclose(looked["opengl"], torch.tensor([0.2, 0.5, 0.9]))  # fmt: skip  # noqa: E501


def test_leres_reads_blue_green_red_and_far_is_black(monkeypatch):
    from armature_pack.preprocessors.depth import by_host

    fed = {}

    def network(_method, _file, _build, pictures, *, feed, **_options):
        fed["values"] = feed(pictures.movedim(-1, 1))
        return torch.linspace(1, 9, 64).view(1, 1, 1, 64).expand(1, 1, 32, 64)

    monkeypatch.setattr(by_host, "network_output", network)
    maps, _ = control_map(find_method("depth_leres"), torch.tensor([1.0, 0.0, 0.0]).expand(1, 32, 64, 3), {})
    assert fed["values"][0, 2].mean() > 1000 > fed["values"][0, 0].mean()
    assert maps[0, 0, 0, 0] == 1 and maps[0, 0, -1, 0] == 0


def test_openpose_people_come_from_the_grouping(annotators, monkeypatch):
    from armature_pack.preprocessors.pose import openpose

    candidates = np.array([[30.0, 12.0, 0.9, 0], [31.0, 30.0, 0.8, 1]])
    row = -np.ones(20)
    row[:2] = 0, 1
    person = openpose._person(candidates, row)
    assert person["pose_keypoints_2d"][:2].tolist() == [[30, 12, 1], [31, 30, 1]] and not person["pose_keypoints_2d"][2:].any()  # fmt: skip  # noqa: E501
