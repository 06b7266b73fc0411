"""What Control Map tells besides its map: transparency, thresholds of another scale, empty masks, maps in place of pictures."""

from __future__ import annotations

import pytest
import torch
from armature_pack.models.control.fit import fit_control_image
from armature_pack.preprocessors.control_map import make_map
from armature_pack.preprocessors.images.example_pictures import example_picture
from armature_pack.preprocessors.images.frame_notes import summed_up
from armature_pack.preprocessors.images.frame_numbers import in_ranges
from armature_pack.preprocessors.images.map_check.check_maps import check_maps
from armature_pack.preprocessors.images.tags import tag
from armature_pack.preprocessors.registry import find_method
from armature_pack.tools.help.photographs import code

from .images.map_check import drawn_maps as drawn

pytest.importorskip("cv2")


def picture() -> torch.Tensor:
    return example_picture("astronaut")[:, ::2, ::2]


def report(method: str, image: torch.Tensor, **inputs) -> str:
    options = inputs.pop("options", {})
    return make_map(find_method(method), image, options, **inputs).report


# Transparency.


def white_lines() -> torch.Tensor:
    """Canny's lines, white, on a transparent ground that is white as well."""
    lines = make_map(find_method("canny"), picture(), {}).maps[..., :1]
    return torch.cat([torch.ones(1, 256, 256, 3), lines], -1)


def depth_on_nothing() -> torch.Tensor:
    """A ball, near is white, with nothing around it."""
    y, x = torch.meshgrid(torch.linspace(-1.4, 1.4, 256), torch.linspace(-1.4, 1.4, 256), indexing="ij")
    height = (1 - x**2 - y**2).clamp(min=0)
    return torch.cat([(height.sqrt() * 0.7 + 0.3).expand(3, -1, -1), (height > 0).float().unsqueeze(0)]).movedim(0, -1)[None]  # fmt: skip  # noqa: E501


def pose_on_nothing() -> torch.Tensor:
    figure = drawn.image(drawn.pose())
    return torch.cat([figure, (figure.amax(-1, keepdim=True) > 0).float()], -1)


@pytest.mark.parametrize("content", [white_lines, depth_on_nothing, pose_on_nothing], ids=["lines", "depth", "pose"])
def test_light_content_is_laid_on_black(content):
    image = content()
    on_black = image[..., :3] * image[..., 3:]
    fitted = fit_control_image(image, "stretch", "auto")
    assert torch.allclose(fitted.maps, on_black, atol=1e-6)
    assert "transparent in parts and looks like" in fitted.report and "laid on black" in fitted.report
    assert "laid on black" in check_maps(image).report


def test_a_photograph_is_laid_on_white_and_dark_ink_too():
    cut_out = torch.cat([picture(), torch.ones(1, 256, 256, 1)], -1)
    cut_out[:, :, :120, 3] = 0
    ink = torch.cat([torch.zeros(1, 256, 256, 3), white_lines()[..., 3:]], -1)
    for image in (cut_out, ink):
        fitted = fit_control_image(image, "stretch", "auto", 256, 256)
        assert torch.allclose(fitted.maps, image[..., :3] * image[..., 3:] + 1 - image[..., 3:], atol=1e-6)
        assert "laid on white" in fitted.report
    assert "laid on white" in report("canny", cut_out)
    whole = torch.cat([picture(), torch.ones(1, 256, 256, 1)], -1)
    assert "transparent" not in report("canny", whole)


