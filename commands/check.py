"""Say whether the model files of a graph belong together, from their headers alone, without a server.

WORKFLOW is an API prompt (Export (API) in ComfyUI), a saved graph, or a picture or sound file that holds its graph. Exit
status: 0 when nothing is wrong, 1 when something cannot work, 2 when the graph could not be checked; with --strict also 2
when a part of it was not understood.
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from ..common.atomic_write import write_text
from ..common.graph_files import NoGraph, read_graph_file
from .terminal import Problem, unusable

HELP = "say whether the model files of a graph belong together"
NEEDS_HOST = True
PROBLEM_STATUS = 2  # 1 means that the graph was checked and has errors


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `check`."""
    parser.add_argument(
        "workflow", metavar="WORKFLOW", type=Path, help="an API prompt, a saved graph, or a picture with its graph"
    )
    parser.add_argument(
        "--models",
        metavar="DIR",
        type=Path,
        action="append",
        required=True,
        help="folder with checkpoints, controlnet, loras, ...; may be given again",
    )
    parser.add_argument(
        "--strict", action="store_true", help="exit with 2 when a part of the graph was not understood (default: 0)"
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--fix", metavar="OUT", type=Path, help="write a copy in which what can be repaired is")
    parser.add_argument(
        "--policy",
        choices=("report", "error", "validated_only"),
        default="report",
        help="validated_only: everything that your team's sheet does not hold as validated is an error",
    )
    parser.add_argument(
        "--sheet",
        metavar="FILE",
        type=Path,
        action="append",
        help="your team's sheet (default: armature.json beside the graph and in the models folders)",
    )
    parser.add_argument(
        "--object-info", metavar="FILE", type=Path, help="a server's /object_info answer, for nodes of other packs"
    )
    parser.add_argument(
        "--record", choices=("validated", "refused"), help="add the graph's combinations to the sheet with this verdict"
    )
    parser.add_argument("--note", default="", help="with --record: why")
    parser.add_argument("--adherence", type=float, help="with --record: what you measured, 0 to 1")


def run(arguments: argparse.Namespace) -> int:
    """Check, print, and write what was asked for."""
    _without_graphics_card()
    from ..models.compatibility.prompt import PromptError
    from ..models.compatibility.sheet import SheetError

    try:
        return _checked(arguments)
    except (PromptError, SheetError) as error:
        raise Problem(f"{arguments.workflow} could not be checked: {error}") from None


def _checked(arguments: argparse.Namespace) -> int:
    from ..models.compatibility.check_prompt import check_facts
    from ..models.compatibility.facts import Facts
    from ..models.compatibility.node_types import from_table, layered, recorded
    from ..models.compatibility.prompt import read_prompt
    from ..models.compatibility.sheet import check_adherence, read_sheets
    from ..models.files.store import stored_index

    check_adherence(arguments.adherence)
    info = _read_json(arguments.object_info) if arguments.object_info else {}
    if not isinstance(info, dict):
        raise Problem(f"{arguments.object_info} is no /object_info answer: it holds no object of nodes by name.")
    types = layered(from_table(info), recorded())
    prompt = _prompt(arguments.workflow, types, bool(arguments.fix))
    with stored_index(_folders(arguments.models), _store()) as index:
        facts = Facts(read_prompt(prompt), index, types)
        report = check_facts(facts, arguments.policy, read_sheets(_sheets(arguments)))
    print(json.dumps(report.as_json(), indent=2) if arguments.json else report.as_text())
    if arguments.fix:
        _write_repaired(arguments.fix, prompt, report)
    if arguments.record:
        _record(arguments, facts)
    if not report.ok:
        return 1
    return PROBLEM_STATUS if arguments.strict and report.verdict == "not_understood_in_part" else 0


def _prompt(path: Path, types: Any, whole: bool) -> Any:
    from ..models.compatibility.ui_graph import is_ui_graph, to_prompt

    try:
        data = read_graph_file(path, "prompt")  # of a picture the form that ran: every value has its name there
    except NoGraph as error:
        raise Problem(f"{path}: {error}") from None
    except OSError as error:
        raise Problem(f"{path} cannot be read: {error.strerror or error}.") from None
    return to_prompt(data, types, whole) if is_ui_graph(data) else data


def _folders(given: list[Path]) -> dict[str, list[Path]]:
    from ..models.files.model_folders import model_folders

    folders: dict[str, list[Path]] = {}
    for one in given:
        try:
            found = model_folders(one.expanduser().resolve())
        except ValueError as error:
            raise Problem(f"--models {one}: {error}") from None
        if found.note:
            print(f"--models {one}: {found.note}.", file=sys.stderr)
        for name, places in found.folders.items():
            folders.setdefault(name, []).extend(places)
    return folders


def _sheets(arguments: argparse.Namespace) -> list[Path]:
    if arguments.sheet:
        missing = [path for path in arguments.sheet if not path.is_file()]
        if missing and not arguments.record:
            raise Problem(f"--sheet {missing[0]}: there is no such file.")
        return arguments.sheet
    return [folder / "armature.json" for folder in (arguments.workflow.parent, *arguments.models)]


def _record(arguments: argparse.Namespace, facts: Any) -> None:
    from ..models.compatibility.sheet import add_entries, entries_of

    places = _sheets(arguments)
    target = next((path for path in places if path.is_file()), places[0])
    entries = entries_of(facts, arguments.record, arguments.note, arguments.adherence)
    try:
        add_entries(target, entries)
    except OSError as error:
        raise unusable(error, f"the sheet {target}") from None
    for entry in entries:
        print(f"Recorded in {target} as {entry.verdict}: {entry.combination}", file=sys.stderr)


def _write_repaired(target: Path, prompt: Any, report: Any) -> None:
    from ..models.compatibility.repair import repair

    repaired = repair(prompt, report.findings)
    try:
        write_text(target, json.dumps(repaired.prompt, indent=2) + "\n")
    except OSError as error:
        raise unusable(error, f"--fix {target}") from None
    for change in repaired.changes:
        print(f"{target}: node {change.node}, {change.input} = {change.value!r}", file=sys.stderr)
    if not repaired.changes:
        print(f"{target}: nothing could be repaired, so it is a copy.", file=sys.stderr)


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise Problem(f"{path} cannot be read: {error.strerror or error}.") from None
    except (ValueError, RecursionError) as error:
        raise Problem(f"{path} is no JSON ({error}).") from None


def _store() -> Path:
    from .private_host.files import cache_folder

    return cache_folder() / "model_headers.json"


def _without_graphics_card() -> None:
    """Keep the host from looking for one: only its detection is used, and only on tensors that hold nothing."""
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    import comfy.cli_args

    comfy.cli_args.args.cpu = True
