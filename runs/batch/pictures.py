"""Finding the pictures that rows name: inside one folder, readable, looked at once."""

import asyncio
import re
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from ...common.digests import sha256
from ...common.picture_files import PictureError, check_picture
from ..client import Client
from ..errors import RowProblem


class PictureFolder:
    """The folder that rows' pictures are named in. Nothing outside it is ever read."""

    def __init__(self, folder: Path):
        self._root = folder.resolve()
        self._seen: dict[str, Path | str] = {}

    def find(self, name: str) -> Path:
        """The file of a picture by its name inside the folder. Raises RowProblem: missing, outside, unreadable."""
        if name not in self._seen:
            try:
                self._seen[name] = self._check(name)
            except RowProblem as problem:
                self._seen[name] = str(problem)
        path = self._seen[name]
        if isinstance(path, str):
            raise RowProblem(path)
        return path

    def _check(self, name: str) -> Path:
        try:
            path = (self._root / name.replace("\\", "/")).resolve()
            is_file = path.is_file()
        except (OSError, ValueError, RuntimeError):
            raise RowProblem(f"{name[:200]!r} is no file name") from None
        if not path.is_relative_to(self._root):
            raise RowProblem(f"the picture {name!r} lies outside {self._root}; only pictures in that folder are read")
        if not is_file:
            raise RowProblem(f"there is no picture {name!r} in {self._root}")
        _look_at(path, name)
        return path


def _look_at(path: Path, name: str) -> None:
    try:
        check_picture(path)
    except PictureError as error:
        raise RowProblem(f"{name!r} {error}") from None
    except OSError as error:
        raise RowProblem(f"the picture {name!r} cannot be read ({error.strerror})") from None


# Bringing rows' pictures to the server, each content once.

SUBFOLDER = "armature_batch"


class Uploads:
    """The pictures that this start of the batch has sent, by path."""

    def __init__(self, client: Client):
        self._client = client
        self._sent: dict[str, asyncio.Task[str]] = {}

    async def names(self, pictures: Mapping[str, str]) -> dict[str, str]:
        """For each input that takes a picture its name on the server; sends what is not there yet."""
        return {
            place: await self._once(path, lambda path=path: self._read(Path(path))) for place, path in pictures.items()
        }

    async def contents(self, pictures: Mapping[str, tuple[str, bytes]]) -> dict[str, str]:
        """The same for (file name, bytes): for machines that have no such files."""
        return {
            place: await self._once(
                f"{name}\0{sha256(content)}", lambda name=name, content=content: self._send(Path(name), content)
            )
            for place, (name, content) in pictures.items()
        }

    def forget(self) -> None:
        """Sends everything again when it is next needed: the server may have lost it."""
        self._sent.clear()

    async def _once(self, key: str, send: Callable[[], Coroutine[Any, Any, str]]) -> str:
        if key not in self._sent:
            # A task, so that two rows that need one picture at the same time wait for one upload.
            self._sent[key] = asyncio.create_task(send())
        try:
            return await asyncio.shield(self._sent[key])
        except BaseException:
            self._sent.pop(key, None)
            raise

    async def _read(self, path: Path) -> str:
        return await self._send(path, await asyncio.to_thread(read_picture, path))

    async def _send(self, path: Path, content: bytes) -> str:
        # Named by content: a picture that was replaced is never mistaken for the one before it.
        name = f"{sha256(content)[:16]}_{re.sub(r'[^A-Za-z0-9_-]+', '_', path.stem)[:40]}{path.suffix.lower()}"
        return (await self._client.upload_image(content, name, subfolder=SUBFOLDER, overwrite=True)).annotated


def read_picture(path: Path) -> bytes:
    """A row's picture. Raises RowProblem."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise RowProblem(f"the picture {path.name} can no longer be read: {error.strerror}") from None
