"""A host in this process: a client is answered without a socket, so that thousands of answers can be spoilt in seconds."""

from __future__ import annotations

import copy
import io
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from armature_pack.runs import client as client_module
from armature_pack.runs import follow
from armature_pack.runs.errors import UnexpectedAnswer
from armature_pack.runs.wire import Wire
from armature_pack.tests.runs.batch.host_stub import OBJECT_INFO, png
from PIL import Image

Path = tuple[Any, ...]
Spoil = Callable[[str, bytes, str], "bytes | tuple[int, bytes]"]

# In the place of anything: every kind of JSON value, and those that are hard to hold or to write down.
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -7, 2**70, 1e308, float("nan"), float("inf"), 0.5, 10**400),
    *("", "abc", "a/b.png", "\ud800", "=1+1", "x" * 400, "\0", "../../etc", "<html>"),
    *([], [[]], [None], [1, 2, 3], ["abc"], [{}], [["execution_success", None]], [["a", 1], ["b", 2]]),
    *({}, {"": None}, {"filename": 3}, {"filename": "x", "type": []}, {"message": [1]}, {"a": {"b": {"c": []}}}),
)


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Where something stands in a JSON value: the whole of it, and everything within."""
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        yield from places(one, (*path, key))


def replaced(value: Any, path: Path, other: Any) -> Any:
    """The value with another one at a place; `...` takes it away."""
    if not path:
        return None if other is ... else other
    changed = copy.deepcopy(value)
    inside = changed
    for key in path[:-1]:
        inside = inside[key]
    if other is ...:
        del inside[path[-1]]
    else:
        inside[path[-1]] = other
    return changed


def spoilt(answer: bytes, chance: random.Random) -> bytes:
    """An answer with one thing in it replaced or left out, at random."""
    value = json.loads(answer)
    return json.dumps(replaced(value, chance.choice([*places(value)]), chance.choice((*VALUES, ...)))).encode()


class AnsweringHost:
    """Runs a prompt as it comes.

    spoil: from the path asked for, its answer, and the text of the prompt (the file's name of an upload) to what is sent instead.
    """

    def __init__(self, spoil: Spoil = lambda _path, answer, _text: answer):
        self.spoil = spoil
        self.asked: Counter[str] = Counter()
        self.report: Any = {"findings": []}
        self._prompts: dict[str, Any] = {}

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Every client talks to this host from now on, without waiting."""
        host = self

        class InProcess(Wire):
            async def read(
                self, method: str, path: str, *, params: Any = None, accept: tuple[int, ...] = (200,), **body: Any
            ) -> tuple[int, bytes]:
                status, content = host.answer(path, params or {}, body)
                if status not in accept:
                    raise UnexpectedAnswer(f"The server answered {path} with HTTP {status}.", status)
                return status, content

            async def websocket(self, path: str, params: Mapping[str, str]) -> Any:
                raise OSError("none here")

        monkeypatch.setattr(client_module, "Wire", InProcess)
        monkeypatch.setattr(follow, "POLL_LOST", 0.0005)

    def answer(self, path: str, params: Mapping[str, str], body: Mapping[str, Any]) -> tuple[int, bytes]:
        """The status and the bytes of an answer."""
        self.asked[path] += 1
        value, text = self._value(path, params, body)
        given = value if isinstance(value, bytes) else json.dumps(value).encode()
        changed = (404, b"") if value is None else self.spoil(path, given, text)
        if path == "/prompt" and isinstance(changed, tuple):
            self._prompts.popitem()  # turned away, so it does not run
        return changed if isinstance(changed, tuple) else (200, changed)

    def _value(self, path: str, params: Mapping[str, str], body: Mapping[str, Any]) -> tuple[Any, str]:
        """What the host would say, None for 'not found', and the text of the prompt that it is about."""
        head, _, rest = path.lstrip("/").partition("/")
        if head == "object_info":
            return ({rest: OBJECT_INFO[rest]} if rest in OBJECT_INFO else {}), ""
        if head == "prompt":
            sent = json.loads(json.dumps(body["json"]))
            self._prompts[sent["prompt_id"]] = sent["prompt"]
            return {"prompt_id": sent["prompt_id"], "number": 1, "node_errors": {}}, text_of(sent["prompt"])
        if head == "history":
            prompt = self._prompts.get(rest)
            return ({rest: entry(rest, prompt)} if prompt else {}), text_of(prompt)
        if head == "view":
            text = params["filename"].removesuffix(".png")
            known = any(text == text_of(one) for one in self._prompts.values())
            where = (params["subfolder"], params["type"]) == ("", "output")
            return (picture(text) if known and where else None), text
        if path == "/upload/image":
            name = next(field[0]["filename"] for field in body["data"]._fields if "filename" in field[0])
            return {"name": name, "subfolder": "armature_batch", "type": "input"}, name
        latest = next(reversed(self._prompts), "")
        plain = {
            "queue": {"queue_running": [[2, latest, {}]], "queue_pending": [[3, "another", {}]]},
            "system_stats": {"system": {"comfyui_version": "0.30.0"}},
            "armature": self.report,
        }
        return plain.get(head, {}), text_of(self._prompts.get(latest))


def text_of(prompt: Any) -> str:
    return prompt["3"]["inputs"]["text"] if prompt else ""


def entry(prompt_id: str, prompt: Any) -> dict[str, Any]:
    """The history of a run that came out."""
    outputs = {"4": {"images": [{"filename": f"{text_of(prompt)}.png", "subfolder": "", "type": "output"}]}}
    messages = [
        ["execution_start", {"prompt_id": prompt_id, "timestamp": 1000}],
        ["execution_cached", {"nodes": ["1"], "prompt_id": prompt_id, "timestamp": 1001}],
        ["execution_success", {"prompt_id": prompt_id, "timestamp": 3000}],
    ]
    status = {"status_str": "success", "completed": True, "messages": messages}
    return {"prompt": [0, prompt_id, prompt, {}, ["4"]], "outputs": outputs, "status": status, "meta": {}}


def picture(text: str) -> bytes:
    """The picture that a prompt of this text gives."""
    return png(sum(text.encode("utf-8", "replace")))


def encoded(form: str, **options: Any) -> bytes:
    """A picture of many pixels, as a file of this form."""
    chance = random.Random(3)
    buffer = io.BytesIO()
    Image.frombytes("RGB", (64, 64), chance.randbytes(3 * 64 * 64)).save(buffer, form, **options)
    return buffer.getvalue()
