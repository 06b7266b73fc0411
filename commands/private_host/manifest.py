"""The marker of a finished layer: written last, in one move, so that its absence means half-made."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HOST_MARK = "complete.json"
TEST_MARK = "test-tools.json"


def write_mark(file: Path, content: Mapping[str, object]) -> None:
    """Write a mark so that other processes see all of it or nothing."""
    draft = file.with_suffix(".draft")
    with draft.open("w", encoding="utf-8") as stream:
        json.dump(content, stream, indent=2)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(file)


def read_mark(file: Path) -> dict[str, Any] | None:
    """The content of a mark, or None if there is no readable one."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None
