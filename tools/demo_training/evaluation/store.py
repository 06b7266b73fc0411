"""Marks on disk, so that an evaluation goes on where it stopped, and several processes share the rows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

from ..training.files import read, write
from .artist import Load
from .measures import PictureMeasures


class StoredMeasures:
    """The marks of each row below `folder`, under a name that changes with the weights, and with how they were drawn."""

    def __init__(self, folder: Path | None, load: Load, how: str) -> None:
        self.folder, self.load, self.how = folder, load, how

    def get(self, row: str, parts: tuple[str, ...], make: Callable[[], PictureMeasures]) -> PictureMeasures:
        """The marks that are there, or those that `make` returns."""
        if self.folder is None:
            return make()
        path = self.folder / f"{self._name(row, parts)}.safetensors"
        if path.exists():
            return PictureMeasures(**read(path)[0])
        made = make()
        write(path, {field.name: getattr(made, field.name) for field in fields(made)})
        return made

    def _name(self, row: str, parts: tuple[str, ...]) -> str:
        digest = hashlib.sha256(f"{row} {self.how}".encode())
        for part in ("vae", "unet", *parts):
            for name, tensor in sorted(self.load(part).items()):
                digest.update(name.encode() + tensor.numpy().tobytes())
        return digest.hexdigest()[:20]
