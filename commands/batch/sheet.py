"""Contact sheets of a batch: small pictures in rows and columns, with number and name beneath."""

import io
import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from ...runs.batch.collect import write_whole
from ...runs.batch.ledger import DONE, Entry
from ..contact_sheet import BACKGROUND, INK

COLUMNS, ROWS, SIDE, GAP, LINE = 8, 10, 192, 8, 20
MISSING = (70, 24, 24)


def write_sheets(entries: Iterable[Entry], out: Path) -> list[Path]:
    """Writes contact_sheet_001.jpg, … with up to 80 rows each, and returns their paths. Rows that failed are red."""
    paths: list[Path] = []
    waiting = iter(entries)
    while page := list(itertools.islice(waiting, COLUMNS * ROWS)):
        path = out / f"contact_sheet_{len(paths) + 1:03}.jpg"
        buffer = io.BytesIO()
        _sheet(page, out).save(buffer, "JPEG", quality=88)
        write_whole(path, buffer.getvalue())
        paths.append(path)
    return paths


def _sheet(page: Sequence[Entry], out: Path) -> Image.Image:
    lines = -(-len(page) // COLUMNS)
    columns = min(COLUMNS, len(page))
    sheet = Image.new("RGB", (GAP + columns * (SIDE + GAP), GAP + lines * (SIDE + LINE + GAP)), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=13)
    for entry, (left, top) in zip(page, _places(), strict=False):
        picture = _small(out / entry.files[0]) if entry.state == DONE and entry.files else None
        if picture is None:
            draw.rectangle((left, top, left + SIDE, top + SIDE), MISSING)
            draw.text((left + SIDE // 2, top + SIDE // 2), entry.state, INK, font, anchor="mm")
        else:
            sheet.paste(picture, (left + (SIDE - picture.width) // 2, top + (SIDE - picture.height) // 2))
        label = f"{entry.number} {entry.name}"[:28]
        draw.text((left + SIDE // 2, top + SIDE + LINE // 2), label, INK, font, anchor="mm")
    return sheet


def _places() -> Iterator[tuple[int, int]]:
    for line, column in itertools.product(range(ROWS), range(COLUMNS)):
        yield GAP + column * (SIDE + GAP), GAP + line * (SIDE + LINE + GAP)


def _small(path: Path) -> Image.Image | None:
    try:
        with Image.open(path) as picture:
            picture.draft("RGB", (SIDE, SIDE))
            small = picture.convert("RGB")
            small.thumbnail((SIDE, SIDE))
            return small
    except (OSError, ValueError):
        return None  # Removed by hand, or no picture: the sheet is no reason to fail.
