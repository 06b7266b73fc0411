"""The control object through the host's real UNet, against diffusers' UNets; the authors' numbers: test_fidelity."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from armature_pack.models.controlnext.injection import ControlAddition
from controlnext_recipes import BY_NAME, assert_reference, control, fixture, hint_for, model_inputs

TOLERANCE = 1e-4  # of what comes out of a UNet, which is about as large as noise
STRENGTHS = {"sd15_training": 0.35, "sdxl": 0.6}


def run(model: Any, name: str, variant: str) -> tuple[torch.Tensor, torch.Tensor, ControlAddition]:
    """(output without control, with control, the patch) of one call of the UNet."""
    latent, timestep, extra = model_inputs(name)
    link = control(variant).copy().set_cond_hint(hint_for(name), STRENGTHS.get(variant, 1.0))
    link.pre_run(model, model.model_sampling.percent_to_sigma)
    options: dict[str, Any] = {"cond_or_uncond": [1, 0] if "svd" in name else [0]}
    sigma = model.model_sampling.sigma(timestep)
    residuals = link.get_control(latent[:, :4], sigma, {}, len(options["cond_or_uncond"]), options)
    assert residuals is None
    (patch,) = next(iter(options["patches"].values()))
    without = model.diffusion_model(latent, timestep, **extra)
    return without, model.diffusion_model(latent, timestep, transformer_options=options, **extra), patch


@pytest.mark.parametrize("name", fixture("small_unet.json")["cases"])
def test_outputs_equal_diffusers(name: str, request: pytest.FixtureRequest) -> None:
    expected = fixture("small_unet.json")["cases"][name]
    model = request.getfixturevalue({"small_sd15": "sd15", "small_svd_v2": "svd"}[name]).model
    without, with_control, patch = run(model, name, expected["variant"])
    assert_reference(without, expected["y_no_control"], "without control", TOLERANCE)
    assert_reference(with_control, expected["y_with_control"], "with control", TOLERANCE)
    assert patch.block == ("input", 3)


def test_hidden_state_and_skip(sd15) -> None:
    """The map is added behind the block, and the skip connection keeps the hidden state without it."""
    seen: dict[str, torch.Tensor] = {}
    latent, timestep, extra = model_inputs("small_sd15")
    link = control("sd15_training").copy().set_cond_hint(hint_for("small_sd15"), 0.35)
    link.pre_run(sd15.model, sd15.model.model_sampling.percent_to_sigma)
    options: dict[str, Any] = {"cond_or_uncond": [0]}
    link.get_control(latent, sd15.model.model_sampling.sigma(timestep), {}, 1, options)
    key = "input_block_patch_after_skip"

    def spy(name: str):
        def patch(hidden: torch.Tensor, options: dict[str, Any]) -> torch.Tensor:
            if options["block"] == ("input", 3):
                seen[name] = hidden.clone()
                seen[f"{name} itself"] = hidden
            return hidden

        return patch

    def skips(hidden: torch.Tensor, skip: torch.Tensor, options: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
        seen[f"skip {options['block'][1]}"] = skip
        return hidden, skip

    options["patches"][key] = [spy("before"), *options["patches"][key], spy("after")]
    options["patches"]["output_block_patch"] = [skips]
    sd15.model.diffusion_model(latent, timestep, transformer_options=options, **extra)
    normalization = BY_NAME["sd15_training"].cross_normalization
    added = normalization(link.network.module(link.cond_hint_original, timestep[:1], 1), seen["before"])
    torch.testing.assert_close(seen["after"], seen["before"] + 0.35 * added)
    assert torch.equal(seen["before itself"], seen["before"])
    assert torch.equal(seen["skip 2"], seen["before"])  # the third block of the way up takes input block 3
