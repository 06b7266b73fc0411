"""Labelled panels in rows on one sheet, for the pictures of help pages."""

from collections.abc import Sequence
from typing import Any

from ...preprocessors.images.picture_sheet import Sheet

WIDTH = 640
_GAP = 6  # pixels

Panel = tuple[str, Any]  # its name, and an IMAGE [1,H,W,3] or a picture of PIL


def panels(named: Sequence[Panel], columns: int | None = None, size: int = 14) -> Any:
    """Panels in rows, each row as wide as the sheet and all of a row of one height, with the names beneath.

    size: of the names' letters in pixels; a name may have several lines.
    """
    from PIL import Image

    pictures = [(name, _picture(picture)) for name, picture in named]
    columns = columns or len(pictures)
    rows = [pictures[i : i + columns] for i in range(0, len(pictures), columns)]
    heights = [_height(row, columns) for row in rows]
    line = max(round(size * 1.2) * len(name.splitlines()) + size // 2 if name else 0 for name, _ in named)
    sheet = Sheet(WIDTH, sum(heights) + len(rows) * (line + _GAP) + _GAP)
    top = _GAP
    for row, height in zip(rows, heights, strict=True):
        left = _GAP
        for name, picture in row:
            width = round(height * picture.width / picture.height)
            sheet.put(picture.resize((width, height), Image.Resampling.LANCZOS), left, top)
            sheet.words(left + width // 2, top + height + line // 2, name, size)
            left += width + _GAP
        top += height + line + _GAP
    return sheet.image


def _height(row: Sequence[tuple[str, Any]], columns: int) -> int:
    """So that a full row is as wide as the sheet; a shorter one keeps the size of its panels."""
    aspects = [one.width / one.height for _, one in row]
    wide = sum(aspects) * columns / len(row)
    return int((WIDTH - (columns + 1) * _GAP) / wide)


def _picture(one: Any) -> Any:
    from .method_maps import picture_of

    return picture_of(one) if hasattr(one, "clamp") else one.convert("RGB")
