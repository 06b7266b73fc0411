"""Nodes as ComfyUI shows them, for the help pages of those that have no picture to show."""

import io
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...commands import FRONT_DOOR
from ...commands.private_host.files import cache_folder
from ...tests.generated.generation import generate
from ..graph_previews import RUN

API_GRAPHS = FRONT_DOOR.parent / "workflows" / "api"
LEFT, TOP, PAD = 90, 150, 14  # pixels of the window: where the node stands, and what is left free around it
NARROWEST, WIDEST, SCALE = 420, 500, 1.25  # of a node on the canvas, and how much it is enlarged

# One node alone, with its defaults, and with a shipped graph's values where it has none; its number comes back.
SHOW = """async ({ type, inputs, scale, left, top, narrowest, widest }) => {
  app.graph.clear()
  // The front end keeps values by a node's number: a number of its own for each, or it shows those of the node before.
  app.graph.state.lastNodeId = window.helpPictures = (window.helpPictures ?? 100) + 1
  const node = LiteGraph.createNode(type)
  app.graph.add(node)
  for (const [name, value] of Object.entries(inputs)) {
    const widget = node.widgets?.find((one) => one.name === name)
    if (widget) { widget.value = value; widget.callback?.(value) }
  }
  const long = Object.values(inputs).some((value) => String(value).length > 30)
  node.pos = [0, 30]
  node.setSize([long ? widest : narrowest, node.computeSize()[1]])
  app.canvas.deselectAll()
  app.canvas.ds.scale = scale
  app.canvas.ds.offset = [left / scale, top / scale]
  app.canvas.setDirty(true, true)
  await new Promise((done) => setTimeout(done, 700))
  return node.id
}"""
ENLARGED = [620, 350]  # of a node that shows a report
SIZE = "() => { const [node] = app.graph.nodes; return [node.size[0], node.size[1] + 30] }"
# What runs before the picture is taken, so that the node shows its report: nodes of other numbers in the same prompt.
RUN_WITH = {
    "ArmatureCompatibilityCheck": {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd15.safetensors"}},
        "2": {"class_type": "ControlNetLoader", "inputs": {"control_net_name": "sdxl_canny.safetensors"}},
        "3": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["1", 1], "text": "a room"}},
        "4": {
            "class_type": "ControlNetApplyAdvanced",
            "inputs": {"positive": ["3", 0], "negative": ["3", 0], "control_net": ["2", 0], "image": ["5", 0]}
            | {"strength": 1.0, "start_percent": 0.0, "end_percent": 1.0},
        },
        "5": {"class_type": "ArmatureExamplePicture", "inputs": {}},
        "6": {
            "class_type": "KSampler",
            "inputs": {"model": ["1", 0], "positive": ["4", 0], "negative": ["4", 1], "latent_image": ["7", 0]}
            | {"seed": 0, "steps": 20, "cfg": 7.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0},
        },
        "7": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 512, "batch_size": 1}},
    }
}
# Generated weights under the names that a person's own files may have.
FILES = {"checkpoints/sd15": "sd15_checkpoint", "controlnet/sdxl_canny": "sdxl_controlnet"}


def draw_nodes(names: list[str]) -> Iterator[tuple[str, Any]]:
    """(node id, picture) of each, taken in the real front end. Raises Problem without Chromium or its driver."""
    from ..editor_page import editor_page, stand_in

    if not names:
        return
    with tempfile.TemporaryDirectory() as base:
        graphs = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(API_GRAPHS.glob("*.json"))]
        for graph in graphs:
            stand_in(Path(base, "models"), graph)
        _further_files(Path(base))
        with editor_page(Path(base)) as page:
            info = page.evaluate("app.api.fetchApi('/object_info').then(answer => answer.json())")
            for name in names:
                yield name, _picture(page, name, settings(graphs, name, info[name]))


def _further_files(base: Path) -> None:
    """Files that some nodes list, and real ones for those that run."""
    embeds = base / "output" / "ip_adapter_embeds" / "embeds_00001_.safetensors"
    embeds.parent.mkdir(parents=True, exist_ok=True)
    embeds.touch()
    for name, recipe in FILES.items():
        place = base / "models" / f"{name}.safetensors"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(generate(recipe, cache_folder() / "generated"))


def settings(graphs: list[dict[str, Any]], name: str, info: dict[str, Any]) -> dict[str, Any]:
    """What a picture of a node shows beside its defaults: values that have none, as the first shipped graph with it sets them.

    info: the node's entry in `object_info`.
    """
    declared = {key: one for part in info["input"].values() for key, one in part.items()}
    free = {key for key, one in declared.items() if "default" not in (one[1] if len(one) > 1 else {})}
    for graph in graphs:
        for node in graph.values():
            if node["class_type"] == name:
                given = node["inputs"].items()
                return {key: value for key, value in given if not isinstance(value, list) and key in free}
    return {}


def _picture(page: Any, name: str, inputs: dict[str, Any]) -> Any:
    from PIL import Image

    where = {"left": LEFT, "top": TOP, "scale": SCALE, "narrowest": NARROWEST, "widest": WIDEST}
    number = page.evaluate(SHOW, {"type": name, "inputs": inputs, **where})
    if name in RUN_WITH:
        page.evaluate("size => app.graph.nodes[0].setSize(size)", ENLARGED)
        page.evaluate(RUN, {**RUN_WITH[name], str(number): {"class_type": name, "inputs": inputs}})
    width, height = page.evaluate(SIZE)
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    box = (LEFT - PAD, TOP - PAD, LEFT + round(width * SCALE) + PAD, TOP + round(height * SCALE) + PAD)
    return shot.crop(box)
