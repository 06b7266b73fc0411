"""The training sets that come with the pack, so that the example graphs train as they are."""

from __future__ import annotations

from pathlib import Path

_WORKFLOWS = Path(__file__).resolve().parents[2] / "workflows"
# The names are part of saved graphs. No folder of a person on Windows can be called so, for the colon.
EXAMPLES: dict[str, Path] = {
    "example: ink_solids": _WORKFLOWS / "training" / "ink_solids",
    "example: scribbled_scenes": _WORKFLOWS / "training" / "scribbled_scenes",
    "example: teapot": _WORKFLOWS / "pictures" / "product",
}
