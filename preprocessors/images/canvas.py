"""The white page that plots are drawn on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .picture_sheet import font

if TYPE_CHECKING:
    import torch
    from PIL import ImageDraw
    from PIL.Image import Image as Picture

_SUPERSAMPLING = 2  # drawn twice as large and averaged: the library draws without smooth edges

# Okabe and Ito, "Color universal design" (2008): told apart with every kind of colour vision; black is kept for the sum.
COLOURS = ((0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167), (230, 159, 0), (86, 180, 233), (153, 120, 30))
INK, FAINT, PAPER = (40, 44, 52), (222, 226, 232), (255, 255, 255)


class Page:
    """A canvas that takes coordinates in pixels of the finished picture."""

    def __init__(self, width: int, height: int) -> None:
        from PIL import Image, ImageDraw

        self.image = Image.new("RGB", (width * _SUPERSAMPLING, height * _SUPERSAMPLING), PAPER)
        self.draw: ImageDraw.ImageDraw = ImageDraw.Draw(self.image)
        self._fonts: dict[int, Any] = {}

    def line(self, points: list[tuple[float, float]], colour: Any, width: float = 1.0) -> None:
        scaled = [(x * _SUPERSAMPLING, y * _SUPERSAMPLING) for x, y in points]
        self.draw.line(scaled, fill=colour, width=max(1, round(width * _SUPERSAMPLING)), joint="curve")

    def dashes(self, start: tuple[float, float], end: tuple[float, float], colour: Any, width: float = 1.5) -> None:
        """A dashed line, level or upright."""
        length = abs(end[0] - start[0]) + abs(end[1] - start[1])
        for at in range(0, int(length), 10):
            share, until = at / length, min(1.0, (at + 6) / length)
            points = [tuple(a + (b - a) * s for a, b in zip(start, end, strict=True)) for s in (share, until)]
            self.line(points, colour, width)  # type: ignore[arg-type]

    def dot(self, x: float, y: float, colour: Any, radius: float = 4.0) -> None:
        box = [(value) * _SUPERSAMPLING for value in (x - radius, y - radius, x + radius, y + radius)]
        self.draw.ellipse(box, fill=colour, outline=PAPER, width=_SUPERSAMPLING)

    def text(self, x: float, y: float, words: str, size: int = 15, colour: Any = INK, anchor: str = "la") -> None:
        if size not in self._fonts:
            self._fonts[size] = font(size * _SUPERSAMPLING)
        self.draw.text((x * _SUPERSAMPLING, y * _SUPERSAMPLING), words, colour, self._fonts[size], anchor=anchor)

    def finished(self) -> torch.Tensor:
        """IMAGE [1,H,W,3] in 0..1."""
        from PIL import Image

        size = (self.image.width // _SUPERSAMPLING, self.image.height // _SUPERSAMPLING)
        return as_image(self.image.resize(size, Image.Resampling.BOX))


def as_image(picture: Picture) -> torch.Tensor:
    """A picture as IMAGE [1,H,W,C] in 0..1."""
    import numpy as np
    import torch

    return torch.from_numpy(np.asarray(picture, dtype=np.float32) / 255).unsqueeze(0)
