"""The host's own models behind our methods: real loading and running on random weights, and the reading of their answers."""

from __future__ import annotations

import inspect
import shutil
from dataclasses import dataclass

import numpy as np
import pytest
import real_weights
import torch
from armature_pack.preprocessors.control_map import control_map, make_map
from armature_pack.preprocessors.pose.example_poses import example_poses
from armature_pack.preprocessors.registry import find_method
from armature_pack.tests.generated.unet import NO_MIDDLE_BLOCK, UNet
from armature_pack.tests.host_parts import needs_method


def depth_anything_3(draft) -> None:
    """The smallest network of its kind (ViT-S) with random weights and a sky head."""
    import comfy.ops
    from comfy.ldm.depth_anything_3.model import DepthAnything3Net
    from safetensors.torch import save_file

    torch.manual_seed(0)
    network = DepthAnything3Net(
        backbone_name="vits", out_layers=(2, 5, 8, 11), head_dim_in=384, head_features=32, head_out_channels=(16, 16, 16, 16),
        operations=comfy.ops.disable_weight_init,
    )  # fmt: skip
    weights = {name: torch.randn(value.shape) * 0.02 for name, value in network.state_dict().items()}
    save_file({name: value.half() for name, value in weights.items()}, str(draft))


@needs_method("depth_anything_3")
def test_depth_anything_3_is_loaded_and_run_by_the_host(annotators, small):
    stored = real_weights.once("depth_anything_3_vits.safetensors", depth_anything_3)
    shutil.copy(stored, annotators / "depth_anything_3_mono_large.safetensors")
    maps, report = control_map(find_method("depth_anything_3"), small, {"network_size": 140})
    assert maps.shape == small.shape and "Depth Anything 3 (version 2)" in report
    from comfy_extras.nodes_depth_anything_3 import DA3Inference, LoadDA3Model

    model = LoadDA3Model.execute("depth_anything_3_mono_large.safetensors", "default").result[0]  # type: ignore[index]
    geometry = DA3Inference.execute(model, small, 140, "upper_bound_resize", {"mode": "mono"}).result[0]  # type: ignore[index]
    depth = torch.where(geometry["sky"] < 0.3, geometry["depth"], torch.inf)[0]
    known = depth[depth.isfinite()]
    low, high = torch.quantile(known, torch.tensor([0.01, 0.99]))
    expected = torch.where(depth.isfinite(), 1 - ((depth - low) / (high - low)).clamp(0, 1), 0.0)
    assert torch.allclose(maps[0, ..., 0], expected, atol=0.02)


def test_the_sky_is_black_and_near_is_white(monkeypatch):
    from armature_pack.preprocessors.depth.scaling import near_is_white
    from armature_pack.preprocessors.entry import Detected
    from armature_pack.preprocessors.grey import as_grey_maps

    distance = torch.tensor([[[1.0, 2.0], [3.0, torch.inf]]])
    found = near_is_white(Detected(as_grey_maps(distance)), {"normalize_over": "picture"}, far_is_large=True)
    assert found.maps[0, ..., 0].tolist() == [[1.0, 0.5], [0.0, 0.0]]
    flat = near_is_white(Detected(as_grey_maps(torch.full((1, 4, 4), 7.0))), {"normalize_over": "clip"})
    assert flat.maps.max() == 0, "a flat wall has no depth, and no noise"
    nothing = near_is_white(Detected(as_grey_maps(torch.full((1, 4, 4), torch.inf))), {"normalize_over": "clip"})
    assert nothing.maps.max() == 0


@needs_method("normal_moge")
@pytest.mark.parametrize(("convention", "colour"), [("bae", (0.2, 0.9, 0.5)), ("opengl", (0.8, 0.9, 0.5))])
def test_moge_normals_are_turned_into_the_axes_of_the_nets(annotators, monkeypatch, convention, colour):
    """MoGe's y points down and its z into the picture: right and up is (0.6, -0.8, 0)."""
    from armature_pack.preprocessors import learned_normals
    from comfy.ldm.moge.model import MoGeModel

    assert "resolution_level" in inspect.signature(MoGeModel.infer).parameters

    class Answering:
        def infer(self, pictures, resolution_level):
            normal = torch.tensor([0.6, -0.8, 0.0]).expand(len(pictures), *pictures.shape[2:], 3).clone()
            normal[:, 0] = 0
            return {"normal": normal}

    (annotators / "moge_2_vitl_normal_fp16.safetensors").touch()
    monkeypatch.setattr(learned_normals, "_moge", lambda _path: Answering())
    maps, _ = control_map(find_method("normal_moge"), torch.rand(1, 6, 8, 3), {"convention": convention})
    assert torch.allclose(maps[0, 3, 3], torch.tensor(colour)), "red, green, blue"
    assert torch.allclose(maps[0, 0, 3], torch.tensor([0.5, 0.5, 1.0])), "where nothing is known it is flat"


