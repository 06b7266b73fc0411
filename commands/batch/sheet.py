"""Contact sheets of a batch: small pictures in rows and columns, with number and name beneath."""

import io
import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path

from PIL import Image

from ...common.atomic_write import write_bytes
from ...common.picture_files import open_picture
from ...preprocessors.images.picture_sheet import Sheet, cells
from ...runs.batch.ledger import DONE, Entry

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
        write_bytes(path, buffer.getvalue())
        paths.append(path)
    return paths


def _sheet(page: Sequence[Entry], out: Path) -> Image.Image:
    lines = -(-len(page) // COLUMNS)
    columns = min(COLUMNS, len(page))
    sheet = Sheet(GAP + columns * (SIDE + GAP), GAP + lines * (SIDE + LINE + GAP))
    for entry, (left, top) in zip(page, cells(len(page), COLUMNS, SIDE, SIDE + LINE, GAP), strict=True):
        picture = _small(out / entry.files[0]) if entry.state == DONE and entry.files else None
        if picture is None:
            sheet.draw.rectangle((left, top, left + SIDE, top + SIDE), MISSING)
            sheet.words(left + SIDE // 2, top + SIDE // 2, entry.state, 13)
        else:
            sheet.put(picture, left, top, SIDE)
        sheet.words(left + SIDE // 2, top + SIDE + LINE // 2, f"{entry.number} {entry.name}"[:28], 13)
    return sheet.image


def _small(path: Path) -> Image.Image | None:
    try:
        with open_picture(path) as picture:
            picture.draft("RGB", (SIDE, SIDE))
            small = picture.convert("RGB")
            small.thumbnail((SIDE, SIDE))
            return small
    except Exception:  # Removed by hand, or no picture, for which Pillow raises nearly anything: no reason to fail.
        return None
