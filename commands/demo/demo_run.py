"""The demo itself: weights, server, run, pictures; on the pack's small models, or on the user's own."""

import argparse
import asyncio
import contextlib
import io
import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
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
from ..fetch import default_models
from ..fetch import run as fetch
from ..fetch.manifest import manifest
from ..places import whole_path
from ..private_host.files import cache_folder
from ..private_host.host import Host
from ..private_host.model_paths import link_file
from ..private_host.server import Server, start_server
from ..terminal import Problem, ProgressBar, Unusable
from .own_graph import FOLDERS, GRAPH, own_graph
from .weights import written_models

# The demo's graph: the shipped comparison with the user's choices put in.

PICTURE, PALETTE, SCALED, MAP = "Picture", "Palette picture", "Scale picture", "The map"
WAYS = ("no control", "ControlNet", "ControlNeXt", "all three")
SOURCE_ID = "demo_source"
# What --fetch downloads, by the option that names it: entries of fetch's table.
FETCHED = {
    "checkpoint": "sd15",
    "controlnet": "sd15_canny",
    "ip_adapter": "ip_adapter_plus_sd15",
    "clip_vision": "clip_vision_h",
    "lora": "sd15_outline_lora",
}


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
    changes: dict[str, Any] = dict.fromkeys(sides, choices.size)
    titles = {title_of(node) for node in graph.values()}
    for prompt in titles & {"Prompt", "Prompt, all"}:
        changes[f"{prompt}.text"] = choices.prompt
    for way in WAYS:
        if f"Sampler, {way}" in titles:
            changes |= {f"Sampler, {way}.steps": choices.steps, f"Sampler, {way}.seed": choices.seed}
    changed = set_inputs(graph, {key: value for key, value in changes.items() if value is not None})
    for title, image in ((PICTURE, choices.image), (PALETTE, choices.palette)):
        if image is not None and (title == PICTURE or title in titles):
            load = {"class_type": "LoadImage", "inputs": {"image": image}, "_meta": {"title": title}}
            changed[find_node(changed, title)] = load
    source = {"images": [find_node(changed, SCALED), 0]}
    return {
        **changed,
        SOURCE_ID: {"class_type": "PreviewImage", "inputs": source, "_meta": {"title": "Show picture"}},
    }


@dataclass(frozen=True)
class Drawing:
    """What is drawn: the graph, its ways by what they are called in it and on the sheet, and the name of the measure.

    files: the user's own models, by model folder; none draws with the pack's. size, steps: where the user gives none.
    """

    graph: Mapping[str, Any]
    ways: Mapping[str, str]
    measure: str
    steps: int
    size: int
    files: Mapping[str, Path] = field(default_factory=dict)

    @property
    def caption(self) -> str:
        """A line below the sheet."""
        if self.measure == EDGE_F1:
            return "Edge F1: how much of the map's lines is in the picture, and the reverse; 1 is all. Within 2 pixels."
        return f"{self.measure}: how well the picture follows the map; 1 is a perfect fit."


PACK = Path(__file__).resolve().parents[2]
EDGE_F1 = "edge F1"
SMALL = (10, 128)  # steps and size that the pack's models know
OWN_STEPS = 20


def run_demo(arguments: argparse.Namespace) -> int:
    """Everything from nothing to the files in the output folder. Raises Problem."""
    for option, path in (("--image", arguments.image), ("--palette", arguments.palette)):
        if path is not None:
            _check_picture(option, path)
    _allow_cpu()
    if arguments.fetch and not _fetched(arguments):
        return 0
    drawing = _drawing(arguments)
    if arguments.dry_run:
        return 0
    _make_folder(arguments.output)
    with tempfile.TemporaryDirectory(prefix="armature-demo-") as folder:
        base = _base(drawing, Path(folder))
        print("Starting ComfyUI with this pack alone …", flush=True)
        with _start(base, Path(folder)) as server:
            pictures = _make_pictures(server, arguments, drawing)
        server.log.unlink(missing_ok=True)  # Only a failed run's log is of use, and each run has one of its own.
    _write(pictures, arguments.output, drawing)
    return 0


def _drawing(arguments: argparse.Namespace) -> Drawing:
    """What the options ask for; the user's own models are named as they are chosen. Raises Problem."""
    if not any(getattr(arguments, name) for name in (*FOLDERS, "models")):
        if arguments.map is not None:
            raise Problem("--map is for your own models, given with --checkpoint and --controlnet, or --models.")
        return Drawing(read_graph(GRAPH), dict(zip(WAYS, WAYS, strict=True)), EDGE_F1, *SMALL)
    from ...models.compatibility.control_nodes import own_methods
    from ...preprocessors.adherence.scoring import family_of
    from ...preprocessors.images.kinds import map_kind
    from .own_files import own_models

    own = own_models(arguments)
    if arguments.palette is not None and "ip_adapter" not in own.files:
        raise Problem(
            "--palette is a picture for an IP-Adapter, and there is none: give --ip-adapter and --clip-vision."
        )
    made = own_graph(own.files, own.method)
    print(f"Drawing with {own.family.title} and the map {own.method}:")
    for line in own.said:
        print(f"  {line}")
    measure = family_of(map_kind(own_methods()[own.method].made)).name
    files = {FOLDERS[name]: path for name, path in own.files.items()}
    return Drawing(made.graph, made.ways, measure, OWN_STEPS, own.family.size, files)


