"""What the editor shows of the nodes that conversions put in: titles, and names of outputs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

_TEXTS = Path(__file__).resolve().parents[2] / "locales" / "en" / "nodeDefs.json"
_HOST_TITLES = {
    "ControlNetLoader": "Load ControlNet Model",
    "DiffControlNetLoader": "Load ControlNet Model (diff)",
    "CLIPVisionLoader": "Load CLIP Vision",
}


@cache
def _texts() -> Mapping[str, Any]:
    return json.loads(_TEXTS.read_text(encoding="utf-8"))


def title_of_type(kind: str) -> str:
    """The title of nodes of this type."""
    return str(_texts().get(kind, {}).get("display_name") or _HOST_TITLES.get(kind, kind))


def output_names(kind: str, types: tuple[str, ...]) -> list[str]:
    """What the outputs of a node are called. types: those of its outputs."""
    outputs = _texts().get(kind, {}).get("outputs", {})
    return [str(outputs.get(str(place), {}).get("name", one)) for place, one in enumerate(types)]
