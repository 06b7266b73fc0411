"""Compact weights become files that the host's and the pack's own loaders accept; random weights stand for trained ones."""

from __future__ import annotations

import shutil

import pytest
import torch
from armature_pack.commands.demo.weights import written_models
from armature_pack.commands.private_host.files import cache_folder
from armature_pack.models.demo import export, weights_file
from armature_pack.tools.demo_training import packing
from armature_pack.tools.demo_training.networks.autoencoder import Autoencoder
from armature_pack.tools.demo_training.networks.control_next import ControlNeXt
from armature_pack.tools.demo_training.networks.image_prompt import ImagePrompt
from armature_pack.tools.demo_training.networks.unet import ControlNet, UNet
from armature_pack.tools.demo_training.training.files import write
from armature_pack.tools.demo_training.training.parts import STAGES

STEM = "input_blocks.1.1.transformer_blocks.0.attn2.to_k"


def trained() -> dict[str, dict[str, torch.Tensor]]:
    """What each part would leave behind."""
    torch.manual_seed(3)
    unet = UNet().state_dict()
    subset = {f"unet.{name}": value + 0.01 for name, value in unet.items() if "to_out" in name}
    return {
        "vae": Autoencoder().state_dict(),
        "unet": unet,
        "controlnet_canny": ControlNet().state_dict(),
        "controlnet_depth": ControlNet().state_dict(),
        "controlnext_canny": {
            **{f"module.{name}": value for name, value in ControlNeXt().state_dict().items()},
            **subset,
        },
        "ip_adapter": ImagePrompt(16).state_dict(),
        "lora_ink": {f"{STEM}.down": torch.randn(8, 256), f"{STEM}.up": torch.randn(64, 8)},
    }


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """A folder of compact weights, as `train-demo --pack` writes them."""
    training, target = tmp_path_factory.mktemp("training"), tmp_path_factory.mktemp("weights")
    for name, tensors in trained().items():
        write(training / f"{name}.safetensors", tensors, {"steps": 1})
    sizes = packing.pack_finished(training, target)
    assert set(sizes) == {stage.file for stage in STAGES}
    return target


@pytest.fixture(scope="module")
def models(packed, tmp_path_factory):
    """A models folder with every file."""
    from safetensors.torch import load_file

    folder = tmp_path_factory.mktemp("models")
    for file in export.FILES:
        export.write(file, folder, lambda part: weights_file.unpack(load_file(packed / f"{part}.safetensors")))
    yield folder
    shutil.rmtree(folder)  # most of a gigabyte


def path_of(models, name):
    return next(file for file in export.FILES if file.name == name).path(models)


def test_all_parts_fit_the_budget(packed):
    assert sum(path.stat().st_size for path in packed.glob("*.safetensors")) <= packing.BUDGET


def test_the_sizes_that_people_are_told_are_true():
    written = (
        written_models(cache_folder() / "demo") / "models"
    )  # of the embedded weights; those of `models` are others
    told = {file.name: file.megabytes for file in export.FILES}
    assert {file.name: round(file.path(written).stat().st_size / 1e6) for file in export.FILES} == told


def test_eight_bits_per_row_are_within_half_a_step():
    tensor = torch.randn(6, 5, 3, 3)
    found = weights_file.unpack(weights_file.pack({"weight": tensor}))["weight"]
    step = tensor.flatten(1).abs().amax(1).view(-1, 1, 1, 1) / 127
    assert ((found - tensor).abs() <= 0.51 * step + 0.13 * step).all()
    zeros = weights_file.unpack(weights_file.pack({"weight": torch.zeros(2, 2)}))["weight"]
    assert not zeros.any()


def test_the_host_reads_the_checkpoint(models):
    import comfy.sd

    model, clip, vae, _ = comfy.sd.load_checkpoint_guess_config(str(path_of(models, "armature_demo")))
    assert model is not None and clip is not None and vae is not None
    assert type(model.model.model_config).__name__ == "SD15"
    text = clip.encode_from_tokens(clip.tokenize("a red ball"))
    assert isinstance(text, torch.Tensor) and text.shape == (1, 77, 768)
    decoded = vae.decode(torch.zeros(1, 4, 4, 4))
    assert decoded.shape[1:] == (32, 32, 3)


@pytest.mark.parametrize("kind", ["canny", "depth"])
def test_the_host_reads_the_controlnets(models, kind):
    import comfy.controlnet

    control = comfy.controlnet.load_controlnet(str(path_of(models, f"armature_demo_{kind}")))
    assert type(control).__name__ == "ControlNet"


def test_the_pack_reads_controlnext_and_the_difference_is_what_was_learned(models):
    from armature_pack.models.controlnext.loading import load_controlnext
    from armature_pack.models.controlnext.unet_weights import load_unet_weights

    load_controlnext(path_of(models, "armature_demo_controlnext"))
    changes = load_unet_weights(path_of(models, "armature_demo_controlnext_weights"))
    biases = [value for name, value in changes.items() if name.endswith("bias")]
    assert biases
    for value in biases:
        torch.testing.assert_close(value.float(), torch.full_like(value.float(), 0.01), atol=1e-4, rtol=0)


def test_the_pack_reads_the_ip_adapter_and_the_host_its_encoder(models):
    import comfy.clip_vision
    from armature_pack.models.ip_adapter.loading import load_ip_adapter

    adapter = load_ip_adapter(path_of(models, "armature_demo_ip_adapter"))
    assert len(adapter.layer_shapes) == 16
    encoder = comfy.clip_vision.load(str(path_of(models, "armature_demo_clip_vision")))
    assert encoder is not None
    red, blue = (torch.zeros(1, 64, 64, 3) + torch.tensor(colour) for colour in ((0.8, 0.1, 0.1), (0.1, 0.2, 0.8)))
    one, other = (encoder.encode_image(picture)["image_embeds"].float() for picture in (red, blue))
    assert (one - other).abs().max() > 0.1


def test_the_host_finds_a_place_for_every_key_of_the_lora(models):
    import comfy.lora
    import comfy.sd
    import comfy.utils

    model, *_ = comfy.sd.load_checkpoint_guess_config(
        str(path_of(models, "armature_demo")), output_vae=False, output_clip=False
    )
    assert model is not None
    lora = comfy.utils.load_torch_file(str(path_of(models, "armature_demo_ink")), safe_load=True)
    found = comfy.lora.load_lora(lora, comfy.lora.model_lora_keys_unet(model.model, {}))
    assert list(found) == [f"diffusion_model.{STEM}.weight"]


def test_only_files_whose_parts_are_trained_are_offered():
    names = {file.name for file in export.available(("vae", "unet"))}
    assert names == {"armature_demo", "armature_demo_clip_vision"}


def test_a_part_that_is_not_there_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(weights_file, "WEIGHTS", tmp_path)
    with pytest.raises(FileNotFoundError, match="part unet is not in the pack"):
        weights_file.load("unet")
