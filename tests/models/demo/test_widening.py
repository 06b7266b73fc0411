"""The wide networks, inside the host's own classes, compute what the narrow ones do, on random weights."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from armature_pack.models.demo import codes
from armature_pack.models.demo.widening import others, unet
from armature_pack.models.demo.widening.repeat import widened
from armature_pack.tools.demo_training.networks.autoencoder import Autoencoder
from armature_pack.tools.demo_training.networks.control_next import ControlNeXt
from armature_pack.tools.demo_training.networks.image_prompt import ImagePrompt
from armature_pack.tools.demo_training.networks.unet import Added, ControlNet, UNet

CAPTIONS = ["a red ball, a blue cone and an orange cylinder on a beige floor", "a cyan pyramid on a gray floor"]


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.no_grad():
        yield


def shuffled(module: Any, seed: int) -> Any:
    """No weight is zero, no two channels alike."""
    torch.manual_seed(seed)
    for parameter in module.parameters():
        parameter.copy_(0.1 * torch.randn_like(parameter) + (0 if parameter.dim() > 1 else parameter))
    return module.eval()


def hosts_unet(weights):
    import comfy.ops
    from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel

    network = UNetModel(
        **unet.CONFIGURATION,
        out_channels=4,
        transformer_depth_output=unet._UP,
        operations=comfy.ops.disable_weight_init,
    )
    network.load_state_dict(weights)
    return network.eval()


@pytest.fixture(scope="module")
def inputs():
    torch.manual_seed(1)
    tokens = codes.tokenize(CAPTIONS)
    padding = torch.full((2, codes.LENGTH - codes.SHORT), codes.END)
    full = codes.context(torch.cat((tokens, padding), 1))
    return {
        "x": torch.randn(2, 4, 16, 16),
        "t": torch.tensor([10.0, 700.0]),
        "text": codes.context(tokens),
        "full": torch.nn.functional.pad(full, (0, codes.TEXT_WIDTH - codes.CONTEXT)),
        "hint": torch.rand(2, 3, 128, 128),
    }


def test_unet_and_controlnet_with_the_short_text_equal_the_hosts_with_the_long(inputs):
    import comfy.ops
    from comfy.cldm.cldm import ControlNet as HostsControlNet

    narrow, control = shuffled(UNet(), 2), shuffled(ControlNet(), 3)
    bias = codes.padding_bias()
    residuals = control(inputs["x"], inputs["hint"], inputs["t"], inputs["text"], bias)
    expected = narrow(inputs["x"], inputs["t"], inputs["text"], bias, Added(residuals))
    host = HostsControlNet(**unet.CONFIGURATION, hint_channels=3, operations=comfy.ops.disable_weight_init)
    host.load_state_dict(unet.widen(control.state_dict(), unet.controlnet_shapes()))
    steering = host(inputs["x"], inputs["hint"], inputs["t"], inputs["full"])
    steering = {"output": list(steering["output"]), "middle": list(steering["middle"])}
    wide = hosts_unet(unet.widen(narrow.state_dict(), unet.unet_shapes()))
    found = wide(inputs["x"], timesteps=inputs["t"], context=inputs["full"], control=steering)
    assert (found - expected).abs().max() < 1e-4 * expected.abs().max()


def test_lora(inputs):
    narrow = shuffled(UNet(), 4)
    weights = {name: value.clone() for name, value in narrow.state_dict().items()}
    stems = ["input_blocks.1.1.transformer_blocks.0.attn2.to_k", "middle_block.1.transformer_blocks.0.attn1.to_q"]
    stems += ["output_blocks.4.0.in_layers.2", "input_blocks.4.1.proj_in"]
    lora, changed = {}, dict(weights)
    for stem in stems:
        weight = weights[f"{stem}.weight"]
        down, up = torch.randn(3, weight[0].numel()) / 8, torch.randn(len(weight), 3) / 8
        lora |= {f"{stem}.down": down, f"{stem}.up": up}
        changed[f"{stem}.weight"] = weight + (up @ down).view_as(weight)
    wide, shapes = unet.widen(weights, unet.unet_shapes()), unet.unet_shapes()
    expected = unet.widen(changed, shapes)
    table = unet.widen_lora(lora)
    for stem in stems:
        key = f"lora_unet_{stem.replace('.', '_')}"
        up, down = table[f"{key}.lora_up.weight"].flatten(1), table[f"{key}.lora_down.weight"].flatten(1)
        found = wide[f"{stem}.weight"] + (up @ down).view(shapes[f"{stem}.weight"])
        torch.testing.assert_close(found, expected[f"{stem}.weight"], atol=1e-6, rtol=1e-5)


def test_controlnext_in_the_packs_own_module():
    import comfy.ops
    from armature_pack.models.controlnext.module import ControlNeXtModule
    from armature_pack.models.files.layouts.controlnext import STEM

    narrow = shuffled(ControlNeXt(), 5)
    hint, timesteps = torch.rand(2, 3, 128, 128), torch.tensor([10.0, 700.0])
    expected = narrow(hint, timesteps).repeat_interleave(5, 1)
    wide = ControlNeXtModule(STEM, comfy.ops.manual_cast, torch.float32)
    wide.load_state_dict(others.widen_controlnext(narrow.state_dict()))
    torch.testing.assert_close(wide(hint, timesteps, stem_padding=1), expected, atol=1e-4, rtol=1e-4)


def test_autoencoder_in_the_hosts_class():
    from comfy.taesd.taesd import TAESD

    narrow = shuffled(Autoencoder(), 6)
    host = TAESD(latent_channels=4)
    host.load_state_dict(others.widen_autoencoder(narrow.state_dict(), 0.18215))
    picture, latent = torch.rand(1, 3, 64, 64), torch.randn(1, 4, 8, 8)
    # Random weights without normalisation make numbers of thousands: rounding counts against the largest of them.
    for found, expected in (
        (host.encode(picture * 2 - 1) * 0.18215, narrow.encode(picture)),
        (host.decode(latent / 0.18215) * 0.5 + 0.5, narrow.decode(latent)),
    ):
        torch.testing.assert_close(found, expected, atol=1e-5 * float(expected.abs().max()), rtol=0)


def test_text_encoder_in_the_hosts_clip():
    import comfy.sd

    clip = comfy.sd.load_text_encoder_state_dicts([others.text_encoder()], clip_type=comfy.sd.CLIPType.STABLE_DIFFUSION)
    tokens = clip.tokenize(CAPTIONS[0])
    numbers = torch.tensor([[int(token) for token, _weight in tokens["l"][0]]])
    found = clip.encode_from_tokens(tokens)
    torch.testing.assert_close(found[..., : codes.CONTEXT], codes.context(numbers), atol=2e-3, rtol=0)
    assert not found[..., codes.CONTEXT :].any()


def test_words_show_their_place_and_padding_shows_none():
    tokens = torch.tensor([[codes.START, *[320] * 40, *[codes.END] * 36]])
    text = codes.context(tokens)[0]
    words, padding = text[2:41], text[43:]
    places = words[:, codes.WORDS :]
    assert (words[:, : codes.WORDS] - words[0, : codes.WORDS]).abs().max() < 0.05, "the same word, but for its place"
    apart = (places[:, None] - places[None]).norm(dim=-1) + torch.eye(len(places)) * 99
    assert apart.min() > 1, "no two places look alike"
    assert (padding - padding[0]).abs().max() < 1e-3
    every_word = codes.word_codes()[: codes.START] @ codes.gate_weights()
    assert every_word.max() < codes.GATE < codes.word_codes()[codes.END] @ codes.gate_weights()


def test_image_encoder_and_ip_adapter(inputs):
    from comfy.clip_vision import load_clipvision_from_sd

    pictures = torch.rand(1, 3, 32, 32)
    pictures = torch.nn.functional.interpolate(pictures, scale_factor=4)
    expected = codes.embed(pictures)
    encoder = load_clipvision_from_sd(others.image_encoder())
    assert encoder is not None
    found = encoder.encode_image(pictures.movedim(1, -1))["image_embeds"].float()
    torch.testing.assert_close(found[:, : codes.EMBEDDING], expected, atol=2e-3, rtol=1e-2)
    adapter = shuffled(ImagePrompt(16), 7)
    table = unet.widen_ip_adapter(adapter.state_dict(), others.VISION_EMBEDDING)
    wide_tokens = table["image_proj.proj.weight"] @ found[0] + table["image_proj.proj.bias"]
    norm = (table["image_proj.norm.weight"], table["image_proj.norm.bias"])
    wide_tokens = torch.nn.functional.layer_norm(wide_tokens.view(4, 768), (768,), *norm)
    keys = adapter(expected)
    middle, first_up = 6, 7
    for layer, position in ((0, 0), (first_up, 6), (middle, 15)):
        wide_keys = wide_tokens @ table[f"ip_adapter.{2 * position + 1}.to_k_ip.weight"].T
        torch.testing.assert_close(wide_keys, keys[layer][0][0].repeat_interleave(5, -1), atol=5e-3, rtol=1e-2)


def test_a_width_that_does_not_divide_is_refused_by_name():
    with pytest.raises(ValueError, match=r"conv: \(3, 4\) cannot be widened to \(8, 4\)"):
        widened(torch.zeros(3, 4), (8, 4), "conv")
