"""One picture of what every preprocessor makes of a photograph. Methods whose weights are not here stay grey.

For those who develop Armature, and for the README. Needs the test tools, whose scikit-image brings the photographs.
"""

import argparse
import time
from pathlib import Path
from typing import Any

from ...preprocessors.images.canvas import Sheet, cells

HELP = "draw every preprocessor's map of a photograph on one sheet (for developers)"
NEEDS_HOST = True
PANEL, COLUMNS, LINE = 256, 8, 22  # pixels
EMPTY = (70, 70, 74)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `gallery`."""
    parser.add_argument("methods", nargs="*", metavar="METHOD", help="default: all of them")
    parser.add_argument("--output", type=Path, default=Path("gallery.png"), help="default: gallery.png here")
    parser.add_argument("--present", action="store_true", help="leave out the methods whose weights are not here")
    parser.add_argument(
        "--models", type=Path, metavar="DIR", action="append", default=[], help="look for weights here too"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the sheet and say how long each method took."""
    prepare_host(arguments.models)
    from ...preprocessors.registry import ENTRIES, find_method

    entries = [find_method(name) for name in arguments.methods] or list(ENTRIES)
    panels = [panel_of(entry) for entry in entries]
    panels = [panel for panel in panels if panel[1] is not None or not arguments.present]
    _sheet([_photograph(), *panels]).save(arguments.output)
    print(f"{arguments.output}: {len(panels)} methods")
    return 0


def prepare_host(models: list[Path]) -> None:
    import comfy.cli_args
    import folder_paths
    import torch

    from ...preprocessors.registry import all_files

    if not torch.cuda.is_available() and not torch.backends.mps.is_available():
        comfy.cli_args.args.cpu = True
    for folder in models:
        for name in {file.folder for file in all_files().values()}:
            folder_paths.add_model_folder_path(name, str(folder.resolve() / name))


def _photograph() -> tuple[str, Any]:
    """What most of the methods have seen."""
    from ..help.photographs import PORTRAIT, photograph

    return "the photograph", picture_of(photograph(PORTRAIT))


def picture_of(maps: Any) -> Any:
    from PIL import Image

    return Image.fromarray((maps[0].clamp(0, 1) * 255).round().byte().cpu().numpy())


def panel_of(entry: Any) -> tuple[str, Any]:
    """(label, picture) of a method; without a picture when its weights or packages are not here."""
    from ...preprocessors.backends import MissingPackage
    from ...preprocessors.control_map import make_map
    from ...preprocessors.weights import MissingWeights
    from ..help.photographs import sample_for

    image, mask, options = sample_for(entry)
    start = time.perf_counter()
    try:
        made = make_map(entry, image, options, mask=mask)
    except (MissingWeights, MissingPackage) as error:
        print(f"{entry.method:24} {str(error).splitlines()[0]}", flush=True)
        return f"{entry.method} (not here)", None
    print(f"{entry.method:24} {time.perf_counter() - start:6.2f} s  {made.report.splitlines()[0]}", flush=True)
    return entry.method, picture_of(made.maps)


def _sheet(panels: list[tuple[str, Any]]) -> Any:
    from PIL import Image

    rows = -(-len(panels) // COLUMNS)
    sheet = Sheet(COLUMNS * PANEL, rows * (PANEL + LINE))
    for (label, picture), (left, top) in zip(panels, cells(len(panels), COLUMNS, PANEL, PANEL + LINE), strict=True):
        box = picture.copy() if picture else Image.new("RGB", (PANEL - 8, PANEL - 8), EMPTY)
        box.thumbnail((PANEL - 8, PANEL - 8), Image.Resampling.LANCZOS)
        sheet.put(box, left, top, PANEL)
        sheet.words(left + PANEL // 2, top + PANEL + LINE // 2 - 4, label, 14)
    return sheet.image
