"""The HTTP routes of the desk's presets."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .answering import answered, writing

if TYPE_CHECKING:
    from ..runs.presets.presets import Presets

ROUTE = "/armature/presets"
_FILES = ThreadPoolExecutor(1, "armature-presets")


def register_presets(routes: Any) -> None:
    """Add the routes to the server's."""
    routes.get(ROUTE)(get_presets)
    for name, work in _WRITING.items():
        routes.post(f"{ROUTE}/{name}")(writing(work, _FILES))


async def get_presets(_request: Any) -> Any:
    """All presets of this server."""
    return await answered(lambda: _presets().table(), _FILES)


_WRITING: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "save": lambda asked: _presets().save(asked.get("name"), asked.get("controls")),
    "rename": lambda asked: _presets().rename(asked.get("name"), asked.get("to")),
    "delete": lambda asked: _presets().delete(asked.get("name")),
}


def _presets() -> Presets:
    import folder_paths

    from ..runs.presets.presets import Presets

    return Presets(Path(folder_paths.get_user_directory()) / "armature" / "presets")
