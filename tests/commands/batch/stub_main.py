"""Stands in for ComfyUI's main.py on the machines of a cluster: the server stub on --port, with a log of its own.

It ends with whatever started it, as a machine's processes end when the machine is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, (HERE / "stub_place.txt").read_text(encoding="utf-8"))

from host_stub import HostStub  # noqa: E402


async def main() -> None:
    port, seconds = int(sys.argv[sys.argv.index("--port") + 1]), float(sys.argv[sys.argv.index("--seconds") + 1])
    parent = os.getppid()
    async with HostStub(seconds, HERE / f"ran-{port}-{os.getpid()}.jsonl").serving(port):
        while os.getppid() == parent:
            await asyncio.sleep(0.1)


with contextlib.suppress(KeyboardInterrupt):
    asyncio.run(main())
