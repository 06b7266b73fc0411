"""Control images and models that cannot work are refused with a reason."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from armature_pack.models.controlnext.control import ControlNeXt
from controlnext_recipes import applied, control, image, prompt, sampled

POSITIVE, NEGATIVE = prompt(1), prompt(2)


@pytest.fixture(scope="module")
def net() -> ControlNeXt:
    with torch.inference_mode():
        return control("sd15_training")


@pytest.mark.parametrize(
    ("hint", "message"),
    [
        (torch.zeros(3, 8, 8), "shape"),
        (torch.zeros(1, 4, 8, 8), "4 channels; RGB"),
        (torch.zeros(1, 1, 8, 8), "1 channels; RGB"),
        (torch.full((1, 3, 8, 8), torch.nan), "NaN"),
        (torch.zeros(0, 3, 8, 8), "empty"),
        (None, "NoneType"),
    ],
)
def test_unusable_images_are_refused_before_any_work(net, hint: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        net.copy().set_cond_hint(hint, 1.0)


def test_a_batch_that_does_not_match_is_refused(sd15, net) -> None:
    with pytest.raises(ValueError, match=r"got 3 control images for 2 latent images"):
        sampled(sd15, *applied(POSITIVE, NEGATIVE, net, image(3)), pictures=2)


def test_a_model_the_file_is_not_for_is_refused(sd15) -> None:
    with pytest.raises(ValueError, match=r"'svd\.safetensors'.*SVD v1.*is Stable Diffusion 1\.x"):
        sampled(sd15, *applied(POSITIVE, NEGATIVE, control("svd"), image()))
    with pytest.raises(ValueError, match=r"variant set to 'sdxl'.*is Stable Diffusion 1\.x"):
        sampled(sd15, *applied(POSITIVE, NEGATIVE, control("sdxl", "sdxl"), image()))
    with pytest.raises(ValueError, match=r"maps of 1280 channels, but the model being sampled has 320"):
        sampled(sd15, *applied(POSITIVE, NEGATIVE, control("sd15"), image()))


def test_auto_is_advised_only_where_it_helps(sd15) -> None:
    """A stem of SDXL has the keys of one trained for SD1.5; the networks for video have keys of their own."""
    with pytest.raises(ValueError, match="or set variant to auto"):
        sampled(sd15, *applied(POSITIVE, NEGATIVE, control("sdxl", "sdxl"), image()))
    sampled(sd15, *applied(POSITIVE, NEGATIVE, control("sdxl", "auto"), image()))
    with pytest.raises(ValueError, match="Load a model of Stable Video Diffusion") as refused:
        sampled(sd15, *applied(POSITIVE, NEGATIVE, control("svd", "svd"), image()))
    assert "auto" not in str(refused.value)
