"""The demo itself: weights, server, run, pictures."""

import argparse
import asyncio
import contextlib
import io
import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from ...common.node_names import title_of
from ...common.picture_files import PictureError, check_picture
from ...runs.batch.adherence import PREFIX, with_scores
from ...runs.batch.batch import ticking
from ...runs.client import Client
from ...runs.errors import ClientError
from ...runs.graph import find_node, set_inputs
from ...runs.results import Picture, RunResult
from ..contact_sheet import contact_sheet
from ..private_host.files import cache_folder
from ..private_host.host import Host
from ..private_host.server import Server, start_server
from ..terminal import Problem, ProgressBar, Unusable
from .weights import written_models

# The demo's graph: the shipped comparison with the user's choices put in.

PICTURE, PALETTE, SCALED, MAP = "Picture", "Palette picture", "Scale picture", "The map"
WAYS = ("no control", "ControlNet", "ControlNeXt", "all three")
SOURCE_ID = "demo_source"


@dataclass(frozen=True)
class Choices:
    """What the user may change. `size`: both sides in pixels; `image`, `palette`: names in the server's input folder.

    None leaves what the example says.
    """

    steps: int
    size: int
    prompt: str | None = None
    seed: int | None = None
    image: str | None = None
    palette: str | None = None


def read_graph(path: Path) -> dict[str, Any]:
    """An API graph from its JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def demo_graph(graph: Mapping[str, Any], choices: Choices) -> dict[str, Any]:
    """The example with these choices, and a preview of its scaled picture under SOURCE_ID.

    Raises GraphError when the example lacks a node that the demo names.
    """
    sides = [f"{title}.{side}" for title in (SCALED, "Empty latent") for side in ("width", "height")]
    changes: dict[str, Any] = dict.fromkeys(sides, choices.size) | {"Prompt.text": choices.prompt}
    for way in WAYS:
        changes |= {f"Sampler, {way}.steps": choices.steps, f"Sampler, {way}.seed": choices.seed}
    changed = set_inputs(graph, {key: value for key, value in changes.items() if value is not None})
    for title, image in ((PICTURE, choices.image), (PALETTE, choices.palette)):
        if image is not None:
            load = {"class_type": "LoadImage", "inputs": {"image": image}, "_meta": {"title": title}}
            changed[find_node(changed, title)] = load
    source = {"images": [find_node(changed, SCALED), 0]}
    return {
        **changed,
        SOURCE_ID: {"class_type": "PreviewImage", "inputs": source, "_meta": {"title": "Show picture"}},
    }


PACK = Path(__file__).resolve().parents[2]
GRAPH = PACK / "workflows" / "api" / "compare_controls.json"
SHEET_CAPTION = "Edge F1: how much of the map's lines is in the picture, and the reverse; 1 is all. Within 2 pixels."


def run_demo(arguments: argparse.Namespace) -> int:
    """Everything from nothing to the files in the output folder. Raises Problem."""
    for option, path in (("--image", arguments.image), ("--palette", arguments.palette)):
        if path is not None:
            _check_picture(option, path)
    _make_folder(arguments.output)
    _allow_cpu()
    base = written_models(cache_folder() / "demo")
    print("Starting ComfyUI with this pack alone …", flush=True)
    with tempfile.TemporaryDirectory(prefix="armature-demo-") as folder:
        with _start(base, Path(folder)) as server:
            pictures = _make_pictures(server, arguments)
        server.log.unlink(missing_ok=True)  # Only a failed run's log is of use, and each run has one of its own.
    _write(pictures, arguments.output)
    return 0


def _start(base: Path, folder: Path) -> Server:
    """The server on the demo's models, with its pictures in a folder that goes away after the run."""
    options: list[str] = []
    for kind in ("input", "output", "temp"):
        (folder / kind).mkdir()
        options += [f"--{kind}-directory", str(folder / kind)]
    return start_server(Host.from_environment(), pack=PACK, base_directory=base, arguments=options)


