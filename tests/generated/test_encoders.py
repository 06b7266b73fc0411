"""The text encoder and the VAE, inside the checkpoint and as files of their own."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(scope="module")
def checkpoint(weights_file):
    import comfy.sd

    return comfy.sd.load_checkpoint_guess_config(weights_file("sd15_checkpoint"))[:3]


@pytest.fixture(scope="module")
def clip_file(weights_file):
    import comfy.sd

    return comfy.sd.load_clip([weights_file("clip_l")], clip_type=comfy.sd.CLIPType.STABLE_DIFFUSION)


@pytest.fixture(scope="module")
def vae_file(weights_file):
    import comfy.sd
    import comfy.utils

    return comfy.sd.VAE(sd=comfy.utils.load_torch_file(weights_file("vae_taesd")))


def _encode(clip, text: str) -> list:
    import nodes

    return nodes.CLIPTextEncode().encode(clip, text)[0]


def test_a_prompt_acts_on_the_sample(checkpoint, sample) -> None:
    model, clip, _ = checkpoint
    house, cat, empty = (_encode(clip, text) for text in ("a red house by the sea", "a blue cat", ""))
    assert house[0][0].shape == (1, 77, 768)
    first, second = sample(model, house, empty), sample(model, cat, empty)
    assert first.isfinite().all()
    assert (first - second).norm() > 0.05 * first.norm()


def test_the_clip_file_encodes_as_the_checkpoint_does(checkpoint, clip_file) -> None:
    texts = ("a red house", "a red house, (by the sea:1.3)")
    for text in texts:
        assert torch.equal(_encode(clip_file, text)[0][0], _encode(checkpoint[1], text)[0][0])


def test_the_vae_file_decodes_as_the_checkpoint_does(checkpoint, vae_file) -> None:
    latent = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1)) * 5
    assert torch.equal(vae_file.decode(latent), checkpoint[2].decode(latent))


def test_decoded_pictures_show_the_latent(vae_file) -> None:
    latents = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(1)) * 5
    pictures = vae_file.decode(latents)
    assert pictures.shape == (2, 64, 64, 3)
    clipped = ((pictures <= 0) | (pictures >= 1)).float().mean()
    assert clipped < 0.2, "a picture of pure black and white shows no difference"
    assert (pictures[0] - pictures[1]).abs().mean() > 0.01


def test_encoded_pictures_differ(vae_file) -> None:
    pictures = torch.rand(2, 64, 64, 3, generator=torch.Generator().manual_seed(1)).round()
    latents = vae_file.encode(pictures)
    assert latents.shape == (2, 4, 8, 8)
    assert latents.isfinite().all()
    assert not torch.equal(latents[0], latents[1])
