"""The version of this copy of the pack."""

import re
from pathlib import Path

PACK = Path(__file__).resolve().parents[1]


def pack_version() -> str:
    """As pyproject.toml says it; empty where it does not."""
    text = (PACK / "pyproject.toml").read_text(encoding="utf-8")
    match = re.search(r'^version = "([^"]+)"', text, re.MULTILINE)
    return match[1] if match else ""