def _fetched(arguments: argparse.Namespace) -> bool:
    """Downloads the files of a set, after saying what and asking, and names them as the user's own. False when only said."""
    models = whole_path(arguments.models[0] if arguments.models else default_models())
    wanted = {name: find for name, find in FETCHED.items() if getattr(arguments, name) is None}
    fetch(argparse.Namespace(names=list(wanted.values()), models=models, yes=arguments.yes, dry_run=arguments.dry_run))
    for name, find in wanted.items():
        file = manifest()[find]
        setattr(arguments, name, models / file.folder / file.name)
    return not arguments.dry_run


def _base(drawing: Drawing, folder: Path) -> Path:
    """The server's base folder, whose `models` hold what is drawn with."""
    if not drawing.files:
        return written_models(cache_folder() / "demo")
    for name, file in drawing.files.items():
        link_file(file, folder / "models" / name)
    return folder


def _start(base: Path, folder: Path) -> Server:
    """The server on the demo's models, with its pictures in a folder that goes away after the run."""
    options: list[str] = []
    for kind in ("input", "output", "temp"):
        (folder / kind).mkdir()
        options += [f"--{kind}-directory", str(folder / kind)]
    return start_server(Host.from_environment(), pack=PACK, base_directory=base, arguments=options)


def _make_pictures(server: Server, arguments: argparse.Namespace, drawing: Drawing) -> list[tuple[str, bytes]]:
    """Runs the graph on the server and returns labelled PNG files; on Ctrl-C the run is interrupted first."""
    try:
        return asyncio.run(_run(server.address, arguments, drawing))
    except ClientError as error:
        raise Problem(f"{error}\nThe server's log: {server.log}") from None
    except KeyboardInterrupt:
        print("\nStopping the run …", file=sys.stderr)
        with contextlib.suppress(ClientError):
            asyncio.run(_interrupt(server.address))
        raise


async def _run(address: str, arguments: argparse.Namespace, drawing: Drawing) -> list[tuple[str, bytes]]:
    async with Client(address, patience=5) as client:
        image, palette = [
            None if path is None else (await client.upload_image(path)).annotated
            for path in (arguments.image, arguments.palette)
        ]
        steps, size = arguments.steps or drawing.steps, arguments.size or drawing.size
        choices = Choices(steps, size, arguments.prompt, arguments.seed, image, palette)
        graph = with_scores(demo_graph(drawing.graph, choices))
        result = await _run_with_bar(client, graph)
        if result.left_out:
            raise Problem(
                "The server ran only a part of the graph:\n" + "\n".join(f"  - {one}" for one in result.left_out)
            )
        print(f"Done in {result.seconds:.1f} s." if result.seconds is not None else "Done.")
        wanted = {"picture": SOURCE_ID, "map": find_node(graph, MAP)}
        for way, called in drawing.ways.items():
            score = _score(way, result, graph)
            wanted[f"{called}\n{drawing.measure} {score:.2f}"] = find_node(graph, f"Save {way}")
        return [(label, await client.fetch(_first(result, graph, node))) for label, node in wanted.items()]


def _score(way: str, result: RunResult, graph: dict[str, Any]) -> float:
    """What was measured of a way."""
    (score,) = result.texts(PREFIX + find_node(graph, f"Adherence, {way}"))
    return float(score)


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


def _write(pictures: list[tuple[str, bytes]], folder: Path, drawing: Drawing) -> None:
    """Writes the files and their contact sheet, and prints where they are. Earlier demos' files stay."""
    stem = _free_stem(folder)
    sheet = contact_sheet(
        [(label, Image.open(io.BytesIO(data))) for label, data in pictures], drawing.caption, columns=3
    )
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    try:
        for label, data in [*pictures, ("side by side", buffer.getvalue())]:
            name, _, measured = label.partition("\n")
            path = folder / f"{stem}_{name.replace(',', '').replace(' ', '_')}.png"
            path.write_bytes(data)
            print(f"  {name:<13} {measured:<13} {path}")
    except OSError as error:
        raise Unusable(f"--output {folder}: {error.strerror}. Choose another folder.") from None


def _free_stem(folder: Path) -> str:
    number = 1
    while any(folder.glob(f"armature_demo_{number:04d}_*")):
        number += 1
    return f"armature_demo_{number:04d}"
