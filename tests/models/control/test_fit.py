"""Fit Control Image: the size, what is told, the preview, and that a signal's own fit is the same."""

from __future__ import annotations

import pytest
import torch
from armature_pack.models.control.fit import fit_control_image, fitted
from armature_pack.preprocessors.images.tags import tag, tag_of

from .links import call, link, seen


def wide(batch: int = 1) -> torch.Tensor:
    return torch.rand(batch, 40, 80, 3, generator=torch.Generator().manual_seed(0))


def test_the_same_size_is_the_default_and_changes_nothing():
    image = wide()
    made = fit_control_image(image, "crop", "auto")
    assert made.maps is image and "nothing was changed" in made.report


@pytest.mark.parametrize("fit", ["crop", "stretch", "pad"])
@pytest.mark.parametrize(
    "target",
    [
        {"width": 64, "height": 64},
        {"target": torch.zeros(1, 64, 64, 3)},
        {"target": {"samples": torch.zeros(1, 4, 8, 8)}},
    ],
)
def test_every_way_of_giving_the_size(fit, target):
    made = fit_control_image(wide(2), fit, "continuous", **target)
    assert made.maps.shape == (2, 64, 64, 3) and fit in made.report
    assert torch.equal(made.maps, fitted(wide(2).movedim(-1, 1), 64, 64, fit, "continuous").movedim(1, -1))


def test_the_preview_shows_what_is_cut_and_what_is_left_free():
    image = torch.full((1, 40, 80, 3), 0.5)
    cut = fit_control_image(image, "crop", "continuous", 64, 64).preview
    assert (
        cut.shape == (1, 40, 80, 3)
        and "cuts 50% of its width" in fit_control_image(image, "crop", "auto", 64, 64).report
    )
    assert torch.equal(cut[:, :, 20:60], image[:, :, 20:60])
    assert (cut[:, :, :19, 0] > cut[:, :, :19, 1] + 0.2).all() and (cut[:, :, 61:, 0] > cut[:, :, 61:, 1] + 0.2).all()
    free = fit_control_image(image, "pad", "continuous", 64, 64).preview
    assert free.shape == (1, 64, 64, 3) and (free[:, :15, :, 2] > free[:, :15, :, 0] + 0.2).all()
    assert torch.allclose(free[:, 18:46], torch.full_like(free[:, 18:46], 0.5), atol=1e-5)


def test_one_side_alone_keeps_the_other():
    assert fit_control_image(wide(), "stretch", "auto", 0, 30).maps.shape == (1, 30, 80, 3)


def test_the_kind_of_map_stays_with_it():
    image = tag(wide(), "depth")
    assert tag_of(fit_control_image(image, "crop", "auto", 64, 64).maps) == "depth"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((wide(), "squeeze", "auto"), '"squeeze" is not one of crop'),
        ((wide(), "crop", "lines"), '"lines" is not one of auto'),
        ((wide(), "crop", "auto", 99999, 8), "99999x8 lies outside"),
        (("map.png", "crop", "auto"), "not str"),
    ],
)
def test_what_cannot_be_is_refused(arguments, words):
    with pytest.raises(ValueError, match="Fit Control Image") as error:
        fit_control_image(*arguments)
    assert words in str(error.value)


def test_a_signal_fits_in_the_same_way():
    made = link(fit="pad")
    image = torch.rand(1, 3, 32, 64)
    made.cond_hint_original = image
    call(made)
    assert torch.equal(made.inner.cond_hint_original, fitted(image, 64, 64, "pad")) and seen(made)


def test_a_smaller_area_after_a_wide_one_gets_the_map_afresh():
    """Fitting starts from the map as it came, whatever size was asked for before."""
    made = link(fit="stretch")
    image = torch.rand(1, 3, 64, 64)
    made.cond_hint_original = image
    options = {"cond_or_uncond": [0]}
    made.get_control(torch.zeros(1, 4, 8, 16), torch.full((1,), 500.0), {}, 1, options)
    assert made.inner.cond_hint_original.shape[-2:] == (64, 128)
    made.get_control(torch.zeros(1, 4, 8, 8), torch.full((1,), 500.0), {}, 1, options)
    assert made.inner.cond_hint_original is image
