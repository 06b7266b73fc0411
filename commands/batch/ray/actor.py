"""What Ray puts onto a machine. This module travels by value: it may import nothing of the pack before it has unpacked it."""

import contextlib
import importlib
import json
import lzma
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class ServerActor:
    """One ComfyUI server and what is asked of it. code: `packed_code`; settings: those of `worker.Worker`."""

    def __init__(self, code: bytes, settings: Mapping[str, Any]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="armature-batch-")
        for name, text in json.loads(lzma.decompress(code)).items():
            path = Path(self._folder.name, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        sys.path.insert(0, self._folder.name)
        try:
            importlib.import_module("armature").load_pack()
        finally:
            with contextlib.suppress(ValueError):  # load_pack takes it off itself: it shares names with ComfyUI
                sys.path.remove(self._folder.name)
        worker = importlib.import_module("armature_pack.commands.batch.ray.worker")
        self._worker = worker.Worker(settings, self._folder.name)

    async def ready(self) -> str:
        """Starts the server where need be, waits for it, and gives its address as the ledger knows it."""
        return await self._worker.ready()

    async def ask(self, question: str, *arguments: Any) -> Any:
        """`object_info` or `compatibility`, as the server answers."""
        return await self._worker.ask(question, *arguments)

    async def run(self, job: Mapping[str, Any]) -> dict[str, Any]:
        """Runs a row to its end; see `worker`."""
        return await self._worker.run(job)

    async def close(self) -> None:
        """Ends the server where it is ours."""
        await self._worker.close()
