"""How still the maps hold, beside comfyui_controlnet_aux: under noise of one grey level, as JPEG, along a pan.

Run by name: pytest tests/bench/bench_map_stability.py -s (15 minutes, loaded). It writes docs/map_stability.md, and sheets of
eight photographs with the maps beside those of the peer into the folder that ARMATURE_SHEETS names. The trained weights of M-LSD
and HED come out of packages. With -k noise, jpeg or pan only those tables are written again, and with ARMATURE_METHODS (names
with commas between) only the rows of these methods.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from armature_pack.preprocessors.backends import controlnet_aux
from armature_pack.preprocessors.control_map import control_map
from armature_pack.preprocessors.registry import find_method
from skimage import data, io

sys.path.append(str(Path(__file__).resolve().parents[1] / "preprocessors"))
import real_mlsd
import real_weights

pytestmark = pytest.mark.bench
PAGE = Path(__file__).resolve().parents[2] / "docs" / "map_stability.md"
SHORT, SEEDS, FRAMES, STEP = 512, 2, 24, 4
PHOTOS = ("astronaut", "coffee", "chelsea", "rocket", "page", "camera", "coins", "motorcycle")
Picture = np.ndarray  # uint8 [h,w,3]
Maker = Callable[[list[Picture]], list[np.ndarray]]  # of a clip, or of one picture: maps uint8 [h,w,3]


def photo(name: str) -> Picture:
    """A photograph of scikit-image with a short side of 512."""
    file = Path(data.__file__).parent / "motorcycle_left.png"
    picture = io.imread(file) if name == "motorcycle" else getattr(data, name)()
    picture = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, 2)
    scale = SHORT / min(picture.shape[:2])
    size = round(picture.shape[1] * scale), round(picture.shape[0] * scale)
    return cv2.resize(picture[..., :3], size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)


def ours(method: str, **options: object) -> Maker:
    entry = find_method(method)

    def make(clip: list[Picture]) -> list[np.ndarray]:
        maps, _ = control_map(entry, torch.from_numpy(np.stack(clip)).float() / 255, options)
        return list((maps.numpy() * 255).round().astype(np.uint8))

    return make


def each(make: Callable[[Picture], np.ndarray]) -> Maker:
    """The peer's functions see one picture at a time."""

    def run(clip: list[Picture]) -> list[np.ndarray]:
        found = [make(one) for one in clip]
        return [one if one.ndim == 3 else np.repeat(one[..., None], 3, 2) for one in found]

    return run


# The peer's formulas, at the picture's own size: src/custom_controlnet_aux/*/__init__.py of comfyui_controlnet_aux.


def peer_xdog(picture: Picture) -> np.ndarray:
    fine, coarse = (cv2.GaussianBlur(picture.astype(np.float32), (0, 0), sigma) for sigma in (0.5, 5.0))
    dog = (255 - np.min(coarse - fine, axis=2)).clip(0, 255).astype(np.uint8)
    return np.where(2 * (255 - dog) > 32, 255, 0).astype(np.uint8)


def peer_binary(picture: Picture) -> np.ndarray:
    """Turned round, to be white on black as ours is."""
    return cv2.threshold(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), 100, 255, cv2.THRESH_BINARY_INV)[1]


def peer_lineart(picture: Picture) -> np.ndarray:
    values = picture.astype(np.float32)
    darker = np.min(cv2.GaussianBlur(values, (0, 0), 6.0) - values, axis=2).clip(0, 255)
    return (darker / max(16, np.median(darker[darker > 8])) * 127).clip(0, 255).astype(np.uint8)


def peer_luminance(picture: Picture) -> np.ndarray:
    return cv2.cvtColor(picture, cv2.COLOR_RGB2LAB)[..., 0]


