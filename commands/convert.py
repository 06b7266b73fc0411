"""Turn nodes of other packs, and ComfyUI's own that apply controls and LoRAs, into Armature's, in a new file.

GRAPH is a saved graph, an API prompt, or a picture or sound file that holds its graph. What cannot be turned stays as it is;
for each node it says what came of it. The input file is never changed. Exit status: 0 when every node of the packs that are
known was turned, 1 when some stay, 2 when the graph could not be converted.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from ..common.atomic_write import write_text
from .models_of_graph import given_graph, given_json
from .terminal import Problem, unusable

HELP = "turn nodes of other packs into Armature's, in a new file"
NEEDS_HOST = False
PROBLEM_STATUS = 2  # 1 means that the graph was converted, but for some nodes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `convert`."""
    parser.add_argument(
        "graph", metavar="GRAPH", type=Path, help="a saved graph, an API prompt, or a picture with its graph"
    )
    parser.add_argument(
        "-o", "--output", metavar="OUT", type=Path, help="the new file (default: GRAPH with .armature.json as its end)"
    )
    parser.add_argument("--overwrite", action="store_true", help="write OUT even where it is there, or is GRAPH itself")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be turned; write nothing")
    parser.add_argument(
        "--base",
        choices=("sd15", "sdxl"),
        default="",
        help="the family of the model, for nodes that choose files or blocks by it (IPAdapter Unified Loader, Mad Scientist)",
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument(
        "--object-info", metavar="FILE", type=Path, help="a server's /object_info answer, for nodes of other packs"
    )


def run(arguments: argparse.Namespace) -> int:
    """Convert, write, and say what came of each node."""
    from ..models.compatibility.node_types import from_table, layered, recorded
    from ..models.compatibility.prompt import PromptError
    from ..models.convert.convert import convert
    from ..models.convert.entry import Choices
    from ..models.convert.report import as_json, as_text

    target = None if arguments.dry_run else _target(arguments)
    types = layered(from_table(_info(arguments.object_info)), recorded())
    try:
        made = convert(given_graph(arguments.graph, "workflow"), types, Choices(arguments.base))
    except PromptError as error:
        raise Problem(f"{arguments.graph} could not be converted: {error}") from None
    if target is not None:
        _write(target, made.data)
    print(json.dumps(as_json(made), indent=2) if arguments.json else as_text(made))
    if target is not None:
        print(f"Written to {target}.", file=sys.stderr)
    return 1 if made.kept else 0


def _target(arguments: argparse.Namespace) -> Path:
    if arguments.graph.is_dir():
        raise Problem(f"{arguments.graph} is a folder. Name the file of a graph.")
    target = arguments.output or arguments.graph.with_suffix(".armature.json")
    if target.exists() and not arguments.overwrite:
        raise Problem(f"{target} is there already. Name another file with -o, or add --overwrite.")
    return target


def _info(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    info = given_json(path)
    if not isinstance(info, dict) or any(isinstance(one, dict) and "class_type" in one for one in info.values()):
        raise Problem(f"{path} is no /object_info answer: it holds no object of nodes by name.")
    return info


def _write(target: Path, data: Any) -> None:
    text = json.dumps(data, indent=2, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # half a character, as of a cut title, which JSON can spell and UTF-8 cannot
        text = json.dumps(data, indent=2)
    try:
        write_text(target, text + "\n")
    except OSError as error:
        raise unusable(error, target) from None
