"""The example pictures that are shipped are the ones that the generator draws, small, and of sizes that models take."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from armature_pack.preprocessors.images.example_pictures import EXAMPLE_SETS, NAMES, example_picture
from armature_pack.tools.example_pictures.write import drawings, scribbled_scene
from PIL import Image

SHIPPED = Path(__file__).resolve().parents[3] / "workflows" / "pictures"
DRAWINGS = dict(drawings())
QUICK = ["landscape.jpg", "landscape_segmentation.png", "story_sketch.png", "floor_plans/08.png", "mood_board/03.jpg"]


@pytest.mark.parametrize("name", QUICK)
def test_it_can_be_drawn_again(name):
    shipped, again = (np.asarray(one.convert("RGB"), float) for one in (Image.open(SHIPPED / name), DRAWINGS[name]()))
    assert shipped.shape == again.shape and abs(shipped - again).mean() < 2


def test_every_drawing_is_shipped_and_small():
    assert [name for name in DRAWINGS if (SHIPPED / name).stat().st_size > 60_000] == []


@pytest.mark.parametrize("number", [0, 2])
def test_a_training_picture_can_be_drawn_again(number):
    shipped = np.asarray(Image.open(SHIPPED.parent / "training" / "scribbled_scenes" / f"{number:03}.jpg"), float)
    again = np.asarray(scribbled_scene(number), float)
    assert shipped.shape == again.shape == (128, 128, 3) and abs(shipped - again).mean() < 2


@pytest.mark.parametrize(("name", "count"), zip(EXAMPLE_SETS, (8, 4, 12, 6), strict=True))
def test_a_set_is_one_batch(name, count):
    batch = example_picture(name)
    assert batch.shape[0] == count and all(side % 8 == 0 for side in batch.shape[1:3])
    assert (batch[1:] - batch[:-1]).abs().mean((1, 2, 3)).min() > 0.005, "no two are the same"


def test_the_map_holds_only_colours_of_ade20k():
    from armature_pack.preprocessors.segment_colours import ade_palette

    colours = {tuple(one) for one in (example_picture("landscape_segmentation")[0].reshape(-1, 3) * 255).int().tolist()}
    assert 6 <= len(colours) <= 8 and colours <= {tuple(one) for one in ade_palette().tolist()}


def test_every_picture_stands_on_the_help_page():
    page = (SHIPPED.parents[1] / "web" / "docs" / "ArmatureExamplePicture.md").read_text(encoding="utf-8")
    page = re.sub("</?code>", "`", page.replace("<wbr>", ""))  # a long name is written so that it may break
    assert [name for name in NAMES if f"`{name}`" not in page] == []
