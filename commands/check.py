"""Say whether the model files of a graph belong together, from their headers alone, without a server.

WORKFLOW is an API prompt (Export (API) in ComfyUI), a saved graph, or a picture or sound file that holds its graph. Exit
status: 0 when nothing is wrong, 1 when something cannot work, 2 when the graph could not be checked; with --strict also 2
when a part of it was not understood.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from ..common.atomic_write import write_text
from .models_of_graph import (
    given_folders,
    given_json,
    given_prompt,
    header_store,
    record_verdict,
    without_graphics_card,
)
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
    without_graphics_card()
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
    info = given_json(arguments.object_info) if arguments.object_info else {}
    if not isinstance(info, dict):
        raise Problem(f"{arguments.object_info} is no /object_info answer: it holds no object of nodes by name.")
    types = layered(from_table(info), recorded())
    prompt = given_prompt(arguments.workflow, types, bool(arguments.fix))
    with stored_index(given_folders(arguments.models), header_store()) as index:
        facts = Facts(read_prompt(prompt), index, types)
        report = check_facts(facts, arguments.policy, read_sheets(_sheets(arguments)))
    print(json.dumps(report.as_json(), indent=2) if arguments.json else report.as_text())
    if arguments.fix:
        _write_repaired(arguments.fix, prompt, report)
    if arguments.record:
        record_verdict(_sheets(arguments), facts, arguments.record, arguments.note, arguments.adherence)
    if not report.ok:
        return 1
    return PROBLEM_STATUS if arguments.strict and report.verdict == "not_understood_in_part" else 0


def _sheets(arguments: argparse.Namespace) -> list[Path]:
    if arguments.sheet:
        missing = [path for path in arguments.sheet if not path.is_file()]
        if missing and not arguments.record:
            raise Problem(f"--sheet {missing[0]}: there is no such file.")
        return arguments.sheet
    return [folder / "armature.json" for folder in (arguments.workflow.parent, *arguments.models)]


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
