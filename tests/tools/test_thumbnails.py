"""Pictures side by side on one square."""

from __future__ import annotations

import pytest
from armature_pack.tools.thumbnails import SIDE, mosaic
from PIL import Image

COLOURS = [(200, 0, 0), (0, 200, 0), (0, 0, 200), (200, 200, 0), (0, 200, 200)]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_up_to_four_pictures_are_seen_and_the_last_is_never_the_smallest(count):
    square = mosaic([Image.new("RGB", (128, 128), colour) for colour in COLOURS[:count]])
    found = {colour: number for number, colour in square.getcolors(SIDE * SIDE)}
    areas = [found.get(colour, 0) for colour in COLOURS[: min(count, 4)]]
    assert square.size == (SIDE, SIDE)
    assert min(areas) > (0.3 * SIDE) ** 2 and areas[-1] == max(areas)
    assert COLOURS[4] not in found


def test_a_wide_picture_is_shown_whole():
    wide = Image.new("RGB", (300, 100), COLOURS[0])
    wide.paste(COLOURS[1], (290, 0, 300, 100))
    assert COLOURS[1] in {colour for _, colour in mosaic([wide]).getcolors(SIDE * SIDE)}
