"""Texts that people wrote beside their pictures."""

from __future__ import annotations

from pathlib import Path

_LARGEST = 1 << 26  # metadata of a million pictures is smaller


def read_text(path: Path, name: str) -> str:
    """A text in UTF-8, with or without its mark. ValueError names the file: not UTF-8, too large, or not to be read."""
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError(f"Training folder: the text {name} has more than {_LARGEST >> 20} MiB. Remove it.")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"Training folder: the text {name} is not UTF-8. Save it again in that encoding.") from None
    except OSError as error:
        raise ValueError(f"Training folder: the text {name} cannot be read ({error.strerror}).") from error
