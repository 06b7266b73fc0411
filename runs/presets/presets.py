"""A folder of presets, one JSON file each, for any number of writers at once.

PRESETS/NAME.json       {"schema": "armature.preset/1", "controls": [{"sort", "title", "values": {input: value}}, ...]}
"""

import json
import math
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...common.atomic_write import write_text
from ...common.file_lock import locked
from ..history.names import HistoryError, check_name

SCHEMA = "armature.preset/1"
MOST = 500  # presets
MOST_CONTROLS = 64  # of one preset
MOST_VALUES = 16  # of one control
LONGEST = 2000  # characters of a title and of a curve
LARGEST = 256 * 1024  # bytes of a file


class PresetError(ValueError):
    """What was asked of the presets cannot be done; the message says why."""


@dataclass(frozen=True)
class Presets:
    """The presets in a folder that may not be there yet."""

    folder: Path

    def table(self) -> dict[str, Any]:
        """`presets`, by name, each `name` and `controls`; and `told`, a sentence for each file that cannot be read."""
        found, told = [], []
        for name in self._names():
            try:
                found.append({"name": name, "controls": self._read(name)})
            except PresetError as error:
                told.append(str(error))
        return {"presets": found, "told": told}

    def save(self, name: object, controls: object) -> dict[str, Any]:
        """Writes a preset. `replaced`: the controls of the one that had this name, or null. Raises PresetError, OSError."""
        wanted, checked = _name(name), _controls(controls)
        with self._writing():
            before = self._before(wanted)
            if before is None and len(self._names()) >= MOST:
                raise PresetError(f"There are {MOST} presets already. Delete one first.")
            text = json.dumps({"schema": SCHEMA, "controls": checked}, indent=1, ensure_ascii=False)
            write_text(self._path(wanted), text + "\n")
        return {"name": wanted, "replaced": before}

    def rename(self, name: object, to: object) -> dict[str, Any]:
        """Gives a preset another name, which none may have. Raises PresetError, OSError."""
        old, new = _name(name), _name(to)
        with self._writing():
            self._read(old)
            if new in self._names() or (self._path(new).exists() and not self._path(new).samefile(self._path(old))):
                raise PresetError(f"There is a preset {new!r} already. Take another name, or delete it first.")
            self._path(old).replace(self._path(new))
        return {"name": new}

    def delete(self, name: object) -> dict[str, Any]:
        """Removes a preset. `deleted`: its controls, with which it can be saved again. Raises PresetError, OSError."""
        wanted = _name(name)
        with self._writing():
            controls = self._read(wanted)
            self._path(wanted).unlink()
        return {"name": wanted, "deleted": controls}

    def _names(self) -> list[str]:
        if not self.folder.is_dir():
            return []
        names = [one.stem for one in self.folder.iterdir() if one.suffix == ".json" and not one.is_symlink()]
        return sorted(name for name in names if _is_name(name))

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def _writing(self) -> AbstractContextManager[int]:
        return locked(self.folder / ".lock")

    def _before(self, name: str) -> list[dict[str, Any]] | None:
        try:
            return self._read(name)
        except PresetError:
            return None  # none, or a damaged one, whose place is taken

    def _read(self, name: str) -> list[dict[str, Any]]:
        path = self._path(name)
        if not path.is_file() or path.is_symlink():
            raise PresetError(f"There is no preset {name!r}; it may have been renamed or deleted.")
        if path.stat().st_size > LARGEST:
            raise PresetError(f"The preset {name!r} is too large to be one.")
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            if data["schema"] != SCHEMA:
                raise PresetError(f"The preset {name!r} is of another kind than {SCHEMA}.")
            return _controls(data["controls"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            if isinstance(error, PresetError):
                raise
            raise PresetError(f"The preset {name!r} is damaged: its file is no JSON of a preset.") from None


def _name(name: object) -> str:
    try:
        return check_name(name, "a preset's name")
    except HistoryError as error:
        raise PresetError(str(error)) from None


def _is_name(name: str) -> bool:
    try:
        return _name(name) == name
    except PresetError:
        return False


def _controls(told: object) -> list[dict[str, Any]]:
    """The controls of a preset, nothing else of them. Raises PresetError that names the one that is none."""
    if not isinstance(told, list) or not 1 <= len(told) <= MOST_CONTROLS:
        raise PresetError(f"A preset has from 1 to {MOST_CONTROLS} controls.")
    return [_control(one, number) for number, one in enumerate(told, 1)]


def _control(told: object, number: int) -> dict[str, Any]:
    where = f"Control {number} of the preset"
    if not isinstance(told, dict) or not isinstance(told.get("values"), dict):
        raise PresetError(f"{where} has no values.")
    texts = {key: told.get(key) for key in ("sort", "title")}
    if any(not isinstance(text, str) or len(text) > LONGEST for text in texts.values()):
        raise PresetError(f"{where}: sort and title are texts of up to {LONGEST} characters.")
    values = told["values"]
    if not 1 <= len(values) <= MOST_VALUES:
        raise PresetError(f"{where} has from 1 to {MOST_VALUES} values.")
    for key, value in values.items():
        if len(key) > LONGEST or not _is_value(value):
            raise PresetError(
                f"{where}: {key[:60]!r} is neither a finite number nor a text of up to {LONGEST} characters."
            )
    return {**texts, "values": dict(values)}


def _is_value(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= LONGEST
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
