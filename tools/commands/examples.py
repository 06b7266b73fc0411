"""What belongs to the example graphs: draw their pictures anew, or keep the graphs as those of this version.

For those who develop Armature. Kept graphs lie in tests/graphs/VERSION and are tested for ever: they must go on to load and
to run as people saved them.
"""

import argparse
import json
import re
from pathlib import Path

from ...commands import FRONT_DOOR
from ...commands.terminal import Problem
from ...common.pack_version import pack_version

HELP = "draw the example pictures anew, or keep the example graphs of this version (for developers)"
NEEDS_HOST = True
WORKFLOWS = FRONT_DOOR.parent / "workflows"
KEPT = FRONT_DOOR.parent / "tests" / "graphs"
VERSION = re.compile("[0-9a-z.]+")  # of a folder's name


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `examples`."""
    parser.add_argument("--pictures", action="store_true", help="draw their pictures anew; about three minutes")
    parser.add_argument("--keep", nargs="*", metavar="NAME", help="keep these graphs, or all, for this version")


def run(arguments: argparse.Namespace) -> int:
    """Do what is asked for. Raises Problem for a graph that is not there, and when nothing is asked for."""
    if not arguments.pictures and arguments.keep is None:
        raise Problem("say --pictures or --keep")
    if arguments.pictures:
        from ..example_pictures.write import write_pictures, write_scribbled_scenes

        write_pictures(WORKFLOWS / "pictures")
        write_scribbled_scenes(WORKFLOWS / "training" / "scribbled_scenes")
    if arguments.keep is not None:
        keep(arguments.keep or sorted(path.stem for path in WORKFLOWS.glob("*.json")), KEPT / version())
    return 0


def keep(names: list[str], folder: Path) -> None:
    """Copies of the graphs, NAME.json as saved and api/NAME.json, in as few bytes as they take."""
    for name in names:
        for part in (Path(f"{name}.json"), Path("api", f"{name}.json")):
            if not (WORKFLOWS / part).is_file():
                raise Problem(f"there is no workflows/{part.as_posix()}")
            graph = json.loads((WORKFLOWS / part).read_text(encoding="utf-8"))
            (folder / part).parent.mkdir(parents=True, exist_ok=True)
            short = json.dumps(graph, ensure_ascii=False, separators=(",", ":"))
            (folder / part).write_text(short + "\n", encoding="utf-8", newline="\n")
        print(f"{name}: kept in {folder.relative_to(FRONT_DOOR.parent).as_posix()}")


def version() -> str:
    """The version that pyproject.toml states."""
    found = VERSION.fullmatch(pack_version())
    if not found:
        raise Problem("pyproject.toml states no version")
    return found[0]
