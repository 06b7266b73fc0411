"""Download the weights that a preprocessor or a graph needs: what, from where, how large and under which licence comes first.

A NAME is a method (softedge_hed), one file of it (hed), or a graph: the name of an example, or the path of a JSON file.
Nothing is ever downloaded while a graph runs. A download that was cut off goes on where it stopped.
"""

import argparse
import sys
from pathlib import Path

from ...models.demo import HOW_TO_GET
from .. import FRONT_DOOR
from ..places import whole_path
from ..private_host.files import cache_folder
from ..terminal import Problem, Steps
from .download import download
from .wanted import Wanted, demo_files, known_names, wanted_files

HELP = "download the weights that a preprocessor or a graph needs"
NEEDS_HOST = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `fetch`."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="methods, files or graphs; without one: what there is")
    parser.add_argument(
        "--models",
        type=Path,
        metavar="DIR",
        help="ComfyUI's models folder (default: that of the ComfyUI which this pack lies in, else that of `serve`)",
    )
    parser.add_argument("--yes", "-y", action="store_true", help="do not ask before the download")
    parser.add_argument("--dry-run", action="store_true", help="only show what would be downloaded")


def run(arguments: argparse.Namespace) -> int:
    """Show the files, ask, download. Raises Problem for unknown names and failed downloads."""
    if not arguments.names:
        print(known_names())
        return 0
    models = whole_path(arguments.models or default_models())
    wanted = wanted_files(arguments.names)
    from_pack = demo_files(arguments.names)
    if from_pack:
        print(f"{', '.join(from_pack)}:\n{HOW_TO_GET}")
    if not wanted:
        print("Nothing to download." if from_pack else "Nothing to download: these need no weights.")
        return 0
    missing = [file for file in wanted if not (models / file.path).is_file()]
    print(_table(wanted, missing, models))
    if arguments.dry_run or not missing:
        return 0
    if not arguments.yes and not _agreed():
        raise Problem("nothing was downloaded. Run it in a terminal and answer y, or add --yes.")
    steps = Steps(len(missing))
    for file in missing:
        with steps.step(f"{file.path}") as step:
            download(file, models / file.path, step)
    return 0


def default_models() -> Path:
    """The models folder of the ComfyUI around this pack, else the one that `serve` uses."""
    around = FRONT_DOOR.parent.parent
    if around.name == "custom_nodes" and (around.parent / "models").is_dir():
        return around.parent / "models"
    return cache_folder() / "serve" / "models"


def _table(wanted: list[Wanted], missing: list[Wanted], models: Path) -> str:
    lines = [f"Models folder: {models}"]
    for file in wanted:
        state = "to download" if file in missing else "there already"
        lines += [f"{file.path}  ({state})", f"    from     {file.origin}", f"    size     {file.size}"]
        lines += [f"    licence  {file.licence}{'' if file.commercial else '   ! no commercial use'}"]
    return "\n".join(lines)


def _agreed() -> bool:
    if not sys.stdin.isatty():
        return False
    return input("Download? [y/N] ").strip().lower() in ("y", "yes")
