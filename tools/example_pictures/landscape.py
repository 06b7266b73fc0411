"""A landscape, once as it looks and once as a segmentation map in ADE20K's colours, from the same shapes."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFilter

from ...preprocessors.segment_colours import ade_palette

SIZE = 512
_FINE = 2  # drawn so many times larger, then reduced: soft edges in the picture; the map stays sharp

# Shape -> (colour in the picture, number of its class in ADE20K).
_LOOKS: dict[str, tuple[tuple[int, int, int], int]] = {
    "sky": ((176, 208, 232), 2),
    "far mountain": ((128, 142, 168), 16),
    "near mountain": ((92, 104, 118), 16),
    "meadow": ((126, 158, 84), 9),
    "lake": ((84, 134, 160), 21),
    "road": ((196, 180, 150), 6),
    "trunk": ((96, 72, 52), 4),
    "crown": ((66, 104, 58), 4),
    "wall": ((214, 204, 186), 25),
    "roof": ((156, 78, 60), 25),
}
# Polygons in units of a 64th of the side, the first one is the farthest.
_SHAPES: tuple[tuple[str, tuple[tuple[float, float], ...]], ...] = (
    ("sky", ((0, 0), (64, 0), (64, 64), (0, 64))),
    ("far mountain", ((0, 30), (9, 18), (15, 23), (26, 9), (37, 24), (45, 17), (64, 31), (64, 40), (0, 40))),
    ("near mountain", ((36, 40), (47, 25), (53, 30), (59, 23), (64, 27), (64, 42), (36, 42))),
    ("meadow", ((0, 36), (20, 38), (40, 38), (64, 36), (64, 64), (0, 64))),
    ("lake", ((30, 41), (44, 39.5), (64, 41), (64, 50), (48, 51), (36, 47))),
    ("road", ((14, 64), (30, 64), (25, 52), (19, 46), (20, 42), (17, 42), (16, 46), (18, 53))),
    ("wall", ((7, 34), (19, 34), (19, 43), (7, 43))),
    ("roof", ((5, 34.5), (10, 27), (16, 27), (21, 34.5))),
)
_TREES = ((50, 58, 8.0), (58, 55, 6.0), (41, 57, 5.0), (3, 54, 6.5))  # foot x, foot y, height by which all is scaled


def draw_landscape(classes: bool) -> Image.Image:
    """RGB, SIZE pixels square: the picture, or (classes) the map."""
    scale = 1 if classes else _FINE
    image = Image.new("RGB", (SIZE * scale, SIZE * scale))
    pen = ImageDraw.Draw(image)
    unit = SIZE * scale / 64
    for name, points in _SHAPES:
        pen.polygon([(x * unit, y * unit) for x, y in points], fill=_colour(name, classes))
    for x, y, height in _TREES:
        _tree(pen, x, y, height, unit, classes)
    if not classes:
        _details(pen, unit)
        image = image.filter(ImageFilter.GaussianBlur(1)).resize((SIZE, SIZE), Image.Resampling.LANCZOS)
    return image


def _colour(name: str, classes: bool) -> tuple[int, int, int]:
    looks, kind = _LOOKS[name]
    red, green, blue = ade_palette()[kind].tolist() if classes else looks
    return red, green, blue


def _tree(pen: ImageDraw.ImageDraw, x: float, y: float, height: float, unit: float, classes: bool) -> None:
    trunk = (x - 0.08 * height, y - height, x + 0.08 * height, y)
    pen.rectangle([value * unit for value in trunk], fill=_colour("trunk", classes))
    for across, up, radius in ((0, 1.7, 0.55), (-0.4, 1.25, 0.5), (0.42, 1.3, 0.48)):
        middle = (x + across * height, y - up * height)
        box = (*(m - radius * height for m in middle), *(m + radius * height for m in middle))
        pen.ellipse([value * unit for value in box], fill=_colour("crown", classes))


def _details(pen: ImageDraw.ImageDraw, unit: float) -> None:
    """What a map does not show: windows, a door, snow."""
    for x in (9, 15):
        pen.rectangle([x * unit, 36.5 * unit, (x + 2) * unit, 39 * unit], fill=(88, 104, 120))
    pen.rectangle([12 * unit, 38 * unit, 14 * unit, 43 * unit], fill=(104, 76, 56))
    pen.polygon(
        [(x * unit, y * unit) for x, y in ((26, 9), (22.3, 14), (25, 13), (27, 15), (30, 13.5))], fill=(240, 244, 248)
    )