def _make_pictures(server: Server, arguments: argparse.Namespace) -> list[tuple[str, bytes]]:
    """Runs the graph on the server and returns labelled PNG files; on Ctrl-C the run is interrupted first."""
    try:
        return asyncio.run(_run(server.address, arguments))
    except ClientError as error:
        raise Problem(f"{error}\nThe server's log: {server.log}") from None
    except KeyboardInterrupt:
        print("\nStopping the run …", file=sys.stderr)
        with contextlib.suppress(ClientError):
            asyncio.run(_interrupt(server.address))
        raise


async def _run(address: str, arguments: argparse.Namespace) -> list[tuple[str, bytes]]:
    async with Client(address, patience=5) as client:
        image, palette = [
            None if path is None else (await client.upload_image(path)).annotated
            for path in (arguments.image, arguments.palette)
        ]
        choices = Choices(arguments.steps, arguments.size, arguments.prompt, arguments.seed, image, palette)
        graph = with_scores(demo_graph(read_graph(GRAPH), choices))
        result = await _run_with_bar(client, graph)
        if result.left_out:
            raise Problem(
                "The server ran only a part of the graph:\n" + "\n".join(f"  - {one}" for one in result.left_out)
            )
        print(f"Done in {result.seconds:.1f} s." if result.seconds is not None else "Done.")
        wanted = {"picture": SOURCE_ID, "map": find_node(graph, MAP)}
        wanted |= {_label(way, result, graph): find_node(graph, f"Save {way}") for way in WAYS}
        return [(label, await client.fetch(_first(result, graph, node))) for label, node in wanted.items()]


def _label(way: str, result: RunResult, graph: dict[str, Any]) -> str:
    """The way and what was measured of it, on two lines."""
    (score,) = result.texts(PREFIX + find_node(graph, f"Adherence, {way}"))
    return f"{way}\nedge F1 {float(score):.2f}"


async def _run_with_bar(client: Client, graph: dict[str, Any]) -> RunResult:
    bar = ProgressBar(graph, sys.stdout)
    try:
        async with ticking(bar.refresh):
            return await client.run(graph, on_event=bar.show)
    finally:
        bar.close()


async def _interrupt(address: str) -> None:
    async with Client(address) as client:
        await client.interrupt()


def _first(result: RunResult, graph: dict[str, Any], node: str) -> Picture:
    pictures = result.images(node)
    if not pictures:
        raise Problem(f"The run ended without a picture from '{title_of(graph[node])}'.")
    return pictures[0]


def _allow_cpu() -> None:
    """The host's modules refuse to be imported with a torch that has no GPU, unless told so beforehand."""
    import comfy.cli_args
    import torch

    accelerated = torch.cuda.is_available() or torch.backends.mps.is_available() or torch.xpu.is_available()
    comfy.cli_args.args.cpu = not accelerated


def _check_picture(option: str, path: Path) -> None:
    try:
        check_picture(path)
    except PictureError as error:
        raise Problem(f"{option} {path}: the file {error}") from None
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise Problem(f"{option} {path}: {reason}. Give a PNG, JPEG or WebP file.") from None


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unusable(f"--output {folder}: {error.strerror}. Choose another folder.") from None


def _write(pictures: list[tuple[str, bytes]], folder: Path) -> None:
    """Writes the files and their contact sheet, and prints where they are. Earlier demos' files stay."""
    stem = _free_stem(folder)
    sheet = contact_sheet([(label, Image.open(io.BytesIO(data))) for label, data in pictures], SHEET_CAPTION, columns=3)
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    try:
        for label, data in [*pictures, ("side by side", buffer.getvalue())]:
            name, _, measured = label.partition("\n")
            path = folder / f"{stem}_{name.replace(' ', '_')}.png"
            path.write_bytes(data)
            print(f"  {name:<13} {measured:<13} {path}")
    except OSError as error:
        raise Unusable(f"--output {folder}: {error.strerror}. Choose another folder.") from None


def _free_stem(folder: Path) -> str:
    number = 1
    while any(folder.glob(f"armature_demo_{number:04d}_*")):
        number += 1
    return f"armature_demo_{number:04d}"
