"""Square pictures for the template page: what goes in, the map, and what comes out, side by side, made by running the graph.

A graph that names the demo's models is run whole; of others runs what needs no model, so that input and maps are shown. Its
layout may say more: `thumbnail`, which nodes are shown; `thumbnail_with`, inputs that are changed for the picture alone (the
demo's models in the place of released ones, words that they know); `thumbnail_runs`, changes for several runs, each of which
gives its last picture.
"""

import io
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..commands import FRONT_DOOR
from ..commands.demo.weights import written_models
from ..commands.private_host.files import cache_folder
from ..commands.private_host.host import Host
from ..commands.private_host.server import start_server
from ..runs.api import run_blocking, use_client
from ..runs.graph import set_inputs
from ..runs.results import RunResult
from .editor_page import MODEL_INPUTS
from .graph_previews import Prompt, with_previews, without_models

WORKFLOWS = FRONT_DOOR.parent / "workflows"
SIDE = 440  # pixels; the page shows half of it
# On a busy machine a second thread for such small networks costs more than it gains.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
MOST = 4  # pictures on one thumbnail
GAP = 4
DARK, ALIKE = 40, 8  # mean levels of 255: below it a picture is lines on black, or two pictures are the same
GROUND, INK = (24, 24, 27), (235, 235, 235)
# Where the pictures stand, by their number: left, top and side as shares of the whole.
PLACES: dict[int, tuple[tuple[float, float, float], ...]] = {
    1: ((0, 0, 1),),
    2: ((0, 0, 0.56), (0.44, 0.44, 0.56)),
    3: ((0, 0.1, 0.4), (0, 0.5, 0.4), (0.4, 0.2, 0.6)),
    4: ((0, 0, 0.5), (0.5, 0, 0.5), (0, 0.5, 0.5), (0.5, 0.5, 0.5)),
}


def write_thumbnails(names: list[str]) -> None:
    """Run the graphs of these names and write workflows/NAME.jpg. Those without any picture get that of their nodes."""
    with demo_server() as address:
        info = use_client(address, lambda client: client.object_info())
        for name in names:
            prompt, layout = (_read(WORKFLOWS / part / f"{name}.json") for part in ("api", "layout"))
            prompt = set_inputs(prompt, layout.get("thumbnail_with", {}))
            if (WORKFLOWS / f"{name}.jpg").exists() and not _runs(prompt, layout.get("thumbnail") or []):
                print(f"workflows/{name}.jpg: left as it is; what it shows needs other models, or hours", flush=True)
                continue
            runs = [set_inputs(prompt, changes) for changes in layout.get("thumbnail_runs", [])]
            pictures = [_last(address, info, run) for run in runs]
            pictures = pictures or _shown(address, info, prompt, layout.get("thumbnail")) or [_nodes(name)]
            mosaic(pictures).save(WORKFLOWS / f"{name}.jpg", quality=88)
            print(f"workflows/{name}.jpg: {len(pictures)} pictures", flush=True)


def mosaic(pictures: list[Any]) -> Any:
    """The first four pictures, whole, on one square; of three the last is the largest."""
    from PIL import Image, ImageOps

    pictures = pictures[:MOST]
    square = Image.new("RGB", (SIDE, SIDE), GROUND)
    for picture, (left, top, side) in zip(pictures, PLACES[len(pictures)], strict=True):
        room = round(side * SIDE) - 2 * GAP
        fitted = ImageOps.contain(_legible(picture, room), (room, room), Image.Resampling.BICUBIC)
        corner = round(left * SIDE) + (room - fitted.width) // 2, round(top * SIDE) + (room - fitted.height) // 2
        square.paste(fitted, (corner[0] + GAP, corner[1] + GAP))
    return square


def _legible(picture: Any, room: int) -> Any:
    """Thin lines on black would fade where the picture is made smaller: they are drawn thicker."""
    from PIL import ImageFilter, ImageStat

    shrinks = max(picture.size) / room
    dark = ImageStat.Stat(picture.convert("L")).mean[0] < DARK
    return picture.filter(ImageFilter.MaxFilter(2 * round(shrinks) - 1)) if dark and shrinks >= 1.5 else picture


def _alike(one: Any, other: Any) -> bool:
    from PIL import ImageChops, ImageStat

    small = [picture.resize((16, 16)) for picture in (one, other)]
    return max(ImageStat.Stat(ImageChops.difference(*small)).mean) < ALIKE


def _runs(prompt: Prompt, wanted: list[Any]) -> bool:
    """Whether all wanted nodes are of the part that runs for a picture."""
    return {one[0] if isinstance(one, list) else one for one in wanted} <= set(without_models(prompt, MODEL_INPUTS))


def _shown(address: str, info: Any, prompt: Prompt, wanted: list[Any] | None) -> list[Any]:
    part = without_models(prompt, MODEL_INPUTS)
    runnable = with_previews(part, info)
    if not runnable:
        return []
    result = run_blocking(address, runnable, timeout=600)
    if wanted:
        return [_wanted(address, result, one) for one in wanted]
    seen: list[Any] = []
    for number in part:
        for picture in _pictures(address, result, number)[:1]:
            seen += [] if any(_alike(picture, one) for one in seen) else [picture]
    return seen


def _last(address: str, info: Any, prompt: Prompt) -> Any:
    """The last picture that a run gives."""
    result = run_blocking(address, with_previews(prompt, info), timeout=600)
    return [picture for number in prompt for picture in _pictures(address, result, number)][-1]


def _wanted(address: str, result: RunResult, one: Any) -> Any:
    """What a node shows: a picture, of a batch that of [node, number], or else the first sentence of its report."""
    number, which = one if isinstance(one, list) else (one, 0)
    pictures = _pictures(address, result, number)
    return pictures[which] if pictures else _written(result.texts(number)[0])


def _pictures(address: str, result: RunResult, number: str) -> list[Any]:
    from PIL import Image

    found = result.images(f"{1000 + int(number)}") or result.images(number)
    data = [use_client(address, lambda client, one=one: client.fetch(one)) for one in found]
    return [Image.open(io.BytesIO(one)).convert("RGB") for one in data]


def _written(text: str) -> Any:
    import textwrap

    from PIL import Image, ImageDraw, ImageFont

    panel = Image.new("RGB", (SIDE, SIDE), (39, 39, 42))
    lines = "\n".join(textwrap.wrap(text.partition(":")[0], 14))
    font = ImageFont.load_default(52)
    ImageDraw.Draw(panel).multiline_text((SIDE / 2, SIDE / 2), lines, INK, font, "mm", spacing=14, align="center")
    return panel


def _nodes(name: str) -> Any:
    from PIL import Image

    return Image.open(FRONT_DOOR.parent / "docs" / "graphs" / f"{name}.jpg")


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@contextmanager
def demo_server() -> Iterator[str]:
    """A server of its own on the demo's models, whose pictures and users' files go away with it."""
    base = written_models(cache_folder() / "demo")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(WORKFLOWS / "training", folder, dirs_exist_ok=True)  # what lora_training reads from there
        options = [f"--{kind}-directory={folder}" for kind in ("input", "output", "temp")]
        users = Path(folder, "user")
        users.mkdir()
        options.append(f"--user-directory={users}")
        host = Host.from_environment()
        with start_server(
            host, pack=FRONT_DOOR.parent, base_directory=base, arguments=options, environment=ONE_THREAD
        ) as server:
            yield server.address
