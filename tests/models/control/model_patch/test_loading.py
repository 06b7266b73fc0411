"""Files of model patches through Load ControlNet, told by their headers."""

from __future__ import annotations

from typing import Any

import folder_paths
import pytest
import torch
from armature_pack.models.control.loading import load_control_net
from armature_pack.models.control.model_patch.net import ModelPatchNet
from armature_pack.models.control.signal import ControlSignal
from armature_pack.nodes.loaders import ArmatureLoadControlNet
from armature_pack.tests.models.control.sampling import picture
from safetensors.torch import save_file


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """The host's folders `controlnet` and `model_patches`, empty."""
    made = {name: tmp_path / name for name in ("controlnet", "model_patches")}
    for name, folder in made.items():
        folder.mkdir()
        monkeypatch.setitem(folder_paths.folder_names_and_paths, name, ([str(folder)], {".safetensors"}))
    folder_paths.filename_list_cache.clear()
    return made


def lllite_weights(channels: int = 3) -> dict[str, torch.Tensor]:
    """Of an Anima LLLite, whose sizes the host reads from the file."""
    generator = torch.Generator().manual_seed(3)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator) * 0.1

    width, half, embedding, inner, model = 16, 8, 12, 6, 32
    weights: dict[str, torch.Tensor] = {}

    def layer(name: str, *shape: int) -> None:
        weights[f"{name}.weight"], weights[f"{name}.bias"] = random(*shape), random(shape[0])

    stem = "lllite_conditioning1"
    layer(f"{stem}.conv1", half, channels, 4, 4)
    layer(f"{stem}.conv2", half, half, 3, 3)
    layer(f"{stem}.conv3", width, half, 4, 4)
    layer(f"{stem}.proj", embedding, width, 1, 1)
    for name, size in (("norm1", half), ("norm2", half), ("norm3", width), ("out_norm", embedding)):
        layer(f"{stem}.{name}", size)
    block = "lllite_dit_blocks_0_self_attn_q_proj"
    layer(f"{block}.down", inner, model)
    layer(f"{block}.mid", inner, inner + embedding)
    layer(f"{block}.cond_to_film", 2 * inner, embedding)
    layer(f"{block}.up", model, inner)
    weights[f"{block}.depth_embed"] = random(embedding)
    return weights


def test_a_model_patch_that_controls_is_loaded_as_a_control_net(folders):
    save_file(lllite_weights(), folders["model_patches"] / "anima_canny.safetensors", {"lllite.version": "2"})
    folder_paths.filename_list_cache.clear()
    schema: Any = ArmatureLoadControlNet.define_schema()
    assert "anima_canny.safetensors" in schema.inputs[0].options
    net = load_control_net("anima_canny.safetensors")
    assert isinstance(net, ModelPatchNet) and net.kind.layout == "anima_lllite"
    assert "anima_canny" in net.who and net.get_models() == [net.patcher]


def test_a_model_patch_from_the_hosts_loader_is_a_control_net_as_well(folders):
    from comfy_extras.nodes_model_patch import ModelPatchLoader

    save_file(lllite_weights(), folders["model_patches"] / "anima.safetensors", {"lllite.version": "2"})
    folder_paths.filename_list_cache.clear()
    (patch,) = ModelPatchLoader().load_model_patch("anima.safetensors")
    signal = ControlSignal(patch, picture(1))
    assert isinstance(signal.control_net, ModelPatchNet) and signal.kind == "Anima LLLite"


def test_in_the_wrong_folder_it_says_where_to_move_it(folders):
    save_file(lllite_weights(), folders["controlnet"] / "anima.safetensors")
    folder_paths.filename_list_cache.clear()
    with pytest.raises(ValueError, match="models/model_patches. Move it there"):
        load_control_net("anima.safetensors")


def test_another_file_of_that_name_in_the_right_folder_is_not_taken_for_it(folders):
    save_file(lllite_weights(), folders["controlnet"] / "model.safetensors")
    save_file({"feature_embedder.mid_layer_norm.bias": torch.zeros(4)}, folders["model_patches"] / "model.safetensors")
    folder_paths.filename_list_cache.clear()
    with pytest.raises(ValueError, match="Move it there under another name"):
        load_control_net("model.safetensors")


@pytest.mark.parametrize(
    "weights",
    [
        {name: value for name, value in lllite_weights().items() if ".up." not in name},
        {name: value for name, value in lllite_weights().items() if "conditioning1" in name},
        {"controlnet_blocks.0.y_rms.weight": torch.zeros(4)},
        {"control_all_x_embedder.2-1.weight": torch.zeros(4, 4)},
        {"controlnet_patch_embedding.weight": torch.zeros(4, 4, 1, 2, 2)},
    ],
)
def test_a_patch_that_is_not_whole_is_named(folders, weights):
    save_file(weights, folders["model_patches"] / "half.safetensors")
    folder_paths.filename_list_cache.clear()
    with pytest.raises(ValueError, match="'half.safetensors' cannot be loaded.*It is not whole"):
        load_control_net("half.safetensors")


def test_a_patch_that_controls_nothing_is_named(folders):
    save_file({"feature_embedder.mid_layer_norm.bias": torch.zeros(4)}, folders["model_patches"] / "uso.safetensors")
    folder_paths.filename_list_cache.clear()
    with pytest.raises(ValueError, match="uso.safetensors"):
        load_control_net("uso.safetensors")
    with pytest.raises(ValueError, match="controls no sampling"):
        ControlSignal(_Patcher(), picture(1))


class _Patcher:
    """A MODEL_PATCH of another kind."""

    model = torch.nn.Linear(1, 1)