def peer_tile(picture: Picture) -> np.ndarray:
    """Three times down and up, its default: a rate of 8."""
    height, width = picture.shape[:2]
    small = cv2.resize(picture, (width // 8, height // 8), interpolation=cv2.INTER_AREA)
    for _ in range(3):
        small = cv2.pyrUp(small)
    return cv2.resize(small, (width, height))


def peer_grid(picture: Picture) -> np.ndarray:
    height, width = picture.shape[:2]
    small = cv2.resize(picture, (width // 64, height // 64), interpolation=cv2.INTER_CUBIC)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST)


def annotators(place: Path) -> Path:
    """A folder with the trained weights of HED and M-LSD, in which our methods look for theirs."""
    import folder_paths

    real_weights.controlnet_aux()
    for file in (real_weights.hed_weights(), real_mlsd.mlsd_weights()):
        shutil.copy(file, place)
    folder_paths.folder_names_and_paths["annotators"] = ([str(place)], set())
    return place


def peer_network(
    module: str, name: str, place: Path, short: int = 0, **options: object
) -> Callable[[Picture], np.ndarray]:
    """A network of controlnet_aux with its trained weights, at the picture's own size, or at a short side."""
    detector = getattr(controlnet_aux("bench", module), name).from_pretrained(str(place))

    def make(picture: Picture) -> np.ndarray:
        side = short or min(picture.shape[:2])
        found = detector(picture, detect_resolution=side, image_resolution=side, output_type="np", **options)
        return cv2.resize(found, picture.shape[1::-1], interpolation=cv2.INTER_NEAREST)

    return make


def methods(place: Path) -> dict[str, tuple[Maker, Maker]]:
    """name -> (ours, the peer's)"""
    return {
        "canny": (ours("canny"), each(lambda one: cv2.Canny(one, 100, 200))),
        "lineart_standard": (ours("lineart_standard"), each(peer_lineart)),
        "scribble_xdog": (ours("scribble_xdog"), each(peer_xdog)),
        "binary": (ours("binary"), each(peer_binary)),
        "straight_lines": (ours("straight_lines"), each(peer_network("mlsd", "MLSDdetector", place, SHORT))),
        "recolor_luminance": (ours("recolor_luminance"), each(peer_luminance)),
        "recolor_intensity": (ours("recolor_intensity"), each(lambda one: one.max(-1))),
        "tile_resample": (ours("tile_resample", down_sampling_rate=8.0), each(peer_tile)),
        "color_grid": (ours("color_grid"), each(peer_grid)),
        "softedge_hed": (ours("softedge_hed"), each(peer_network("hed", "HEDdetector", place))),
        "scribble_hed": (ours("scribble_hed"), each(peer_network("hed", "HEDdetector", place, scribble=True))),
        "mlsd": (ours("mlsd"), each(peer_network("mlsd", "MLSDdetector", place))),
    }


PANNED = ("coffee", "motorcycle")
LINES = ("canny", "lineart_standard", "scribble_xdog", "binary", "straight_lines")


def lit(maps: list[np.ndarray]) -> np.ndarray:
    return maps[0][..., 0] > 127


def change(make: Maker, picture: Picture, others: list[Picture]) -> float:
    """Share of the lit pixels of a map that another picture's map has not, or has besides."""
    base = lit(make([picture]))
    return float(np.mean([(lit(make([one])) != base).sum() for one in others]) / max(1, base.sum()))


def noisy(picture: Picture, seed: int) -> Picture:
    noise = np.random.default_rng(seed).integers(-1, 2, picture.shape)
    return (picture.astype(int) + noise).clip(0, 255).astype(np.uint8)


def as_jpeg(picture: Picture) -> Picture:
    stored = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1]
    return np.ascontiguousarray(np.asarray(cv2.imdecode(stored, cv2.IMREAD_COLOR))[..., ::-1])


def pan(name: str) -> list[Picture]:
    """A window of 384 pixels that moves over a photograph by four pixels a frame, with a camera's noise of one level."""
    picture = photo(name)
    windows = [picture[64:448, STEP * number : STEP * number + 384] for number in range(FRAMES)]
    return [noisy(one, number) for number, one in enumerate(windows)]


def flicker(maps: list[np.ndarray]) -> float:
    """Share of the pixels, away from the border, that change by more than 32 levels beyond the motion."""
    return float(np.mean([(np.abs(moved - still).max(-1) > 32).mean() for moved, still in _pairs(maps)]))


def flicker_of_ink(maps: list[np.ndarray]) -> float:
    """The same as a share of the inked pixels: how much of what is drawn does not hold."""
    changed = sum((np.abs(moved - still).max(-1) > 32).sum() for moved, still in _pairs(maps))
    return float(changed / max(1, sum((moved.max(-1) > 127).sum() for moved, _ in _pairs(maps))))


def ink(maps: list[np.ndarray]) -> float:
    return float(np.mean([(one.max(-1) > 127).mean() for one in maps]))


def restlessness(maps: list[np.ndarray]) -> float:
    """Mean change of a channel in levels beyond the motion, as hundredths: soft maps change by little everywhere."""
    return float(np.mean([np.abs(moved - still).mean() for moved, still in _pairs(maps)])) / 100


def _pairs(maps: list[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Each frame, moved by the pan, and the one after it, away from the border."""
    return [
        (first[16:-16, 16 + STEP : -16].astype(int), second[16:-16, 16 : -16 - STEP].astype(int))
        for first, second in pairwise(maps)
    ]


def sheet(name: str, pair: tuple[Maker, Maker], folder: Path) -> None:
    """Photograph, ours, the peer's, two photographs in a row."""
    tiles = [
        cv2.copyMakeBorder(one, 0, 0, 0, 1040 - one.shape[1], cv2.BORDER_CONSTANT)
        for title in PHOTOS
        for one in (photo(title), *(make([photo(title)])[0] for make in pair))
    ]
    rows = [np.hstack(tiles[first : first + 6]) for first in range(0, len(tiles), 6)]
    cv2.imwrite(str(folder / f"{name}.jpg"), cv2.resize(np.vstack(rows), None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)[..., ::-1])  # fmt: skip  # noqa: E501


def percent(value: float) -> str:
    return f"{100 * value:.2f}"


def table(title: str, measure: Callable[[str, Maker], float], names: tuple[str, ...], pairs: dict) -> list[str]:
    lines = [f"## {title}", "", f"| | whose | {' | '.join(names)} | mean |", f"|---|---|{'---|' * (len(names) + 1)}"]
    wanted = os.environ.get("ARMATURE_METHODS", "").split(",")
    for method, pair in pairs.items():
        if wanted != [""] and method not in wanted:
            continue
        for whose, make in zip(("ours", "peer"), pair, strict=True):
            lines.append(row(method, whose, [measure(name, make) for name in names]))
            print(lines[-1], flush=True)
    return lines


def row(method: str, whose: str, values: list[float]) -> str:
    return f"| {method} | {whose} | {' | '.join(map(percent, [*values, float(np.mean(values))]))} |"


HEAD = """# How still the maps hold

Written by `tests/bench/bench_map_stability.py`, which says how each figure is measured; percent, at the defaults, short side 512.
Photographs: scikit-image's. "peer" is comfyui_controlnet_aux by its formulas; M-LSD and HED are controlnet_aux's networks with
their trained weights. For straight lines without a network the peer has nothing; M-LSD stands there.

## What the pan shows

- **Tile Resample** has no grid. The peer shrinks and enlarges on one, and so did version 1: what moved by half a cell changed.
  Version 2 is the mean over all places of the grid, a blur by three boxes. The peer's `pyrUp` hides its grid by a softer picture,
  which it also moves by 3.5 pixels to the upper left.
- **Straight Lines**: nearly half of the flicker came from drawing. OpenCV's `line` rounds the ends first, so that all pixels of
  a line hang on where it ends; now each is the nearest to the line itself. On coffee the peer, a network, still changes fewer
  pixels, because it draws next to nothing there: 0.08 percent against 2.7. No drawing of the cup's and the table's edges can be
  as still as none. As a share of the ink, 36 percent change here and 141 there (lines that go and lines that come both count).
- **Scribble XDoG** draws three times as much of coffee as the peer, and so has more rims that may change. Its fine blur of 1.2
  pixels keeps noise out of them: with 1.0, 0.27 percent of coffee's pixels changed.
- **Binary** compares each pixel with its surroundings, and has more rims than one threshold for all; as a share of its ink more
  changes on coffee, as a share of the pixels less.
- **Color Grid** samples 64 pixels at one place, as the adapter's training data did, on a grid that stands still while the
  picture moves. It flickers as the peer's does; a calmer one would be another map than the net knows.
- **Shuffle** is not measured: it takes each pixel from a fixed place, so its map does not move with the picture. Blur, Inpaint
  Hint, Mask Map and Viridis have no peer there.
"""


def write(lines: list[str]) -> None:
    """A table in its place on the page, the others and the rows that were not measured as they are."""
    before = PAGE.read_text(encoding="utf-8").split("\n## ")[1:] if PAGE.is_file() else []
    tables = {one.partition("\n")[0]: f"## {one}".strip() for one in before if "\n| " in one}
    title, rows = lines[0].removeprefix("## "), {_key(one): one for one in lines[4:]}
    old = [one for one in tables.get(title, "").splitlines()[4:] if one]
    kept = [rows.pop(_key(one), one) for one in old]
    tables[title] = "\n".join([*lines[:4], *kept, *rows.values()])
    PAGE.write_text("\n".join([HEAD, "\n\n".join(tables.values())]) + "\n", encoding="utf-8")


def _key(row: str) -> tuple[str, ...]:
    return tuple(row.split("|")[1:3])


@pytest.fixture(scope="module")
def pairs(tmp_path_factory) -> dict[str, tuple[Maker, Maker]]:
    return methods(annotators(tmp_path_factory.mktemp("annotators")))


@pytest.fixture(scope="module")
def lines(pairs) -> dict[str, tuple[Maker, Maker]]:
    return {name: pairs[name] for name in LINES}


def test_sheets(lines):
    folder = os.environ.get("ARMATURE_SHEETS") or pytest.skip("ARMATURE_SHEETS names no folder")
    for name, pair in lines.items():
        sheet(name, pair, Path(folder))


def test_noise(lines):
    def measure(name: str, make: Maker) -> float:
        return change(make, photo(name), [noisy(photo(name), seed) for seed in range(SEEDS)])

    write(table("Noise of one grey level: lit pixels that change", measure, PHOTOS, lines))


def test_jpeg(lines):
    def measure(name: str, make: Maker) -> float:
        return change(make, photo(name), [as_jpeg(photo(name))])

    write(table("JPEG of quality 95 against PNG: lit pixels that change", measure, PHOTOS, lines))


PAN = f"A pan of {FRAMES} frames, four pixels a frame"
OF_A_PAN = {
    f"{PAN}: pixels that change by more than 32 levels beyond the motion": flicker,
    f"{PAN}: the same as a share of the inked pixels": flicker_of_ink,
    f"{PAN}: pixels that are inked": ink,
    f"{PAN}: mean change in levels beyond the motion": restlessness,
}
SOFT = ("recolor_luminance", "recolor_intensity", "tile_resample", "color_grid")  # without ink


def test_pan(pairs):
    made: dict[tuple[str, int], list[np.ndarray]] = {}

    def clip(name: str, make: Maker) -> list[np.ndarray]:
        key = name, id(make)
        if key not in made:
            made[key] = make(pan(name))
        return made[key]

    for title, figure in OF_A_PAN.items():
        shown = {name: pair for name, pair in pairs.items() if figure in (flicker, restlessness) or name not in SOFT}
        write(table(title, lambda name, make, figure=figure: figure(clip(name, make)), PANNED, shown))
