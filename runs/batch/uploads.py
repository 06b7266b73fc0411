"""Bringing rows' pictures to the server, each content once."""

import asyncio
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from ..client import Client
from .errors import RowProblem

SUBFOLDER = "armature_batch"


class Uploads:
    """The pictures that this start of the batch has sent, by path."""

    def __init__(self, client: Client):
        self._client = client
        self._sent: dict[str, asyncio.Task[str]] = {}

    async def names(self, pictures: Mapping[str, str]) -> dict[str, str]:
        """For each input that takes a picture its name on the server; sends what is not there yet."""
        return {place: await self._name(path) for place, path in pictures.items()}

    def forget(self) -> None:
        """Sends everything again when it is next needed: the server may have lost it."""
        self._sent.clear()

    async def _name(self, path: str) -> str:
        if path not in self._sent:
            # A task, so that two rows that need one picture at the same time wait for one upload.
            self._sent[path] = asyncio.create_task(self._send(Path(path)))
        try:
            return await asyncio.shield(self._sent[path])
        except BaseException:
            self._sent.pop(path, None)
            raise

    async def _send(self, path: Path) -> str:
        try:
            content = await asyncio.to_thread(path.read_bytes)
        except OSError as error:
            raise RowProblem(f"the picture {path.name} can no longer be read: {error.strerror}") from None
        # Named by content: a picture that was replaced is never mistaken for the one before it.
        digest = hashlib.sha256(content).hexdigest()[:16]
        name = f"{digest}_{re.sub(r'[^A-Za-z0-9_-]+', '_', path.stem)[:40]}{path.suffix.lower()}"
        return (await self._client.upload_image(content, name, subfolder=SUBFOLDER, overwrite=True)).annotated
