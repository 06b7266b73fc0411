"""The registry's pictures of the pack: its icon, square and at most 400 pixels wide, and its banner of 21 to 9.

An armature is the frame inside a figure: the icon's is an A of rods and joints. The banner has a photograph beside
maps that are made of it, over the same frame and the name.
"""

from pathlib import Path
from typing import Any

from ..preprocessors.images.picture_sheet import font
from .help.method_maps import panel_of, picture_of, prepare_host

ICON, BANNER = "icon.png", "banner.jpg"
SIDE = 400  # pixels, the most that the registry takes
WIDE, HIGH = 1680, 720
FOOT = 180  # of the banner's height, with the name
GROUND, ROD, JOINT = (24, 34, 33), (76, 201, 160), (242, 246, 245)
METHODS = ("canny", "scribble_xdog", "color_grid", "lineart_standard")  # without weights, and unlike one another
FINER = 4  # drawn larger and made small, for smooth edges
# Of a square of side 1: joints, and the rods between them.
JOINTS = ((0.5, 0.16), (0.355, 0.54), (0.645, 0.54), (0.23, 0.84), (0.77, 0.84))
RODS = ((0, 1), (1, 3), (0, 2), (2, 4), (1, 2))


def write_registry_pictures(folder: Path) -> None:
    """Draw both into a folder, over what is there."""
    prepare_host([])
    _icon().save(folder / ICON, optimize=True)
    _banner().save(folder / BANNER, quality=88)


def _frame(side: int) -> Any:
    """The A as a picture with an alpha channel."""
    from PIL import Image, ImageDraw

    large = side * FINER
    picture = Image.new("RGBA", (large, large))
    draw = ImageDraw.Draw(picture)
    places = [(x * large, y * large) for x, y in JOINTS]
    for one, other in RODS:
        draw.line((places[one], places[other]), fill=ROD, width=round(0.052 * large))
    for x, y in places:
        for radius, colour in ((0.062, GROUND), (0.048, JOINT)):
            reach = radius * large
            draw.ellipse((x - reach, y - reach, x + reach, y + reach), fill=colour)
    return picture.resize((side, side), Image.Resampling.LANCZOS)


def _icon() -> Any:
    from PIL import Image

    picture = Image.new("RGB", (SIDE, SIDE), GROUND)
    frame = _frame(SIDE)
    picture.paste(frame, (0, 0), frame)
    return picture


def _banner() -> Any:
    from PIL import Image, ImageDraw, ImageOps

    from ..preprocessors.registry import find_method
    from .help.photographs import PORTRAIT, photograph

    maps = [panel_of(find_method(name))[1] for name in METHODS]
    strips = [picture_of(photograph(PORTRAIT)), *(one.convert("RGB") for one in maps)]
    picture = Image.new("RGB", (WIDE, HIGH), GROUND)
    width, top = WIDE // len(strips), HIGH - FOOT
    for number, strip in enumerate(strips):
        whole = ImageOps.fit(strip, (width, top), Image.Resampling.LANCZOS, centering=(0.45, 0))
        picture.paste(whole, (number * width, 0))
    frame = _frame(FOOT)
    picture.paste(frame, (30, top), frame)
    words = ImageDraw.Draw(picture)
    left, middle = 50 + FOOT, top + FOOT // 2
    words.text((left, middle - 24), "Armature", JOINT, font(72), anchor="lm")
    words.text((left, middle + 42), "structure, identity and style under control", ROD, font(34), anchor="lm")
    return picture
