"""Build the example graphs anew: workflows/NAME.json from workflows/api/NAME.json and workflows/layout/NAME.json.

A picture of the nodes goes to docs/graphs/NAME.jpg. With --thumbnails the pictures of the template page, workflows/NAME.jpg,
are made instead, by running the graphs.

For those who develop Armature. The real front end places the nodes and saves the graph, so what is shipped is what it
would have saved itself. Needs the test tools (`armature.py test` installs them) and Chromium.
"""

import argparse
import io
import json
import tempfile
import uuid
from pathlib import Path
from typing import Any

from ...commands import FRONT_DOOR
from ...commands.demo.weights import written_models
from ...commands.fetch.manifest import host_metadata, manifest
from ...commands.private_host.files import cache_folder
from ...commands.terminal import Problem
from ...models.demo import is_demo_file
from ..app_view import add_app_view
from ..editor_page import MODEL_INPUTS, editor_page, stand_in
from ..graph_previews import show_maps
from ..sample_outputs import sample_outputs, write_sample

HELP = "build the example graphs anew in the real front end (for developers)"
NEEDS_HOST = True
WORKFLOWS = FRONT_DOOR.parent / "workflows"
PICTURES = FRONT_DOOR.parent / "docs" / "graphs"
PAGE = Path(__file__).with_name("graph_page.js")
PICTURE_WIDTH = 1000
TOP, LEFT, BOTTOM = 130, 70, 70  # pixels of the window that the front end's own bars cover

SHOW = """([scale, left, top]) => {
  app.canvas.deselectAll()
  app.canvas.ds.scale = scale
  app.canvas.ds.offset = [60 + left / scale, 40 + top / scale]
  app.canvas.setDirty(true, true)
}"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `graphs`."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: every graph that has a layout")
    parser.add_argument("--thumbnails", action="store_true", help="only the square pictures of the template page")


def run(arguments: argparse.Namespace) -> int:
    """Build the named graphs. Raises Problem when the tools or a layout are missing."""
    names = arguments.names or sorted(path.stem for path in (WORKFLOWS / "layout").glob("*.json"))
    missing = [name for name in names if not (WORKFLOWS / "layout" / f"{name}.json").is_file()]
    if missing:
        raise Problem(f"there is no workflows/layout/{missing[0]}.json")
    if arguments.thumbnails:
        from ..thumbnails import write_thumbnails

        write_thumbnails(names)
        return 0
    with tempfile.TemporaryDirectory() as base:
        _stand_ins(Path(base, "models"), names)
        write_sample(Path(base, "input"))
        with editor_page(Path(base)) as page:
            info = page.evaluate("app.api.fetchApi('/object_info').then(answer => answer.json())")
            for name in names:
                _build(page, name, info)
    return 0


def _stand_ins(models: Path, names: list[str]) -> None:
    """Empty files for what the graphs name; of the demo's models the real ones, so that graphs with no other are run."""
    for name in names:
        stand_in(models, json.loads((WORKFLOWS / "api" / f"{name}.json").read_text(encoding="utf-8")))
    for file in [path for path in models.rglob("*") if is_demo_file(path.name)]:
        file.unlink()
        file.symlink_to(written_models(cache_folder() / "demo") / "models" / file.relative_to(models))


def _build(page: Any, name: str, info: dict[str, Any]) -> None:
    prompt = json.loads((WORKFLOWS / "api" / f"{name}.json").read_text(encoding="utf-8"))
    layout = json.loads((WORKFLOWS / "layout" / f"{name}.json").read_text(encoding="utf-8"))
    given = {"prompt": prompt, "layout": layout, "name": name, "shown": sample_outputs(prompt, info)}
    built = page.evaluate(PAGE.read_text(encoding="utf-8"), given)
    _check_export(name, prompt, built["exported"])
    graph = built["graph"]
    graph["id"] = str(uuid.uuid5(uuid.NAMESPACE_URL, f"armature/{name}"))
    name_models(graph)
    add_app_view(graph, prompt)
    (WORKFLOWS / f"{name}.json").write_text(json.dumps(graph, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    page.evaluate("graph => app.loadGraphData(graph)", graph)
    show_maps(page, prompt, MODEL_INPUTS)
    _save_picture(page, built["size"], PICTURES / f"{name}.jpg")
    print(f"workflows/{name}.json: {len(graph['nodes'])} nodes", flush=True)


def _check_export(name: str, prompt: dict[str, Any], exported: dict[str, Any]) -> None:
    if exported == prompt:
        return
    for node in sorted({*prompt, *exported}):
        if prompt.get(node) != exported.get(node):
            raise Problem(f"{name}: node {node} would be exported as {exported.get(node)}, not as {prompt.get(node)}")


def name_models(graph: dict[str, Any]) -> None:
    """Where the front end can offer each file of the manifest for download: on the node that names it."""
    files = {file.name: file for file in manifest().values()}
    for node in graph["nodes"]:
        own = [files[value] for value in node.get("widgets_values") or [] if isinstance(value, str) and value in files]
        if own:
            node["properties"]["models"] = [host_metadata(file) for file in own]


def _save_picture(page: Any, size: list[float], path: Path) -> None:
    """The whole graph as a picture, nothing of the front end around it."""
    from PIL import Image

    view = page.viewport_size
    width, height = size[0] + 80, size[1] + 80
    scale = min((view["width"] - LEFT) / width, (view["height"] - TOP - BOTTOM) / height)
    page.evaluate(SHOW, [scale, LEFT, TOP])
    page.wait_for_timeout(1500)
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    shot = shot.crop((LEFT, TOP, LEFT + round(width * scale), TOP + round(height * scale)))
    small = (PICTURE_WIDTH, round(shot.height * PICTURE_WIDTH / shot.width))
    shot.resize(small, Image.Resampling.LANCZOS).save(path, quality=88)
