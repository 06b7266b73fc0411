"""What the options of `batch` mean."""

from collections.abc import Sequence
from pathlib import Path

from ...runs.errors import BatchError


def parse_headers(texts: Sequence[str]) -> dict[str, str]:
    """Headers from 'Name: value' and '@FILE'. Raises BatchError, which never repeats a value."""
    headers: dict[str, str] = {}
    for text in texts:
        lines = _lines(Path(text[1:])) if text.startswith("@") else [text]
        for line in lines:
            name, colon, value = (part.strip() for part in line.partition(":"))
            if not colon or not name or not value or not name.isascii() or any(one in "\r\n" for one in value):
                raise BatchError("--header: write it as 'NAME: VALUE', for example 'Authorization: Bearer TOKEN'.")
            headers[name] = value
    return headers


def parse_mapping(texts: Sequence[str]) -> dict[str, str]:
    """Column names to inputs from 'COLUMN=INPUT'. Raises BatchError."""
    pairs = [text.partition("=") for text in texts]
    for text, (column, sign, place) in zip(texts, pairs, strict=True):
        if not (column.strip() and sign and place.strip()):
            raise BatchError(f"--map {text}: write it as COLUMN=INPUT, for example prompt=Prompt.text.")
    return {column.strip(): place.strip() for column, _, place in pairs}


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError):
        raise BatchError(f"--header @{path}: the file cannot be read as text, a header a line.") from None
