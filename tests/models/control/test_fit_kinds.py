"""Fit knows the kind of a map by what made it: marks of inpaint hints stay marks, and pad goes on with the ground."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from armature_pack.models.control.fit import fit_control_image
from armature_pack.models.control.guard import Watch
from armature_pack.models.control.savings import NONE
from armature_pack.models.control.signal import ControlSignal
from armature_pack.models.control.signal_control import SignalControl
from armature_pack.models.control.stack import ControlStack
from armature_pack.preprocessors.control_map import make_map
from armature_pack.preprocessors.images.example_pictures import example_picture
from armature_pack.preprocessors.images.kinds import MAP_KINDS
from armature_pack.preprocessors.images.tags import tag, tag_of
from armature_pack.preprocessors.registry import find_method

from .links import Ones, call

SIZES = [(64, 64), (200, 96), (97, 311), (256, 256), (33, 40)]
MARKS = {"minus_one": -1.0, "black": 0.0, "gray": 0.5}


def picture() -> torch.Tensor:
    """A photograph [1,128,128,3] in 0.6 to 1 (0.58 where enlarging overshoots): what lies between it and a mark stands out."""
    return example_picture("astronaut")[:, ::4, ::4] * 0.4 + 0.6


def hole() -> torch.Tensor:
    mask = torch.zeros(1, 128, 128)
    mask[:, 30:90, 50:77] = 1
    return mask


def hint(masked_is: str, **sizing) -> torch.Tensor:
    return make_map(find_method("inpaint_hint"), picture(), {"masked_is": masked_is}, mask=hole(), **sizing).maps


def check_marks(made: torch.Tensor, mark: float) -> None:
    marked = (made == mark).all(-1)
    assert bool(marked.any()) and not bool(marked.all())
    assert float(made[~marked].amin()) > 0.57, "a value between the mark and the picture"


@pytest.mark.parametrize("masked_is", MARKS)
@pytest.mark.parametrize("mode", ["short_side", "long_side", "pixel_perfect"])
def test_a_hint_keeps_its_marks_at_any_resolution(masked_is, mode):
    for resolution in (64, 96, 200, 512):
        check_marks(hint(masked_is, resolution_mode=mode, resolution=resolution), MARKS[masked_is])


@pytest.mark.parametrize("masked_is", MARKS)
@pytest.mark.parametrize("fit", ["crop", "stretch", "pad"])
def test_a_hint_keeps_its_marks_in_any_fit(masked_is, fit):
    for width, height in SIZES:
        made = fit_control_image(hint(masked_is), fit, "auto", width, height).maps
        check_marks(made, MARKS[masked_is])
        if fit == "pad" and height >= 1.5 * width:
            assert (made[:, 0] == MARKS[masked_is]).all() and (made[:, -1] == MARKS[masked_is]).all()


def test_the_picture_around_the_marks_is_smooth_and_in_place():
    """As the picture alone would be, a few pixels away from the marks."""
    made = fit_control_image(hint("minus_one"), "stretch", "auto", 384, 384).maps
    alone = fit_control_image(picture(), "stretch", "continuous", 384, 384).maps
    away = torch.ones(384, 384, dtype=torch.bool)
    away[85:276, 145:237] = False
    assert torch.allclose(made[0][away], alone[0][away], atol=1e-5)
    marked = (made == -1).all(-1)[0]
    assert bool(marked[91:269, 151:230].all()) and not bool(marked[away].any())


def test_marks_are_known_without_a_tag_too():
    untagged = hint("minus_one").clone()
    assert tag_of(untagged) is None
    check_marks(fit_control_image(untagged, "stretch", "auto", 200, 150).maps, -1.0)
    black = fit_control_image(hint("black").clone(), "stretch", "marked", 200, 150)
    check_marks(black.maps, 0.0)
    assert "resized as marked" in black.report


GROUNDED = {"normal": (128 / 255, 128 / 255, 1.0), "qr": (128 / 255,) * 3, "flow": (1.0,) * 3, "canny": (0.0,) * 3}


@pytest.mark.parametrize("kind", [*GROUNDED, "depth", "depth_viridis", "inpaint"])
def test_pad_goes_on_with_the_ground_of_the_kind(kind):
    maps = tag(torch.rand(2, 40, 80, 3, generator=torch.Generator().manual_seed(0)) * 0.5 + 0.25, kind)
    made = fit_control_image(maps, "pad", "auto", 80, 80).maps
    ground = torch.tensor(MAP_KINDS[kind].background)
    assert torch.allclose(made[:, :19], ground.expand(2, 19, 80, 3)) and torch.allclose(made[:, 61:], ground.expand(2, 19, 80, 3))  # fmt: skip  # noqa: E501
    assert GROUNDED.get(kind, tuple(ground.tolist())) == pytest.approx(tuple(ground.tolist()))


def test_a_normal_map_that_nobody_tagged_is_known_by_its_look():
    pytest.importorskip("cv2")
    y, x = torch.meshgrid(torch.linspace(-1, 1, 96), torch.linspace(-1, 1, 192), indexing="ij")
    normals = torch.nn.functional.normalize(torch.stack([-x * 0.7, y * 0.7, torch.ones_like(x)], -1), dim=-1)
    made = fit_control_image((normals * 0.5 + 0.5).unsqueeze(0), "pad", "auto", 192, 192).maps
    assert torch.allclose(made[0, 0], torch.tensor(GROUNDED["normal"]).expand(192, 3))


def test_the_tag_decides_before_the_first_frame_does():
    """A blank frame in front of canny frames, of a depth clip; a photograph in front of segmentations."""
    lines = torch.zeros(3, 96, 96, 3)
    lines[1:, 20:70, 33] = 1
    canny = fit_control_image(tag(lines, "canny"), "stretch", "auto", 41, 37)
    assert "thin lines (the map was made as canny)" in canny.report and set(canny.maps.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(fit_control_image(lines.clone(), "stretch", "auto", 41, 37).maps, canny.maps)
    ramp = torch.linspace(0, 1, 96).view(1, 1, 96, 1).expand(3, 96, 96, 3) * torch.tensor([0, 1, 1]).view(3, 1, 1, 1)
    depth = fit_control_image(ramp.contiguous(), "stretch", "auto", 300, 60)
    assert float((depth.maps[1, :, 1:] - depth.maps[1, :, :-1]).max()) < 1.6 / 300
    flat = (torch.rand(1, 6, 6, 3) * 255).round().div(255).repeat_interleave(16, 1).repeat_interleave(16, 2)
    photo = torch.rand(1, 96, 96, 3)
    mixed = fit_control_image(torch.cat([photo, flat, flat]), "stretch", "auto", 150, 150)
    assert len(torch.unique(mixed.maps[1].reshape(-1, 3), dim=0)) == 36
    assert "continuous in frame 0; flat colours in frames 1, 2" in mixed.report


def met(image: torch.Tensor, fit: str) -> torch.Tensor:
    """What the control net of a signal gets for a square picture, [B,H,W,C]."""
    stack = ControlStack((ControlSignal(Ones(), image, fit=fit),))
    made = SignalControl(Ones(), stack.signals[0], stack, Watch("Signal 1"), NONE)
    made.set_cond_hint(image.movedim(-1, 1), 1.0, (0.0, 1.0))
    made.pre_run(SimpleNamespace(diffusion_model=object()), lambda percent: 1000 * (1 - percent))
    call(made, pictures=len(image))
    return made.inner.cond_hint_original.movedim(1, -1)


def test_a_signal_fits_by_the_tag_of_its_map_and_tells_a_mixture(caplog):
    shown = met(tag(hint("minus_one")[:, 32:96].contiguous(), "inpaint"), "pad")
    check_marks(shown, -1.0)
    assert (shown[:, 0] == -1).all()
    lines = torch.zeros(1, 32, 64, 3)
    lines[:, 7, 5:60] = 1
    with caplog.at_level("INFO"):
        met(torch.cat([torch.rand(1, 32, 64, 3), lines]), "stretch")
    assert "The batch mixes kinds of maps" in caplog.text
