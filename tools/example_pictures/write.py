"""Every picture of this package as a file, in the folder that the nodes read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image

from ..demo_training.scenes.layout import scene
from ..demo_training.scenes.rendering import render
from ..demo_training.scenes.style import inked
from . import mood_board, product
from .landscape import draw_landscape
from .plans import PLANS, draw_plan
from .sketch import draw_sketch

_STILL_LIFES, _STILL_SIZE, _STILL_SPLIT = 4, 512, "example pictures"
_SCRIBBLED, _SCRIBBLED_SIZE, _SCRIBBLED_SPLIT = 96, 128, "a person's own pictures"
_QUALITY = 85

Drawing = Callable[[], Image.Image]


def drawings() -> Iterator[tuple[str, Drawing]]:
    """Each file's path inside the folder, and what draws it: maps as PNG, pictures as JPEG."""
    yield "landscape.jpg", lambda: draw_landscape(classes=False)
    yield "landscape_segmentation.png", lambda: draw_landscape(classes=True).quantize(16)
    yield "story_sketch.png", lambda: draw_sketch().quantize(16)
    yield "still_life_depth.png", lambda: _still_life(1, depth=True)  # of still_lifes/02.jpg
    yield "product_layout.png", product.layout_depth
    for number in range(len(PLANS)):
        yield f"floor_plans/{number + 1:02}.png", lambda number=number: draw_plan(PLANS[number]).quantize(16)
    for number in range(_STILL_LIFES):
        yield f"still_lifes/{number + 1:02}.jpg", lambda number=number: _still_life(number, depth=False)
    for number in range(mood_board.COUNT):
        yield f"mood_board/{number + 1:02}.jpg", lambda number=number: mood_board.draw_sheet(number)
    for number in range(product.COUNT):
        yield f"product/{number + 1:02}.jpg", lambda number=number: product.photo(number)


def write_pictures(folder: Path) -> None:
    """Draw and write all of them; about three minutes, most of it for the product."""
    for name, draw in drawings():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        draw().save(path, optimize=True, quality=_QUALITY)


def write_scribbled_scenes(folder: Path) -> None:
    """A training set of scenes that the demo's models never saw, every third one outlined in ink, with their captions."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(_SCRIBBLED):
        scribbled_scene(number).save(folder / f"{number:03}.jpg", optimize=True, quality=92)
        (folder / f"{number:03}.txt").write_text(scene(_SCRIBBLED_SPLIT, number).caption + "\n", encoding="utf-8")


def scribbled_scene(number: int) -> Image.Image:
    """Picture `number` of that set, RGB, 128 pixels square."""
    seen = render([scene(_SCRIBBLED_SPLIT, number)], _SCRIBBLED_SIZE)
    drawn = inked(seen.images, seen.edges) if number % 3 == 2 else seen.images
    return Image.fromarray(drawn[0].movedim(0, -1).clamp(0, 1).mul(255).round().byte().numpy())


def _still_life(number: int, *, depth: bool) -> Image.Image:
    seen = render([scene(_STILL_SPLIT, number)], _STILL_SIZE)
    pixels = (seen.depth if depth else seen.images)[0].movedim(0, -1).clamp(0, 1).mul(255).round().byte().numpy()
    return Image.fromarray(pixels[..., 0] if depth else pixels)
