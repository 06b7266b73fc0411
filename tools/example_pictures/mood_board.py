"""A mood board: six sheets of one look (warm paper, deep blue, rust, round shapes), for style by IP-Adapter."""

from __future__ import annotations

import math
import random

from PIL import Image, ImageDraw, ImageFilter

SIZE, COUNT = 320, 6
_PAPER = (236, 222, 196)
_COLOURS = ((28, 52, 84), (178, 78, 48), (224, 164, 84), (86, 122, 118), (64, 40, 52))
_FINE = 2


def draw_sheet(number: int) -> Image.Image:
    """Sheet 0..COUNT-1, RGB, SIZE pixels square: bands of hills, a disc above them, grain of a coarse print."""
    dice = random.Random(f"armature mood board {number}")
    side = SIZE * _FINE
    image = Image.new("RGB", (side, side), _PAPER)
    pen = ImageDraw.Draw(image)
    radius = dice.uniform(0.12, 0.2) * side
    x, y = dice.uniform(0.25, 0.75) * side, dice.uniform(0.22, 0.36) * side
    for ring, tone in ((1.35, _COLOURS[2]), (1.0, _COLOURS[1])):
        pen.ellipse((x - radius * ring, y - radius * ring, x + radius * ring, y + radius * ring), fill=tone)
    for band in range(4):
        _hill(pen, side, 0.45 + 0.14 * band, _COLOURS[(band + number) % len(_COLOURS)], dice)
    image = image.resize((SIZE, SIZE), Image.Resampling.LANCZOS)
    return Image.blend(image, _grain(dice), 0.08).filter(ImageFilter.SMOOTH)


def _hill(pen: ImageDraw.ImageDraw, side: int, level: float, colour: tuple[int, int, int], dice: random.Random) -> None:
    waves = [(dice.uniform(0.02, 0.07), dice.uniform(1, 3), dice.uniform(0, math.tau)) for _ in range(2)]
    line = [
        (x, side * (level + sum(high * math.sin(count * math.pi * x / side + start) for high, count, start in waves)))
        for x in range(0, side + 8, 8)
    ]
    pen.polygon([*line, (side, side), (0, side)], fill=colour)
    pen.line(line, fill=_PAPER, width=5, joint="curve")


def _grain(dice: random.Random) -> Image.Image:
    dots = bytes(dice.choices((90, 170, 250), k=(SIZE // 2) ** 2))
    return (
        Image.frombytes("L", (SIZE // 2, SIZE // 2), dots).resize((SIZE, SIZE), Image.Resampling.NEAREST).convert("RGB")
    )
