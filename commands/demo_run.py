"""The demo itself: weights, server, run, pictures."""

import argparse
import asyncio
import contextlib
import io
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

from ..models.generated import find_recipe, generate
from ..runs.client import Client
from ..runs.errors import ClientError
from ..runs.graph import find_node
from ..runs.results import Picture, RunResult
from .contact_sheet import contact_sheet
from .demo_graph import SAVE_CONTROL_MAP, SAVE_PICTURE, SOURCE_ID, Choices, demo_graph, read_graph
from .errors import Problem
from .model_links import link_model
from .private_host.cache import cache_folder
from .private_host.host import Host
from .progress_bar import ProgressBar
from .server import Server, start_server

PACK = Path(__file__).resolve().parent.parent
GRAPH = PACK / "workflows" / "api" / "control_signal.json"
WEIGHTS = ("sd15_checkpoint", "sd15_controlnet_canny")
UNTRAINED = "The checkpoint and the ControlNet are generated from a seed and untrained: the wiring is real, the picture is noise."
SHEET_CAPTION = "Untrained weights: the wiring is real, the picture is noise."


def run_demo(arguments: argparse.Namespace) -> int:
    """Everything from nothing to the files in the output folder. Raises Problem."""
    if arguments.image is not None:
        _check_picture(arguments.image)
    _make_folder(arguments.output)
    base = cache_folder() / "demo"
    checkpoint, control_net = (_model(name, base) for name in WEIGHTS)
    print(UNTRAINED)
    print("Starting ComfyUI with this pack alone …", flush=True)
    with tempfile.TemporaryDirectory(prefix="armature-demo-") as folder:
        with _start(base, Path(folder)) as server:
            pictures = _make_pictures(server, arguments, checkpoint, control_net)
        server.log.unlink(missing_ok=True)  # Only a failed run's log is of use, and each run has one of its own.
    _write(pictures, arguments.output)
    print(UNTRAINED)
    return 0


def _start(base: Path, folder: Path) -> Server:
    """The server on the demo's models, with its pictures in a folder that goes away after the run."""
    options: list[str] = []
    for kind in ("input", "output", "temp"):
        (folder / kind).mkdir()
        options += [f"--{kind}-directory", str(folder / kind)]
    return start_server(Host.from_environment(), pack=PACK, base_directory=base, arguments=options)


def _make_pictures(
    server: Server, arguments: argparse.Namespace, checkpoint: str, control_net: str
) -> list[tuple[str, bytes]]:
    """Runs the graph on the server and returns labelled PNG files; on Ctrl-C the run is interrupted first."""
    try:
        return asyncio.run(_run(server.address, arguments, checkpoint, control_net))
    except ClientError as error:
        raise Problem(f"{error}\nThe server's log: {server.log}") from None
    except KeyboardInterrupt:
        print("\nStopping the run …", file=sys.stderr)
        with contextlib.suppress(ClientError):
            asyncio.run(_interrupt(server.address))
        raise


async def _run(
    address: str, arguments: argparse.Namespace, checkpoint: str, control_net: str
) -> list[tuple[str, bytes]]:
    async with Client(address, patience=5) as client:
        image = None
        if arguments.image is not None:
            image = (await client.upload_image(arguments.image)).annotated
        choices = Choices(arguments.steps, arguments.size, arguments.prompt, arguments.seed, image)
        graph = demo_graph(read_graph(GRAPH), checkpoint, control_net, choices)
        result = await _run_with_bar(client, graph)
        if result.left_out:
            raise Problem(
                "The server ran only a part of the graph:\n" + "\n".join(f"  - {one}" for one in result.left_out)
            )
        print(f"Done in {result.seconds:.1f} s." if result.seconds is not None else "Done.")
        wanted = {
            "source": SOURCE_ID,
            "control map": find_node(graph, SAVE_CONTROL_MAP),
            "picture": find_node(graph, SAVE_PICTURE),
        }
        return [(label, await client.fetch(_first(result, graph, node))) for label, node in wanted.items()]


async def _run_with_bar(client: Client, graph: dict[str, Any]) -> RunResult:
    bar = ProgressBar(graph, sys.stdout)
    ticking = asyncio.create_task(_tick(bar))
    try:
        return await client.run(graph, on_event=bar.show)
    finally:
        ticking.cancel()
        bar.close()


async def _tick(bar: ProgressBar) -> None:
    while True:
        await asyncio.sleep(0.5)
        bar.refresh()


async def _interrupt(address: str) -> None:
    async with Client(address) as client:
        await client.interrupt()


def _first(result: RunResult, graph: dict[str, Any], node: str) -> Picture:
    pictures = result.images(node)
    if not pictures:
        raise Problem(f"The run ended without a picture from '{graph[node]['_meta']['title']}'.")
    return pictures[0]


def _model(name: str, base: Path) -> str:
    """The file name of generated weights in the demo's models folder; made on the first run."""
    recipe, store = find_recipe(name), cache_folder() / "generated"
    if not (store / recipe.file_name).exists():
        print(f"Making {recipe.file_name} (once) …", flush=True)
        _allow_cpu()
    return link_model(generate(name, store), base / "models" / recipe.folder)


def _allow_cpu() -> None:
    """The host's modules refuse to be imported with a torch that has no GPU, unless told so beforehand."""
    import comfy.cli_args
    import torch

    accelerated = torch.cuda.is_available() or torch.backends.mps.is_available() or torch.xpu.is_available()
    comfy.cli_args.args.cpu = not accelerated


def _check_picture(path: Path) -> None:
    try:
        with Image.open(path) as picture:
            picture.verify()
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else "it is not a picture that can be read"
        raise Problem(f"--image {path}: {reason}. Give a PNG, JPEG or WebP file.") from None


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Problem(f"--output {folder}: {error.strerror}. Choose another folder.") from None


def _write(pictures: list[tuple[str, bytes]], folder: Path) -> None:
    """Writes the files and their contact sheet, and prints where they are. Earlier demos' files stay."""
    stem = _free_stem(folder)
    sheet = contact_sheet([(label, Image.open(io.BytesIO(data))) for label, data in pictures], SHEET_CAPTION)
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    try:
        for label, data in [*pictures, ("side by side", buffer.getvalue())]:
            path = folder / f"{stem}_{label.replace(' ', '_')}.png"
            path.write_bytes(data)
            print(f"  {label:<13} {path}")
    except OSError as error:
        raise Problem(f"--output {folder}: {error.strerror}. Choose another folder.") from None


def _free_stem(folder: Path) -> str:
    number = 1
    while any(folder.glob(f"armature_demo_{number:04d}_*")):
        number += 1
    return f"armature_demo_{number:04d}"
