"""A typed client for the API of a ComfyUI server.

Protocol as in the host's `server.py` and `execution.py` (checked against 0.30): POST /prompt, events over
/ws?clientId=…, results in /history/{prompt_id}, pictures from /view. The websocket only tells how a run is getting on;
how it ended is always read from the history, so that a dropped connection can never lose a result.
"""

import asyncio
import contextlib
import functools
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Mapping
from pathlib import Path
from typing import Any

import aiohttp

from .answers import read_nodes, read_object, read_queued, read_refusal, read_report, read_upload
from .errors import ClientError, NodeProblem, RunTimedOut, UnexpectedAnswer
from .events import Event, Failed, Finished
from .follow import Follower, history_entry
from .live import Live
from .results import Picture, RunResult
from .whole_files import find_flaw
from .wire import LARGEST_FILE, Address, Wire

Prompt = Mapping[str, Any]


class Client:
    """Talks to the server at `address` (URL; may hold user:password or a token). Use as an async context manager.

    `headers` go out with every request. `patience` is how many seconds a run survives a server that does not answer.
    Every method raises a ClientError, whose message is fit to be shown to a user.
    """

    def __init__(self, address: str, headers: Mapping[str, str] | None = None, *, patience: float = 30.0):
        self._address = Address.parse(address)
        self._headers = headers
        self._patience = patience
        self._client_id = uuid.uuid4().hex
        self._left_out: dict[str, tuple[NodeProblem, ...]] = {}
        self._over: set[str] = set()
        self.last_word = 0.0
        """When the server last took a prompt or said that one goes on, by time.monotonic."""

    @property
    def address(self) -> str:
        """The server's address without credentials."""
        return str(self._address)

    async def __aenter__(self) -> "Client":
        self._wire = Wire(self._address, self._headers)
        self._live = Live(self._wire, self._client_id)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._live.close()
        await self._wire.close()

    async def system_stats(self) -> dict[str, Any]:
        """Versions, devices and memory of the server."""
        return await self._wire.json("GET", "/system_stats", read_object)

    async def object_info(self, node: str | None = None) -> dict[str, Any]:
        """The descriptions of all nodes, or of one; empty when there is no such node."""
        return await self._wire.json("GET", f"/object_info/{node}" if node else "/object_info", read_nodes)

    async def compatibility(self, prompt: Prompt) -> dict[str, Any] | None:
        """The server's report on whether the models of a prompt fit together; None when its Armature has no check."""
        path = "/armature/compatibility"
        status, answer = await self._wire.read("POST", path, json=dict(prompt), accept=(200, 400, 404, 405))
        return self._wire.parsed(path, status, answer, read_report) if status == 200 else None

    async def upload_image(
        self, image: Path | bytes, name: str | None = None, *, subfolder: str = "", overwrite: bool = False
    ) -> Picture:
        """Sends a picture file, byte for byte, to the server's input folder.

        The server may choose another name than `name` (which bytes need); the returned picture bears the real one.
        """
        content = await asyncio.to_thread(image.read_bytes) if isinstance(image, Path) else image
        name = name or (image.name if isinstance(image, Path) else None)
        if name is None:
            raise ValueError("upload_image needs a name for bytes")
        # Quoted, names beyond ASCII would arrive as %C3%BC.
        form = aiohttp.FormData(quote_fields=False)
        form.add_field("image", content, filename=name, content_type="application/octet-stream")
        form.add_field("type", "input")
        form.add_field("subfolder", subfolder)
        form.add_field("overwrite", "true" if overwrite else "false")
        return await self._wire.json("POST", "/upload/image", read_upload, data=form, sends=len(content))

    async def fetch(self, picture: Picture) -> bytes:
        """The bytes of a picture or video file, exactly as they lie on the server.

        Raises UnexpectedAnswer for what is not there, not whole, or no such file at all.
        """
        params = {"filename": picture.filename, "subfolder": picture.subfolder, "type": picture.type}
        status, content = await self._wire.read("GET", "/view", params=params, accept=(200, 404), most=LARGEST_FILE)
        if status == 404:
            raise UnexpectedAnswer(f"The server at {self._address} no longer has {picture.annotated}.", status)
        flaw = await asyncio.to_thread(find_flaw, content, picture.filename)
        if flaw:
            raise UnexpectedAnswer(
                f"What the server at {self._address} sent for {picture.annotated} {flaw}. Look at the file on the server, and "
                "whether something stands between.",
                status,
            )
        return content

    async def submit(
        self, prompt: Prompt, extra_data: Mapping[str, Any] | None = None, prompt_id: str | None = None
    ) -> str:
        """Queues an API prompt and returns its id. Raises PromptRefused when the server finds fault with it.

        `extra_data` travels along, e.g. {"extra_pnginfo": {"workflow": …}} to be written into saved pictures.
        `prompt_id` is a UUID of the caller's, who has noted it before: so a run is found again after a crash.
        """
        # Before the prompt is sent: events of a short run would otherwise be gone before anybody listens.
        await self._live.ensure()
        given, prompt_id = prompt_id, prompt_id or str(uuid.uuid4())
        self._live.open_box(prompt_id)
        body = {
            "prompt": prompt,
            "prompt_id": prompt_id,
            "client_id": self._client_id,
            "extra_data": dict(extra_data or {}),
        }
        try:
            queued, left_out = await self._queue(prompt, body)
            if given and queued != given:
                raise UnexpectedAnswer(f"The server at {self._address} runs the prompt under another id.", 200)
        except ClientError:
            self._live.close_box(prompt_id)
            raise
        self._left_out[queued] = left_out
        self._note_word(queued)
        return queued

    async def _queue(self, prompt: Prompt, body: Mapping[str, Any]) -> tuple[str, tuple[NodeProblem, ...]]:
        path = "/prompt"
        status, answer = await self._wire.read("POST", path, json=body, accept=(200, 400))
        if status == 400:
            raise self._wire.parsed(path, status, answer, lambda told: read_refusal(told, prompt))
        return self._wire.parsed(path, status, answer, lambda told: read_queued(told, prompt))

    def _note_word(self, prompt_id: str) -> None:
        if prompt_id not in self._over:
            self.last_word = time.monotonic()

    def discount(self, prompt_id: str) -> None:
        """This prompt has ended, or was to be stopped: that it goes on all the same is no `last_word` any more."""
        self._over.add(prompt_id)

    async def follow(self, prompt_id: str) -> AsyncGenerator[Event, None]:
        """The events of a run, from Queued to Finished or Failed (which ends the iteration and is not raised).

        Works for any prompt of the server; without a websocket, and for other clients' prompts, only the end is seen.
        Raises ServerUnreachable and RunLost.
        """
        left_out = self._left_out.get(prompt_id)
        try:
            goes_on = functools.partial(self._note_word, prompt_id)
            follower = Follower(self._wire, self._live, prompt_id, left_out, self._patience, goes_on)
            async for event in follower.events():
                yield event
        finally:
            self._live.close_box(prompt_id)
            self._left_out.pop(prompt_id, None)

    async def wait(self, prompt_id: str, on_event: Callable[[Event], object] | None = None) -> RunResult:
        """Waits for the end of a run and returns its result; `on_event` sees every event on the way.

        Raises RunFailed, RunInterrupted and what `follow` raises. Cancelling this coroutine leaves the run on the server.
        """
        async with contextlib.aclosing(self.follow(prompt_id)) as events:
            async for event in events:
                if on_event is not None:
                    on_event(event)
                if isinstance(event, Finished):
                    return event.result
                if isinstance(event, Failed):
                    raise event.error
        raise AssertionError("follow ends with Finished or Failed")

    async def run(
        self,
        prompt: Prompt,
        on_event: Callable[[Event], object] | None = None,
        timeout: float | None = None,
        extra_data: Mapping[str, Any] | None = None,
    ) -> RunResult:
        """Queues a prompt, waits for its end and returns the result; `on_event` sees every event on the way.

        After `timeout` seconds the run is taken off the server and RunTimedOut raised. Raises PromptRefused,
        RunFailed, RunInterrupted and what `follow` raises. Cancelling this coroutine leaves the run on the server.
        """
        prompt_id = await self.submit(prompt, extra_data)
        try:
            return await asyncio.wait_for(self.wait(prompt_id, on_event), timeout)
        except asyncio.TimeoutError:
            await self.cancel(prompt_id)
            raise RunTimedOut(
                f"The run did not end within {timeout:g} seconds and was stopped. Allow more time, or make it smaller."
            ) from None

    async def history(self, prompt_id: str) -> dict[str, Any] | None:
        """The server's record of a finished prompt; None while it waits or runs, and when it is unknown."""
        return await history_entry(self._wire, prompt_id)

    async def forget_results(self) -> None:
        """Makes the server drop the results it keeps between runs, so that the next run computes everything anew."""
        await self._wire.read("POST", "/free", json={"free_memory": True})

    async def interrupt(self, prompt_id: str | None = None) -> None:
        """Stops the running prompt: this one if it is the one that runs, or whichever runs. Waiting ones stay."""
        await self._wire.read("POST", "/interrupt", json={"prompt_id": prompt_id} if prompt_id else {})

    async def cancel(self, prompt_id: str) -> None:
        """Takes a prompt off the server, whether it waits or runs."""
        await self._wire.read("POST", "/queue", json={"delete": [prompt_id]})
        await self.interrupt(prompt_id)
