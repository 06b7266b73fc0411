"""The networks: the host detects the family that was meant, and samples with them."""

from __future__ import annotations

import pytest
import torch

FAMILIES = {
    "sd15_checkpoint": "SD15",
    "sd15_t2i_base": "SD15",
    "sd15_xs_checkpoint": "SD15",
    "sdxl_model": "KOALA_700M",
}


@pytest.mark.parametrize("name", FAMILIES)
def test_the_host_detects_the_family_and_samples(name, load, conditioning, sample, host_complaints) -> None:
    model = load(name)
    assert type(model.model.model_config).__name__ == FAMILIES[name]
    positive, other, negative = (conditioning(model, seed) for seed in range(3))
    latent = sample(model, positive, negative)
    assert latent.isfinite().all()
    assert latent.std() > 1
    assert not torch.equal(sample(model, other, negative), latent), "the conditioning does not act"
    assert host_complaints() == []


def test_the_sdxl_file_counts_as_sdxl(base_model) -> None:
    import comfy.model_base

    assert isinstance(base_model("sdxl_model").model, comfy.model_base.SDXL)


def test_the_blocks_where_controlnext_and_adapters_act_have_the_full_networks_width(base_model) -> None:
    blocks = base_model("sd15_checkpoint").model.diffusion_model.input_blocks
    assert [type(block[0]).__name__ for block in blocks[:4]] == ["Conv2d", "ResBlock", "ResBlock", "Downsample"]
    assert [blocks[2][0].out_channels, blocks[3][0].out_channels] == [320, 320]
