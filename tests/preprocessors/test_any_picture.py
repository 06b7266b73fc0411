"""Any tensor that a node may hand over: a right map, or an error in words, whatever its type, shape and place in memory."""

from __future__ import annotations

import pytest
import torch
from armature_pack.models.control.fit import fit_control_image
from armature_pack.preprocessors.control_map import make_map
from armature_pack.preprocessors.images.map_check.check_maps import check_maps
from armature_pack.preprocessors.registry import ENTRIES, find_method
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("cv2")

FREE = [entry for entry in ENTRIES if not entry.files and entry.sees == "frames"]
SIZES = [(1, 1), (1, 8), (8, 1), (5, 3), (24, 33), (2, 300)]
TYPES = {
    "float32": lambda bytes_: bytes_.float() / 255,
    "float64": lambda bytes_: bytes_.double() / 255,
    "float16": lambda bytes_: bytes_.half() / 255,
    "bfloat16": lambda bytes_: bytes_.bfloat16() / 255,
    "bytes": lambda bytes_: bytes_,
    "whole numbers": lambda bytes_: bytes_.long(),
    "zeros and ones": lambda bytes_: (bytes_ > 127).int(),
    "booleans": lambda bytes_: bytes_ > 127,
    "floats to 255": lambda bytes_: bytes_.float(),
}
PLACES = {
    "together": lambda image: image.contiguous(),
    "channels first": lambda image: image.movedim(-1, 1).contiguous().movedim(1, -1),
    "every second": lambda image: image.repeat_interleave(2, 2)[:, :, ::2],
    "one for all": lambda image: image[:1].expand_as(image) if len(image) else image,
}


def bytes_of(batch: int, size: tuple[int, int], channels: int, seed: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    made = torch.randint(0, 256, (batch, *size, channels), generator=generator, dtype=torch.uint8)
    made[:1, :1, :1] = 255  # so that what counts to 255 shows it
    return made


@st.composite
def images(draw: st.DrawFn) -> torch.Tensor:
    batch, size, channels = draw(st.sampled_from([0, 1, 1, 3])), draw(st.sampled_from(SIZES)), draw(st.sampled_from([1, 2, 3, 3, 4]))  # fmt: skip  # noqa: E501
    kind, place = draw(st.sampled_from(list(TYPES))), draw(st.sampled_from(list(PLACES)))
    image = PLACES[place](TYPES[kind](bytes_of(batch, size, channels)))
    if not draw(st.booleans()):
        return image
    with torch.inference_mode():
        return image.clone()


def is_good(maps: torch.Tensor, shape: tuple[int, ...]) -> None:
    assert maps.shape == shape and maps.dtype == torch.float32 and torch.isfinite(maps).all()
    assert float(maps.amin()) >= -1 and float(maps.amax()) <= 1


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(images(), st.sampled_from(FREE), st.sampled_from(["native", "long_side", "pixel_perfect"]))
def test_every_method_gives_a_map_or_says_what_is_wrong(image, entry, mode):
    mask = torch.ones(1, *image.shape[1:3], dtype=torch.uint8) * 255 if entry.mask == "needed" else None
    options = {"camera_height": 9.0} if "camera_height" in {option.name for option in entry.options} else {}
    if len(image) == 0 or image.shape[-1] == 2:
        with pytest.raises(ValueError, match="batch is empty|1, 3 or 4 channels"):
            make_map(entry, image, options, mask=mask)
        return
    try:
        made = make_map(entry, image, options, mask=mask, resolution_mode=mode, resolution=64)
    except ValueError as error:  # a plan without a room guides nothing
        assert entry.method == "floor_plan_rooms" and "no room was found" in str(error)
        return
    is_good(made.maps, (*image.shape[:3], 3))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(images(), st.sampled_from(["crop", "stretch", "pad"]), st.sampled_from(SIZES))
def test_fit_and_check_take_any_picture_too(image, fit, size):
    if len(image) == 0 or image.shape[-1] == 2:
        for node in (lambda: fit_control_image(image, fit, "auto", *size), lambda: check_maps(image)):
            with pytest.raises(ValueError, match="batch is empty|1, 3 or 4 channels"):
                node()
        return
    fitted = fit_control_image(image, fit, "auto", size[1], size[0]).maps
    assert (
        fitted.shape == (len(image), *size, 3) and fitted.is_floating_point() and torch.isfinite(fitted.float()).all()
    )
    checked = check_maps(image, "auto", "repair")
    assert checked.report and checked.maps.shape[:3] == image.shape[:3]


@pytest.mark.parametrize("kind", ["float64", "bytes", "whole numbers", "floats to 255"])
@pytest.mark.parametrize("method", ["canny", "lineart_standard", "blur"])
def test_the_map_is_that_of_the_same_picture_in_floats(kind, method):
    pictures = bytes_of(2, (40, 56), 3)
    wanted = make_map(find_method(method), pictures.float() / 255, {}).maps
    made = make_map(find_method(method), TYPES[kind](pictures), {})
    assert torch.equal(made.maps, wanted)
    assert ("read as bytes" in made.report) == (kind == "floats to 255")


def test_a_picture_8192_pixels_wide_works():
    made = make_map(find_method("canny"), bytes_of(1, (6, 8192), 3), {})
    is_good(made.maps, (1, 6, 8192, 3))


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (torch.full((1, 8, 8, 3), 4000), "whole numbers from 4000 to 4000"),
        (torch.full((1, 8, 8, 3), -3), "whole numbers from -3"),
        (torch.ones(1, 8, 8, 3, dtype=torch.complex64), "complex numbers"),
    ],
)
def test_what_is_no_picture_is_refused_in_words(image, words):
    for node in (lambda: make_map(find_method("canny"), image, {}), lambda: check_maps(image), lambda: fit_control_image(image, "crop", "auto", 4, 4)):  # fmt: skip  # noqa: E501
        with pytest.raises(ValueError, match=words):
            node()
