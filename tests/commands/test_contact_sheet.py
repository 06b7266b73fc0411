"""Contact sheets."""

import numpy as np
import pytest
from armature_pack.commands.contact_sheet import MAX_HEIGHT, MIN_HEIGHT, contact_sheet
from armature_pack.preprocessors.images.picture_sheet import DARK
from PIL import Image

RED, GREEN = (255, 0, 0), (0, 255, 0)


def columns(sheet: Image.Image, color: tuple[int, int, int]) -> int:
    """How many columns hold this colour."""
    return int((np.asarray(sheet) == color).all(axis=2).any(axis=0).sum())


def rows(sheet: Image.Image, color: tuple[int, int, int]) -> int:
    return int((np.asarray(sheet) == color).all(axis=2).any(axis=1).sum())


def test_pictures_stand_side_by_side_in_their_proportions() -> None:
    sheet = contact_sheet([("a", Image.new("RGB", (800, 400), RED)), ("b", Image.new("L", (50, 100), 255))])
    assert (columns(sheet, RED), rows(sheet, RED)) == (800, 400)
    assert columns(sheet, (255, 255, 255)) == 200


@pytest.mark.parametrize(("size", "height"), [(16, MIN_HEIGHT), (500, 500), (3000, MAX_HEIGHT)])
def test_the_height_stays_within_bounds(size: int, height: int) -> None:
    assert rows(contact_sheet([("a", Image.new("RGB", (size, size), RED))]), RED) == height


def test_small_pictures_keep_their_pixels() -> None:
    picture = Image.new("RGB", (2, 2), RED)
    picture.putpixel((0, 0), GREEN)
    colors = {color for _, color in contact_sheet([("", picture)]).getcolors(100_000)}
    assert colors == {RED, GREEN, DARK}


def test_labels_and_caption_are_drawn() -> None:
    pictures = [("a", Image.new("RGB", (400, 400), RED))]
    plain, labelled = contact_sheet([("", pictures[0][1])]), contact_sheet(pictures)
    captioned = contact_sheet(pictures, "a caption that is much wider than the one picture above it is, by far")
    assert plain.size == labelled.size
    assert plain.tobytes() != labelled.tobytes()
    assert captioned.height > labelled.height
    assert captioned.width > labelled.width
    assert columns(captioned, RED) == 400


def test_pictures_stand_in_rows() -> None:
    panel = Image.new("RGB", (400, 400), RED)
    sheet = contact_sheet([("a\nb", panel)] * 6, columns=3)
    assert (columns(sheet, RED), rows(sheet, RED)) == (1200, 800)


def test_without_pictures_there_is_no_sheet() -> None:
    with pytest.raises(ValueError, match="at least one picture"):
        contact_sheet([])
