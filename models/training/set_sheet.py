"""A sheet of a training set: some pictures beside their maps, with the first words of their captions."""

from __future__ import annotations

import math

import torch

from ...preprocessors.images.canvas import as_image
from ...preprocessors.images.picture_sheet import Sheet, cells
from ...preprocessors.images.tensors import to_uint8
from .look import spread
from .training_set import TrainingSet

MOST = 8
_SIDE, _GAP, _LINE, _WORDS = 192, 8, 22, 15  # pixels
_LETTER = 8.0  # pixels that a letter takes, about


def set_sheet(training_set: TrainingSet) -> torch.Tensor:
    """IMAGE [1,H,W,3] of up to eight examples, evenly spread over the set, two in a row where there are maps, else four."""
    from PIL import Image

    shown = spread(len(training_set), MOST)
    wide = 2 if training_set.has_maps else 1
    columns = min(len(shown), 4 // wide)
    cell = (wide * _SIDE, _SIDE + _LINE)
    rows = math.ceil(len(shown) / columns)
    sheet = Sheet(columns * (cell[0] + _GAP) + _GAP, rows * (cell[1] + _GAP) + _GAP)
    for index, (left, top) in zip(shown, cells(len(shown), columns, *cell, _GAP), strict=True):
        pixels = [training_set.pictures([index])[0]]
        if training_set.has_maps:
            pixels.append(training_set.maps([index])[0])
        for place, one in enumerate(pixels):
            picture = Image.fromarray(to_uint8(one))
            picture.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
            sheet.put(picture, left + place * _SIDE, top, _SIDE)
        caption = _short(training_set.examples[index].caption or training_set.file_name(index), int(cell[0] / _LETTER))
        sheet.words(left + cell[0] // 2, top + _SIDE + _LINE // 2, caption, _WORDS)
    return as_image(sheet.image)


def _short(words: str, most: int) -> str:
    return words if len(words) <= most else f"{words[: most - 1].rstrip()}…"