def test_sdpose_is_the_hosts_extractor(annotators, monkeypatch):
    from armature_pack.preprocessors.pose import sdpose
    from comfy_api.latest import io
    from comfy_extras.nodes_sdpose import SDPoseKeypointExtractor

    asked = {}

    def execute(model, vae, image, batch_size, bboxes=None):
        asked.update(model=model, vae=vae, size=tuple(image.shape))
        return io.NodeOutput(example_poses("wave", len(image)))

    assert list(inspect.signature(SDPoseKeypointExtractor.execute).parameters) == list(inspect.signature(execute).parameters)  # fmt: skip  # noqa: E501
    (annotators / "sdpose_wholebody_fp16.safetensors").touch()
    monkeypatch.setattr(sdpose, "_loaded", lambda _path: ("model", "vae"))
    monkeypatch.setattr(SDPoseKeypointExtractor, "execute", execute)
    made = make_map(find_method("sdpose"), torch.rand(1, 512, 384, 3), {})
    assert asked == {"model": "model", "vae": "vae", "size": (1, 512, 384, 3)}
    assert "People found: 1." in made.report and len(made.poses[0]["people"]) == 1 and made.maps.max() == 1


def test_lotus_is_the_hosts_graph(annotators, monkeypatch, generated, small):
    """On a tiny SD1.5 network instead of Lotus' own, whose text vectors are shorter."""
    from armature_pack.preprocessors.depth import by_host

    shutil.copy(generated("sd15_checkpoint"), annotators / "lotus-depth-d-v1-1.safetensors")
    shutil.copy(generated("vae_taesd"), annotators / "vae-ft-mse-840000-ema-pruned.safetensors")
    monkeypatch.setattr(by_host, "_conditioning", lambda: [[torch.zeros(1, 2, 768), {}]])
    maps, _ = control_map(find_method("depth_lotus"), small, {})
    again, _ = control_map(find_method("depth_lotus"), small, {})
    assert maps.shape == small.shape and torch.equal(maps, again) and np.isclose(float(maps.amax()), 1)


@dataclass(frozen=True)
class PoseUNet(UNet):
    """A network with SDPose's head."""

    def model_config(self):
        config = super().model_config()
        config.unet_config |= {"heatmap_head": True}
        return config


def sdpose(draft) -> None:
    """SDPose's family on two levels with random weights; the head wants features 640 wide."""
    from armature_pack.tests.generated.vae import Taesd
    from safetensors.torch import save_file

    unet = PoseUNet("SD20", (1, 1), (1, 2), (1, 0), (0, 0, 0, 0), NO_MIDDLE_BLOCK)
    config = unet.model_config()
    network = config.process_unet_state_dict_for_saving(unet.weights(5, "float16"))
    vae = config.process_vae_state_dict_for_saving(Taesd(latent_format="SD15", dtype="float16").build(5))
    save_file({name: value.contiguous() for name, value in {**network, **vae}.items()}, str(draft))


@needs_method("sdpose")
def test_sdposes_network_is_loaded_and_run_by_the_host(annotators, monkeypatch):
    """At a quarter of its size, to be quick."""
    import comfy.sample
    import comfy.sd
    from comfy.ldm.modules.sdpose import HeatmapHead
    from comfy_extras.nodes_sdpose import SDPoseKeypointExtractor

    usual = HeatmapHead.__init__.__defaults__ or ()
    small = tuple((192, 256) if value == (768, 1024) else value for value in usual)
    assert small != usual
    monkeypatch.setattr(HeatmapHead.__init__, "__defaults__", small)
    path = annotators / "sdpose_wholebody_fp16.safetensors"
    shutil.copy(real_weights.once("sdpose_two_levels.safetensors", sdpose), path)
    pictures = torch.rand(1, 96, 64, 3, generator=torch.Generator().manual_seed(2))
    made = make_map(find_method("sdpose"), pictures, {})
    model, _, vae, *_ = comfy.sd.load_checkpoint_guess_config(str(path), output_vae=True, output_clip=False)
    (frames,) = SDPoseKeypointExtractor.execute(model, vae, pictures, batch_size=1).result  # type: ignore[misc]
    (person,), (expected,) = made.poses[0]["people"], frames[0]["people"]
    for part in ("pose_keypoints_2d", "hand_left_keypoints_2d", "hand_right_keypoints_2d", "face_keypoints_2d"):
        assert np.allclose(person[part], expected[part], atol=1e-4), part
    assert len({tuple(person["pose_keypoints_2d"][at : at + 2]) for at in range(0, 54, 3)}) > 9, "no two joints agree"
