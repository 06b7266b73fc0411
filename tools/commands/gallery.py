"""One picture of what every preprocessor makes of a photograph. Methods whose weights are not here stay grey; what a method
saw in the photograph's place stands small in a corner of its map. With --registry the registry's pictures are drawn instead,
with --desk the desk of docs/server.md.

For those who develop Armature, and for the README. Needs the test tools, whose scikit-image brings the photographs.
"""

import argparse
from pathlib import Path
from typing import Any

from ...commands.terminal import Problem
from ...preprocessors.images.picture_sheet import Sheet, cells
from ..help.method_maps import panel_of, picture_of, prepare_host

HELP = "draw every preprocessor's map of a photograph on one sheet (for developers)"
NEEDS_HOST = True
PANEL, COLUMNS, LINE = 256, 8, 22  # pixels
EMPTY = (70, 70, 74)
INSET, BORDER = 5, 4  # of the map's sides, and pixels


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `gallery`."""
    parser.add_argument("methods", nargs="*", metavar="METHOD", help="default: all of them")
    parser.add_argument("--output", type=Path, default=Path("gallery.png"), help="default: gallery.png here")
    parser.add_argument(
        "--registry", type=Path, metavar="DIR", help="only the registry's icon and banner, into this folder"
    )
    parser.add_argument("--desk", type=Path, metavar="FILE", help="only the desk at work, into this .jpg file")
    parser.add_argument("--present", action="store_true", help="leave out the methods whose weights are not here")
    parser.add_argument(
        "--models", type=Path, metavar="DIR", action="append", default=[], help="look for weights here too"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the sheet and say how long each method took."""
    if arguments.registry:
        from ..registry_pictures import write_registry_pictures

        write_registry_pictures(arguments.registry)
        return 0
    if arguments.desk:
        from ..desk_picture import draw_desk

        draw_desk(arguments.desk)
        return 0
    if arguments.output.suffix.lower() not in (".png", ".jpg", ".jpeg", ".webp"):
        raise Problem(f"--output {arguments.output}: name a .png, .jpg or .webp file.")
    prepare_host(arguments.models)
    from ...preprocessors.registry import ENTRIES, find_method

    try:
        entries = [find_method(name) for name in arguments.methods] or list(ENTRIES)
    except ValueError as error:
        raise Problem(str(error)) from None
    panels = [_panel(entry) for entry in entries]
    panels = [panel for panel in panels if panel[1] is not None or not arguments.present]
    _sheet([_photograph(), *panels]).save(arguments.output)
    print(f"{arguments.output}: {len(panels)} methods")
    return 0


def _panel(entry: Any) -> tuple[str, Any]:
    """(label, picture or None) of a method, with what it saw in the corner where that is not the photograph."""
    import torch

    from ..help.photographs import PORTRAIT, photograph, sample_for

    label, drawn = panel_of(entry)
    saw = sample_for(entry)[0]
    if drawn is None or torch.equal(saw[:1], photograph(PORTRAIT)):
        return label, drawn
    small = picture_of(saw)
    small.thumbnail((drawn.width // INSET, drawn.height // INSET))
    drawn.paste("white", (0, 0, small.width + BORDER, small.height + BORDER))
    drawn.paste(small, (0, 0))
    return label, drawn


def _photograph() -> tuple[str, Any]:
    """What most of the methods have seen."""
    from ..help.photographs import PORTRAIT, photograph

    return "the photograph", picture_of(photograph(PORTRAIT))


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
