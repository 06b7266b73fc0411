"""Running a training on a server of its own, with a bar that says how it goes."""

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from ...common.atomic_write import write_bytes
from ...models.training.files import check_name
from ...runs.batch.batch import ticking
from ...runs.client import Client
from ...runs.errors import ClientError, RunInterrupted
from ...runs.events import Event, Progress, Queued
from ...runs.results import RunResult
from .. import FRONT_DOOR
from ..places import whole_path
from ..private_host.host import Host
from ..private_host.model_paths import link_file, write_model_paths
from ..private_host.server import Server, start_server
from ..terminal import HEARTBEAT_SECONDS, LiveLine, Problem, Unusable, bar
from .graph import IP_ADAPTER, SHEET, TRAIN, Choices, further_inputs, training_graph

INTERRUPTED = 130


def run_training(arguments: argparse.Namespace) -> int:
    """From the options to the files. Raises Problem."""
    data, output = _folder("--data", arguments.data), whole_path(arguments.output)
    files = {
        folder: _file(option, path)
        for option, folder, path in (
            ("--checkpoint", "checkpoints", arguments.checkpoint),
            ("--clip-vision", "clip_vision", arguments.clip_vision),
            ("--start-from", "ipadapter", arguments.start_from),
        )
        if path is not None
    }
    checkpoint = files["checkpoints"]
    try:
        name = check_name(arguments.to, "--to")
    except ValueError as error:
        raise Problem(str(error)) from None
    if arguments.what == IP_ADAPTER and arguments.clip_vision is None:
        raise Problem("an IP-Adapter reads pictures through an image encoder: give its file with --clip-vision.")
    models = _models_of(checkpoint, arguments.models)
    try:
        for folder in (models, output):
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unusable(f"{error.filename}: {error.strerror}. Choose another --models or --output.") from None
    choices = Choices(
        arguments.what, checkpoint.name, data.name, name, arguments.map, arguments.size, arguments.caption,
        arguments.steps, arguments.batch, arguments.learning_rate, arguments.seed, not arguments.anew,
        further_inputs(arguments.set), *(files[one].name if one in files else "" for one in ("clip_vision", "ipadapter")),
    )  # fmt: skip
    prompt = training_graph(choices)
    with tempfile.TemporaryDirectory(prefix="armature-train-") as folder:
        base = Path(folder)
        with _started(base, data, files, models, output) as server:
            return _trained(server, prompt, output / "armature_training" / choices.name, choices.steps)


def _folder(option: str, path: Path) -> Path:
    found = whole_path(path)
    if not found.is_dir():
        raise Problem(f"{option} {found}: there is no such folder. Give the folder that holds the pictures.")
    return found


def _file(option: str, path: Path) -> Path:
    found = whole_path(path)
    if not found.is_file():
        raise Problem(f"{option} {found}: there is no such file.")
    return found


def _models_of(checkpoint: Path, chosen: Path | None) -> Path:
    """The models folder that the files are written to."""
    if chosen is not None:
        return whole_path(chosen)
    return next((one.parent for one in checkpoint.parents if one.name == "checkpoints"), checkpoint.parent)


def _started(base: Path, data: Path, files: Mapping[str, Path], models: Path, output: Path) -> Server:
    """The server: its input folder is the one around the pictures, and new files go to `models`. files: by model folder."""
    for folder, file in files.items():
        link_file(file, base / "models" / folder)
    print("Starting ComfyUI with this pack alone …", flush=True)
    return start_server(
        Host.from_environment(),
        pack=FRONT_DOOR.parent,
        base_directory=base,
        arguments=[
            "--input-directory",
            str(data.parent),
            "--output-directory",
            str(output),
            "--extra-model-paths-config",
            str(write_model_paths(base, [models], first=True)),
        ],
    )


