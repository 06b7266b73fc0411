"""The embedded trained model: the scenes that it draws, its training, its compact weights, and the files made of them."""

from __future__ import annotations

from pathlib import PurePosixPath

# How the demo model's files are known by their names, before any of them is there.

PREFIX = "armature_demo"
HOW_TO_GET = (
    "The pack brings this along: `python armature.py demo-models --to DIR` writes it into the models folder DIR."
)


def is_demo_file(name: str) -> bool:
    """Whether this is the name of one of the files that `demo-models` writes."""
    path = PurePosixPath(name.replace("\\", "/"))
    return path.suffix == ".safetensors" and (path.stem == PREFIX or path.stem.startswith(f"{PREFIX}_"))