@pytest.mark.parametrize("name", ["camera", "clock", "moon", "text", "coins", "retina"])
def test_a_cut_out_of_a_grey_or_smooth_photograph_is_laid_on_white(name):
    import numpy as np
    import skimage.data

    read = {"clock": "clock_motion.png", "retina": "retina.jpg"}.get(name)
    photograph = np.asarray(
        skimage.io.imread(f"{skimage.data.__path__[0]}/{read}") if read else getattr(skimage.data, name)()
    )
    seen = torch.from_numpy(photograph / 255).float()
    seen = seen[..., None].expand(-1, -1, 3) if seen.ndim == 2 else seen[..., :3]
    seen = torch.nn.functional.interpolate(seen.movedim(-1, 0)[None], (256, 256), mode="area").movedim(1, -1)
    y, x = torch.meshgrid(torch.linspace(-1, 1, 256), torch.linspace(-1, 1, 256), indexing="ij")
    disc = (x**2 + y**2 < 0.5).float()[None, ..., None]
    fitted = fit_control_image(torch.cat([seen, disc], -1), "stretch", "auto")
    assert "laid on white" in fitted.report and bool((fitted.maps[disc.expand_as(fitted.maps) == 0] == 1).all())


def test_a_cut_out_of_a_normal_map_is_laid_on_the_flat_ground():
    normals = drawn.image(drawn.normals())
    disc = torch.zeros(1, 384, 384, 1)
    disc[:, 60:320, 40:340] = 1
    fitted = fit_control_image(torch.cat([normals, disc], -1), "stretch", "auto")
    assert "looks like a normal map; it was laid on the flat ground" in fitted.report
    assert torch.allclose(fitted.maps[0, 0, 0], torch.tensor([128 / 255, 128 / 255, 1.0]))


# Thresholds on ComfyUI's scale.


def test_thresholds_from_0_to_1_are_read_and_told():
    ours = make_map(find_method("canny"), picture(), {"low_threshold": 102, "high_threshold": 204})
    theirs = make_map(find_method("canny"), picture(), {"low_threshold": 0.4, "high_threshold": 0.8})
    assert torch.equal(theirs.maps, ours.maps)
    assert "low_threshold 0.4 was read as a share of 255: 102" in theirs.report and "0 to 1" in theirs.report
    assert "was read as" not in ours.report
    to_white = report("canny", picture(), options={"low_threshold": 0.4, "high_threshold": 1.0})
    assert "low_threshold 102, high_threshold 255" in to_white and "high_threshold 1 was read as" in to_white
    cut = report("canny", picture(), options={"low_threshold": 0, "high_threshold": 0})
    assert "these options count from 0 to 255" in cut and "100 and 200 here" in cut
    assert "was read as a share of 255: 64" in report("scribble_xdog", picture(), options={"threshold": 0.25})


# Masks that blank everything.


def test_an_empty_mask_is_named_as_the_cause():
    pictures = picture().expand(5, -1, -1, -1)
    alone = report("canny", picture(), mask=torch.zeros(1, 64, 64))
    assert "map 0 is blank because the mask is all black" in alone and "loosen" not in alone
    masks = torch.zeros(5, 64, 64)
    masks[3] = 1
    some = report("canny", pictures, mask=masks)
    assert "maps 0-2, 4 are blank because the mask is all black" in some
    assert "loosen the options" in report("canny", torch.full((1, 64, 64, 3), 0.5))


def test_an_inpaint_mask_that_marks_nothing_says_why():
    black = report("inpaint_hint", picture(), mask=torch.zeros(1, 64, 64))
    assert "marks nothing, because it is all black" in black and "Load Image" in black and "invert" not in black
    faint = report("inpaint_hint", picture(), mask=torch.full((1, 64, 64), 0.3))
    assert "0.30 at most, so lower mask_threshold" in faint
    assert "marks everything" in report("inpaint_hint", picture(), mask=torch.ones(1, 64, 64))
    spot = torch.zeros(1, 64, 64)
    spot[0, 5, 5:9] = 1
    assert "Less than 1% of the picture" in report("inpaint_hint", picture(), mask=spot)


def test_a_drawing_that_is_light_on_dark_is_told():
    paper = torch.ones(1, 64, 64, 3)
    paper[:, 20:24] = 0
    told = "Most of the map is white"
    assert told not in report("binary", paper) and told in report("binary", 1 - paper)
    assert f"{told}, and nets want white strokes on black: set white_is to dark" in report(
        "binary", paper, options={"white_is": "bright"}
    )


