"""A small server that answers like the host's API: queue, websocket, history, uploads, pictures. No ComfyUI in it.

It is for what cannot be done with the real one in seconds: thousands of rows, a server that is killed at random moments, one
that wants a token. As a process:  python host_stub.py PORT LOG SECONDS  runs each prompt for SECONDS and appends a line to LOG.
A file HOLD beside LOG with a number in it stops it after so many prompts, until the file has gone or holds a larger number: so a
test can wait for a state that lasts, however fast or slow the machine is.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import struct
import sys
import time
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from aiohttp import web
from PIL import Image

HOLD = "hold"
LOADERS = ["a.safetensors", "b.safetensors"]
OBJECT_INFO: dict[str, Any] = {
    "Checkpoint": {
        "input": {"required": {"ckpt_name": [LOADERS]}},
        "output": ["MODEL", "CLIP", "VAE"],
        "output_node": False,
    },
    "LoadImage": {
        "input": {"required": {"image": [["there.png"], {"image_upload": True}]}},
        "output": ["IMAGE", "MASK"],
        "output_node": False,
    },
    "Sampler": {
        "input": {
            "required": {
                "model": ["MODEL"],
                "image": ["IMAGE"],
                "seed": ["INT", {"min": 0, "max": 2**64 - 1}],
                "cfg": ["FLOAT", {"min": 0.0, "max": 100.0}],
                "text": ["STRING", {"multiline": True}],
                "tiled": ["BOOLEAN", {}],
            }
        },
        "output": ["IMAGE"],
        "output_node": False,
    },
    "SaveImage": {"input": {"required": {"images": ["IMAGE"]}}, "output": [], "output_node": True},
}
GRAPH: dict[str, Any] = {
    "1": {"class_type": "Checkpoint", "inputs": {"ckpt_name": "a.safetensors"}, "_meta": {"title": "Load Checkpoint"}},
    "2": {"class_type": "LoadImage", "inputs": {"image": "there.png"}, "_meta": {"title": "Picture"}},
    "3": {
        "class_type": "Sampler",
        "inputs": {"model": ["1", 0], "image": ["2", 0], "seed": 1, "cfg": 7.0, "text": "a room", "tiled": False},
        "_meta": {"title": "Sampler"},
    },
    "4": {"class_type": "SaveImage", "inputs": {"images": ["3", 0]}, "_meta": {"title": "Save picture"}},
}


def png(color: int = 0) -> bytes:
    """A small picture."""
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), (color % 256, 0, 0)).save(buffer, "PNG")
    return buffer.getvalue()


def huge_png() -> bytes:
    """A picture of 30,000 x 30,000 pixels in a few bytes."""

    def part(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 1, 0, 0, 0, 0)
    return png()[:8] + part(b"IHDR", header) + part(b"tEXt", b"prompt\0{}") + part(b"IDAT", zlib.compress(bytes(3_751)))


class HostStub:
    """The server. `seconds` per prompt; a prompt whose text holds 'fail' fails, 'refuse' is refused, 'full' fills the disk.

    `ran` has the inputs of the Sampler of every prompt that was run, in order; `headers` those every request must bear.
    """

    def __init__(self, seconds: float = 0.0, log: Path | None = None, headers: dict[str, str] | None = None):
        self.seconds = seconds
        self.log = log
        self.headers = headers or {}
        self.ran: list[dict[str, Any]] = []
        self.uploads: list[str] = []
        self.history: dict[str, Any] = {}
        self.pending: dict[str, Any] = {}
        self.failures: dict[str, int] = {}
        self.report: Any = None
        self._wake = asyncio.Event()
        self._sockets: dict[str, web.WebSocketResponse] = {}
        self._picture = png()

    @contextlib.asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncIterator[str]:
        """Serves, and gives the address."""
        app = web.Application(middlewares=[self._guard], client_max_size=2**30)
        app.router.add_get("/ws", self._socket)
        app.router.add_get("/object_info/{name}", self._info)
        app.router.add_get("/system_stats", lambda _request: _answer({}))
        app.router.add_get("/history/{id}", self._history)
        app.router.add_get("/queue", self._queue)
        app.router.add_get("/view", self._view)
        app.router.add_post("/prompt", self._prompt)
        app.router.add_post("/upload/image", self._upload)
        app.router.add_post("/queue", self._delete)
        app.router.add_post("/interrupt", lambda _request: _answer({}))
        app.router.add_post("/armature/compatibility", self._compatibility)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        work = asyncio.create_task(self._work())
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            work.cancel()
            await runner.cleanup()

    @web.middleware
    async def _guard(self, request: web.Request, handler: Any) -> Any:
        if any(request.headers.get(name) != value for name, value in self.headers.items()):
            return web.Response(status=401)
        return await handler(request)

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets[request.query["clientId"]] = socket
        async for _ in socket:
            pass
        return socket

    async def _info(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        return await _answer({name: OBJECT_INFO[name]} if name in OBJECT_INFO else {})

    async def _history(self, request: web.Request) -> web.Response:
        prompt_id = request.match_info["id"]
        return await _answer({prompt_id: self.history[prompt_id]} if prompt_id in self.history else {})

    async def _queue(self, _request: web.Request) -> web.Response:
        return await _answer({"queue_running": [], "queue_pending": [[0, one] for one in self.pending]})

    async def _delete(self, request: web.Request) -> web.Response:
        for prompt_id in (await request.json())["delete"]:
            self.pending.pop(prompt_id, None)
        return await _answer({})

    async def _view(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._picture)

    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        name = form["image"].filename  # type: ignore[union-attr]
        self.uploads.append(name)
        return await _answer({"name": name, "subfolder": form["subfolder"], "type": "input"})

    async def _compatibility(self, request: web.Request) -> web.Response:
        prompt = await request.json()
        return web.Response(status=404) if self.report is None else await _answer(self.report(prompt))

    async def _prompt(self, request: web.Request) -> web.Response:
        body = await request.json()
        if "refuse" in body["prompt"]["3"]["inputs"]["text"]:
            return await _answer({"error": {"message": "not wanted"}, "node_errors": {}}, 400)
        self.pending[body["prompt_id"]] = body
        self._wake.set()
        return await _answer({"prompt_id": body["prompt_id"], "number": 1, "node_errors": {}})

    async def _work(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self.pending:
                prompt_id, body = next(iter(self.pending.items()))
                await self._tell(body, "executing", {"node": "3", "prompt_id": prompt_id})
                await asyncio.sleep(self.seconds)
                while self._is_held():
                    await asyncio.sleep(0.02)
                if self.pending.pop(prompt_id, None) is not None:
                    self._finish(prompt_id, body)
                    await self._tell(body, "execution_success", {"prompt_id": prompt_id})

    def _is_held(self) -> bool:
        if self.log is None:
            return False
        with contextlib.suppress(FileNotFoundError):
            number = self.log.with_name(HOLD).read_text(encoding="utf-8")
            return not number or len(self.ran) >= int(number)  # empty while it is being written
        return False

    def _finish(self, prompt_id: str, body: dict[str, Any]) -> None:
        inputs = {**body["prompt"]["3"]["inputs"], "loaded": body["prompt"]["2"]["inputs"]["image"]}
        inputs["checkpoint"] = body["prompt"]["1"]["inputs"]["ckpt_name"]
        self.ran.append(inputs)
        if self.log is not None:
            with self.log.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(inputs) + "\n")
        messages: list[Any] = [["execution_start", {"timestamp": 0}], ["execution_success", {"timestamp": 1}]]
        reason = self._failure(inputs["text"])
        if reason:
            messages[1] = ["execution_error", {"node_id": "3", "node_type": "Sampler", "exception_message": reason}]
        outputs: dict[str, Any] = (
            {} if reason else {"4": {"images": [{"filename": "x_0001.png", "subfolder": "", "type": "output"}]}}
        )
        for node, one in body["prompt"].items():
            if one["class_type"] == "PreviewAny":  # stands for a score that depends on the seed
                outputs[node] = {"text": [str(inputs["seed"] % 10 / 10)]}
        entry = {"prompt": [0, prompt_id, body["prompt"], {}, []], "outputs": outputs, "status": {"messages": messages}}
        self.history[prompt_id] = entry

    def _failure(self, text: str) -> str:
        if "full" in text:
            return "[Errno 28] No space left on device"
        self.failures[text] = self.failures.get(text, 0) + 1
        # 'fail twice' fails two times, then comes out.
        return "out of luck" if "fail" in text and not ("twice" in text and self.failures[text] > 2) else ""

    async def _tell(self, body: dict[str, Any], kind: str, data: dict[str, Any]) -> None:
        socket = self._sockets.get(body["client_id"])
        if socket is not None and not socket.closed:
            with contextlib.suppress(ConnectionError):
                await socket.send_json({"type": kind, "data": data})


async def _answer(data: Any, status: int = 200) -> web.Response:
    return web.json_response(data, status=status)


async def _main(port: int, log: Path, seconds: float, lies: bool) -> None:
    stub = HostStub(seconds, log)
    stub._picture = b'{"error": "no"}' if lies else png()
    async with stub.serving(port):
        print("ready", time.time(), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]), len(sys.argv) > 4))
