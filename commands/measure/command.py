"""Measuring from the options to the files."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...common.atomic_write import write_text
from ...models.compatibility.facts import Facts
from ...models.compatibility.node_types import TypesOf, from_table, layered, recorded
from ...models.compatibility.prompt import PromptError, read_prompt
from ...models.compatibility.sheet import SheetError
from ...models.compatibility.ui_graph import is_ui_graph, to_prompt
from ...models.files.store import stored_index
from ...runs.api import use_client
from ...runs.batch.batch import BatchResult
from ...runs.batch.columns import check_classes
from ...runs.batch.job import Job, Request, Settings, check_graph
from ...runs.batch.rows import picture_files
from ...runs.errors import BatchError, ClientError
from ...runs.wire import Secrets
from ..batch.options import parse_headers
from ..batch.servers import DEFAULT_SERVER, run_job
from ..models_of_graph import given_folders, given_graph, header_store, record_verdict, without_graphics_card
from ..terminal import Problem
from .frontier import Point, points
from .graph import SAVE, Measured, measured_graph
from .report import Measurement, write_report, write_savings
from .results import Line, estimate_text, outcomes, table
from .savings import Way, savings_cases, ways, with_savings
from .ways import TOGETHER, WRONG, Case, cases, write_rows

ROWS, SAVINGS_ROWS = "runs", "savings_runs"  # the folder of the batch, inside --out


def run_measure(arguments: argparse.Namespace) -> int:
    """Plan, draw, write. Raises Problem."""
    without_graphics_card()
    try:
        return _measured(arguments)
    except (BatchError, ClientError, PromptError, SheetError) as error:
        raise Problem(str(error)) from None


def _measured(arguments: argparse.Namespace) -> int:
    data = given_graph(arguments.graph)
    if not is_ui_graph(data):
        check_graph(data, str(arguments.graph))
    pictures = _pictures(arguments.pictures)[: arguments.limit]
    if arguments.record:
        _check_recording(arguments)
    _check_savings(arguments)
    servers, headers = arguments.server or [DEFAULT_SERVER], parse_headers(arguments.header)
    settings = Settings(arguments.retry, arguments.ahead, arguments.row_timeout, arguments.patience)
    secrets = Secrets(servers, headers)
    folder = arguments.out / (SAVINGS_ROWS if arguments.savings else ROWS)
    folder.mkdir(parents=True, exist_ok=True)
    info = use_client(servers[0], lambda client: client.object_info(), headers=headers)
    types = layered(from_table(info), recorded())
    prompt = _prompt(arguments.graph, data, types, info)
    wanted = ways(arguments.steps, arguments.samplers) if arguments.savings else []
    try:
        measured, rows = _planned(arguments, prompt, types, pictures, wanted)
    except Problem as problem:
        raise Problem(f"{arguments.graph}: {problem}") from None
    _say(measured, pictures, rows)
    write_rows(folder / "rows.jsonl", rows)
    write_text(folder / "graph.json", json.dumps(measured.prompt, indent=1) + "\n")
    request = Request(folder / "rows.jsonl", pictures=arguments.pictures, despite_errors=arguments.despite_errors)
    job = Job(measured.prompt, request, folder, secrets, settings)
    result = run_job(argparse.Namespace(**{**vars(arguments), "out": folder}), job, servers, headers)
    if result.stopped:
        print(f"armature: {result.stopped}", file=sys.stderr)
    if not result.counts:  # nothing was to run, or nothing can
        return result.status
    return _written(arguments, prompt, types, measured, pictures, rows, wanted, result)


def _planned(
    arguments: argparse.Namespace,
    prompt: Mapping[str, Any],
    types: TypesOf,
    pictures: Sequence[str],
    wanted: Sequence[Way],
) -> tuple[Measured, list[Case]]:
    measured = measured_graph(prompt, types, arguments.input, arguments.result)
    if not wanted:
        return measured, cases(measured, pictures)
    measured, node = with_savings(measured, types)
    return measured, savings_cases(measured, node, pictures, wanted)


def _written(
    arguments: argparse.Namespace,
    prompt: Mapping[str, Any],
    types: TypesOf,
    measured: Measured,
    pictures: Sequence[str],
    rows: Sequence[Case],
    wanted: Sequence[Way],
    result: BatchResult,
) -> int:
    summary = json.loads(result.data.read_text(encoding="utf-8"))
    done = outcomes(measured, rows, summary)
    failed = [(row["name"], row["reason"] or row["state"]) for row in summary["rows"] if row["state"] != "done"]
    lines, found = ([], points(wanted, done)) if wanted else (table(measured, done), [])
    if not lines and not found:
        raise Problem(f"nothing was measured. {'; '.join(dict.fromkeys(reason for _, reason in failed))[:1000]}")
    made = Measurement(
        arguments.graph, prompt, arguments.pictures, pictures, result.data.parent, measured, lines, done, failed
    )
    for path in write_savings(made, found, arguments.out) if wanted else write_report(made, arguments.out):
        print(path)
    for told in (*map(_line, lines), *map(_point, found)):
        print(f"  {told}")
    if arguments.record:
        with _facts(arguments, prompt, types) as facts:
            record_verdict(_sheets(arguments), facts, arguments.record, *_verdict(lines, len(pictures)))
    maps = 1 if wanted else 2  # that each signal is measured against
    missing = any(len(one.readings) < maps * len(measured.signals) for one in done)
    return max(result.status, int(missing))


def _check_savings(arguments: argparse.Namespace) -> None:
    if arguments.savings and arguments.record:
        raise Problem("--record takes what is measured without --savings. Leave one of the two out.")
    if not arguments.savings and (arguments.steps or arguments.samplers):
        raise Problem("--steps and --samplers say how --savings is measured, which is missing.")


def _pictures(folder: Path) -> list[str]:
    """The names of the pictures in the folder."""
    if not folder.is_dir():
        raise Problem(f"--pictures {folder}: there is no such folder. Give the folder that holds the pictures.")
    found = [path.name for path in picture_files(folder)]
    if not found:
        raise Problem(f"--pictures {folder}: no picture lies in it. Put PNG, JPEG or WebP files there.")
    return found


def _prompt(path: Path, data: Any, types: TypesOf, info: Mapping[str, Any]) -> dict[str, Any]:
    """The API prompt of what the file holds, of nodes that the server has."""
    try:
        prompt = check_graph(to_prompt(data, types, whole=True) if is_ui_graph(data) else data, str(path))
    except PromptError as error:
        raise Problem(f"{path} cannot be measured: {error}") from None
    check_classes({**prompt, "of this pack": {"class_type": SAVE}}, info)
    return prompt


def _say(measured: Measured, pictures: Sequence[str], rows: Sequence[Case]) -> None:
    signals = ", ".join(f"{one.label} ({one.method})" for one in measured.signals)
    print(f"{len(pictures)} pictures, measured in {measured.result}: {signals}. {len(rows)} to draw.")
    if len(pictures) == 1:
        print("One picture alone has no wrong map, and no standard error: give more for both.")
    for one in measured.left_alone:
        print(f"Left alone: {one}.")


def _line(line: Line) -> str:
    against = f", against {line.against}" if line.way == WRONG else ""
    return (
        f"{line.signal}, {line.way}{against}: {line.measure} {estimate_text(line.score)} (chance {line.chance[0]:.3f})"
    )


def _point(one: Point) -> str:
    lost = "" if one.lost is None else f", {estimate_text(one.lost)} lost"
    time = "" if one.share is None else f", {one.share:.2f} of the time"
    return f"{one.way.name}: {estimate_text(one.score)}{lost}{time}"


# The team's sheet.


def _check_recording(arguments: argparse.Namespace) -> None:
    if not arguments.models:
        raise Problem("--record needs --models DIR: a verdict holds for the files' contents, which are read there.")
    given_folders(arguments.models)


def _sheets(arguments: argparse.Namespace) -> list[Path]:
    if arguments.sheet:
        return [arguments.sheet]
    return [folder / "armature.json" for folder in (arguments.graph.parent, *arguments.models)]


@contextmanager
def _facts(arguments: argparse.Namespace, prompt: Mapping[str, Any], types: TypesOf) -> Any:
    with stored_index(given_folders(arguments.models), header_store()) as index:
        yield Facts(read_prompt(prompt), index, types)


def _verdict(lines: Sequence[Line], pictures: int) -> tuple[str, float | None]:
    """The note and the adherence of an entry: all together where there are several signals, else at full weight."""
    together = [line for line in lines if line.way == TOGETHER]
    counted = together or [line for line in lines if line.way == "1"]
    told = "; ".join(_line(line) for line in counted)
    relatives = [line.relative[0] for line in counted if line.relative is not None]
    adherence = min(1.0, max(0.0, sum(relatives) / len(relatives))) if relatives else None
    return f"measured over {pictures} pictures: {told}", adherence