def test_what_is_no_qr_code_is_told_and_a_light_code_is_turned():
    plain, turned = (make_map(find_method("qr_code"), one, {}) for one in (code(), 1 - code()))
    assert len(plain.report.splitlines()) == 1, "nothing strange about it"
    assert torch.equal(plain.maps, turned.maps) and "dark and light were exchanged" in turned.report
    assert "No QR code was recognised" in report("qr_code", example_picture("astronaut"))


@pytest.mark.parametrize("method", ["depth_to_viridis", "normal_from_depth", "canny", "lineart_standard"])
def test_a_mask_that_leaves_only_the_ground_is_named_whatever_colour_that_is(method):
    light = picture().mean(-1, keepdim=True).expand(-1, -1, -1, 3)
    assert "blank because the mask is all black" in report(method, light, mask=torch.zeros(1, 64, 64))
    faint = report(method, light, mask=torch.full((1, 64, 64), 1e-3))
    assert "because the mask keeps nothing of what was found" in faint and "loosen" not in faint


def test_a_mask_that_is_the_map_is_named_as_its_cause():
    told = report("inpaint_hint", picture(), mask=torch.ones(1, 64, 64))
    assert "blank because the mask is all white" in told and "loosen" not in told
    assert "blank because the mask is all black" in report("mask", picture(), mask=torch.zeros(1, 64, 64))


# Maps in place of pictures.


def test_a_map_where_a_picture_is_wanted_is_told():
    canny = make_map(find_method("canny"), picture(), {}).maps
    assert "was made as canny already" in report("canny", canny)
    assert "looks like a canny map" in report("canny", canny.clone()) and "already" in report("canny", canny.clone())
    for method in ("canny", "straight_lines", "scribble_xdog"):
        assert "already" not in report(method, picture())
    assert "no grey depth map" in report("normal_from_depth", picture())
    assert "no grey depth map" in report("depth_to_viridis", picture())
    grey = picture().mean(-1, keepdim=True).expand(-1, -1, -1, 3)
    assert "no grey depth map" not in report("normal_from_depth", grey)
    assert "Link a depth map" in report("normal_from_depth", tag(canny.clone(), "canny"))
    assert "already" not in report("blur", canny), "which works on any picture"


# Clips.


def test_a_batch_of_40_stays_readable():
    """Otsu's threshold is another for every frame, and some frames are blank."""
    clip = torch.stack([picture()[0, 32:128, 60:156] * (0.3 + 0.7 * index / 40) for index in range(40)])
    clip[[4, 5, 6, 20]] = 0.5
    told = report("binary", clip, options={"threshold": 0})
    assert len(told.splitlines()) <= 4 and "Otsu's threshold: " in told and " to " in told
    edges = report("canny", clip)
    assert "maps 4-6, 20 are blank" in edges and len(edges.splitlines()) <= 3
    maps = make_map(find_method("canny"), clip, {}).maps.clone()
    maps[10:30] = 1 - maps[10:30]
    checked = check_maps(maps, "canny")
    assert len(checked.report.splitlines()) <= 6 and "Maps 0-3, 7-9, 30-39" in checked.report


def test_notes_are_summed_up_with_their_frames():
    assert in_ranges([7, 0, 1, 2, 3], "frame") == "frames 0-3, 7" and in_ranges([4], "frame") == "frame 4"
    assert in_ranges([1, 2, 9]) == "1, 2, 9"
    assert summed_up({"Faces found: 1.": [0, 1, 2, 5], "Faces found: 0.": [3, 4]}, 6) == (
        "Faces found: 1. (Frames 0-2, 5.)",
        "Faces found: 0. (Frames 3, 4.)",
    )
    assert summed_up({"Same.": range(3)}, 3) == ("Same.",)
    many = {f"Median {index}, so the thresholds are {index} and 9.": [index] for index in range(20)}
    assert summed_up(many, 20) == ("Median 0 to 19, so the thresholds are 0 to 19 and 9.",)