def _trained(server: Server, prompt: dict[str, Any], folder: Path, steps: int) -> int:
    watch = TrainingBar(folder / f"{folder.name}.log.jsonl", steps, sys.stdout)
    try:
        result = asyncio.run(_run(server.address, prompt, watch, folder))
    except RunInterrupted:
        print(f"Stopped; what was learned is kept in {folder}. The same command goes on from there.")
        return INTERRUPTED
    except ClientError as error:
        raise Problem(str(error)) from None
    except KeyboardInterrupt:
        print("\nStopping, once this step is done …", file=sys.stderr)
        with contextlib.suppress(ClientError):
            asyncio.run(_interrupted(server.address, watch.prompt_id))
        print(f"What was learned is kept in {folder}. The same command goes on from there.", file=sys.stderr)
        raise
    for text in result.texts(TRAIN):
        print(text)
    return 0


async def _run(address: str, prompt: dict[str, Any], watch: "TrainingBar", folder: Path) -> RunResult:
    async with Client(address, patience=5) as client:
        try:
            async with ticking(watch.refresh):
                result = await client.run(prompt, on_event=watch.show)
        finally:
            watch.close()
        if result.left_out:
            raise Problem("The server refused the training:\n" + "\n".join(f"  - {one}" for one in result.left_out))
        for picture in result.images(SHEET):
            content = await client.fetch(picture)
            sheet = folder / f"{folder.name}.sheet.png"
            write_bytes(sheet, content)
            print(f"Sheet: {sheet}")
        return result


async def _interrupted(address: str, prompt_id: str) -> None:
    """Interrupt, and wait until the state is written."""
    async with Client(address) as client:
        await client.interrupt(prompt_id)
        await client.wait(prompt_id)


class TrainingBar:
    """Steps, loss, adherence and the time that is left, of the log that the training writes."""

    def __init__(self, log: Path, steps: int, stream: TextIO) -> None:
        self._log, self._steps, self._stream = log, steps, stream
        self._line = LiveLine(stream)
        self._is_live = stream.isatty()
        self._first: tuple[float, float] | None = None
        self._done = 0.0
        self._next_sign = time.monotonic() + HEARTBEAT_SECONDS
        self._read = log.stat().st_size if log.is_file() else 0
        self._loss: float | None = None
        self._adherence: tuple[float, float] | None = None
        self.prompt_id = ""

    def show(self, event: Event) -> None:
        """Takes in an event of the run."""
        if isinstance(event, Queued):
            self.prompt_id = event.prompt_id
        elif isinstance(event, Progress) and event.node == TRAIN:
            self._done = event.value
            if self._first is None:
                self._first = (event.value, time.monotonic())
            self._look()

    def refresh(self) -> None:
        """Redraws the line; where the output is no terminal, a line now and then."""
        if self._first is None:
            return
        if self._is_live:
            self._line.draw(self.line())
        elif time.monotonic() >= self._next_sign:
            self._next_sign = time.monotonic() + HEARTBEAT_SECONDS
            print(self.line(), file=self._stream, flush=True)

    def line(self) -> str:
        """'[####----] 120 of 500, loss 0.0123, adherence 0.41 (0.05 without), 12 min left'."""
        parts = [f"{bar(self._done / self._steps)} {self._done:.0f} of {self._steps}"]
        if self._loss is not None:
            parts.append(f"loss {self._loss:.4f}")
        if self._adherence is not None:
            parts.append("adherence {:.2f} ({:.2f} without)".format(*self._adherence))
        if self._first is not None and self._done > self._first[0]:
            each = (time.monotonic() - self._first[1]) / (self._done - self._first[0])
            left = each * (self._steps - self._done)
            parts.append(f"{left / 60:.0f} min left" if left > 90 else f"{left:.0f} s left")
        return ", ".join(parts)

    def close(self) -> None:
        """What is printed next begins on a line of its own."""
        if self._is_live and self._first is not None:
            self._line.clear()

    def _look(self) -> None:
        try:
            with self._log.open(encoding="utf-8") as stream:
                stream.seek(self._read)
                text = stream.read()
        except OSError:
            return
        whole, _, _ = text.rpartition("\n")
        self._read += len(whole.encode()) + bool(whole)
        for row in map(json.loads, whole.splitlines()):
            self._loss = row.get("loss", self._loss)
            if "adherence" in row and "adherence_without" in row:
                self._adherence = (row["adherence"], row["adherence_without"])
