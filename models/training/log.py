"""The log of a training: a line of JSON for each step and each look, added to and never rewritten."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..host import note


class Log:
    """anew: what is there from an earlier training is removed. That it cannot be written is told once, and no reason to stop."""

    def __init__(self, path: Path, anew: bool) -> None:
        self.path = path
        self._is_told = False
        if anew:
            self._try(lambda: path.unlink(missing_ok=True))

    def write(self, row: Mapping[str, Any]) -> None:
        """Add a line."""
        line = json.dumps({name: value for name, value in row.items() if value is not None})

        def add() -> None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as stream:
                stream.write(f"{line}\n")

        self._try(add)

    def _try(self, do: Any) -> None:
        try:
            do()
        except OSError as error:
            if not self._is_told:
                note(f"The log of the training {self.path} cannot be written ({error}); the training goes on.")
                self._is_told = True
