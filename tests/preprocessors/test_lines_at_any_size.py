"""Lines that were found at one size come out at another: none lost, none added, one pixel wide.

A method that is told to look at 1024 pixels gives back a map of the picture's own 512. Every cell of the detection must be within
one pixel of a line of the map, and the reverse.
"""

from __future__ import annotations

from itertools import cycle, groupby, product

import pytest
import torch
from armature_pack.preprocessors.control_map import make_map
from armature_pack.preprocessors.options import resolved_options
from armature_pack.preprocessors.registry import find_method
from armature_pack.preprocessors.sizing import resized_pictures
from torch.nn.functional import interpolate, max_pool2d, pad

pytest.importorskip("cv2")

PHOTOGRAPHS = ("astronaut", "coffee", "chelsea", "rocket")
LONG_SIDES = (151, 192, 256, 333, 384, 512, 607, 768)  # of pictures whose long side is 256


def photograph(name: str) -> torch.Tensor:
    """IMAGE [1,H,256,3], an odd height among them."""
    import skimage.data

    picture = torch.from_numpy(getattr(skimage.data, name)()).unsqueeze(0) / 255
    return resized_pictures(picture, (round(256 * picture.shape[1] / picture.shape[2]) - 1, 256))


def recall_and_precision(found: torch.Tensor, made: torch.Tensor) -> tuple[float, float]:
    """Shares of the found cells that have a line within one pixel, and of lit pixels within one pixel of a found cell.

    found [h,w], made [H,W]: booleans; a cell of a smaller map covers several pixels of a larger one.
    """
    size = made.shape
    # Sums over the area of each cell, and a pixel more on each side.
    table = pad(made.double().cumsum(0).cumsum(1), (1, 0, 1, 0))
    rows, columns = found.nonzero().unbind(1)
    spans = []
    for cells, before, after in ((rows, found.shape[0], size[0]), (columns, found.shape[1], size[1])):
        first = (cells * after / before).floor().long()
        last = torch.maximum(((cells + 1) * after / before).ceil().long(), first + 1)
        spans.append(((first - 1).clamp(min=0), (last + 1).clamp(max=after)))
    (top, bottom), (left, right) = spans
    lit = table[bottom, right] - table[top, right] - table[bottom, left] + table[top, left]
    covered = interpolate(found.float()[None, None], size, mode="nearest") if size[0] >= found.shape[0] else (
        torch.nn.functional.adaptive_max_pool2d(found.float()[None, None], size)
    )  # fmt: skip
    reached = max_pool2d(covered, 3, 1, 1)[0, 0] > 0
    return float((lit > 0.5).double().mean()), float(reached[made].double().mean())


@pytest.mark.parametrize("method", ["canny", "straight_lines", "scribble_xdog"])
def test_every_line_of_the_detection_is_in_the_map(method):
    entry = find_method(method)
    options = resolved_options(entry, {"minimum_length": 0.03} if method == "straight_lines" else {})
    cases = list(product(PHOTOGRAPHS, LONG_SIDES))
    if method == "straight_lines":  # ten times as slow as the others: each size once, on two photographs in turns
        cases = list(zip(cycle(PHOTOGRAPHS[:2]), LONG_SIDES))
    for name, sides in groupby(sorted(cases), lambda case: case[0]):
        picture = photograph(name)
        for _, side in sides:
            made = make_map(entry, picture, options, resolution_mode="long_side", resolution=side).maps[0, ..., 0]
            seen = resized_pictures(picture, (round(picture.shape[1] * side / 256), side))
            found = entry.detect(seen, options).maps[0, ..., 0] > 0.5
            recall, precision = recall_and_precision(found, made > 0.5)
            assert recall >= 0.98 and precision >= 0.98, (name, side, recall, precision)
            assert set(made.unique().tolist()) <= {0.0, 1.0}
            if entry.makes.values == "thin_lines":
                lit = made > 0.5
                blocks = lit[1:, 1:] & lit[:-1, 1:] & lit[1:, :-1] & lit[:-1, :-1]
                assert float(blocks.sum() / lit.sum()) < 0.08, (name, side, "lines are wider than a pixel")


def test_an_edge_from_side_to_side_stays_whole():
    picture = torch.zeros(1, 333, 511, 3)
    picture[:, 150:] = 1.0
    made = make_map(find_method("canny"), picture, {}, resolution_mode="short_side", resolution=512).maps
    lit = made[0, ..., 0] > 0.5
    assert bool(lit.any(0).all()) and int(lit.sum()) == 511


def test_pixel_perfect_for_a_larger_latent_keeps_the_lines_and_does_not_break_them():
    import numpy as np
    from cv2 import connectedComponents

    picture = photograph("astronaut")
    latent = {"samples": torch.zeros(1, 4, 64, 64)}
    made = make_map(find_method("canny"), picture, {}, resolution_mode="pixel_perfect", target=latent)
    assert "the method saw the picture at 512x512" in made.report.lower()
    native = find_method("canny").detect(
        resized_pictures(picture, (512, 512)), resolved_options(find_method("canny"), {})
    )
    pieces = [
        connectedComponents((one[0, ..., 0].numpy() > 0.5).astype(np.uint8))[0] for one in (native.maps, made.maps)
    ]
    assert pieces[1] <= pieces[0]
