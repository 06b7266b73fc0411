"""The dark sheet that labelled pictures are laid out on. It needs Pillow alone, so that a batch can paint one anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import ImageDraw
    from PIL.Image import Image as Picture

Colour = tuple[int, int, int]
DARK, LIGHT = (24, 24, 26), (235, 235, 235)


class Sheet:
    """Pictures and words on a dark ground; coordinates are pixels."""

    def __init__(self, width: int, height: int) -> None:
        from PIL import Image, ImageDraw

        self.image: Picture = Image.new("RGB", (width, height), DARK)
        self.draw: ImageDraw.ImageDraw = ImageDraw.Draw(self.image)

    def put(self, picture: Picture, left: int, top: int, side: int | None = None) -> None:
        """Paste a picture; side: of the square in whose middle it goes."""
        across, down = (0, 0) if side is None else ((side - picture.width) // 2, (side - picture.height) // 2)
        self.image.paste(picture, (left + across, top + down))

    def words(self, x: float, y: float, words: str, size: int, colour: Colour = LIGHT, anchor: str = "mm") -> None:
        """Write words, by default with their middle at (x, y); several lines are centred."""
        self.draw.text((x, y), words, colour, font(size), anchor=anchor, align="center")


def font(size: int) -> Any:
    """The library's own font, at a size in pixels."""
    from PIL import ImageFont

    return ImageFont.load_default(size=size)


def cells(count: int, columns: int, width: int, height: int, gap: int = 0) -> Iterator[tuple[int, int]]:
    """(left, top) of `count` cells of one size, row by row, with a gap around each."""
    for number in range(count):
        row, column = divmod(number, columns)
        yield gap + column * (width + gap), gap + row * (height + gap)
