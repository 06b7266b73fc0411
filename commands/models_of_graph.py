"""A graph that was given and the models folders it is looked at with, without a server: for `check`, `convert` and `measure`."""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from ..common.graph_files import LARGEST, NoGraph, read_graph_file
from ..common.whole_file import read_text
from .places import whole_path
from .terminal import Problem, unusable


def given_prompt(path: Path, types: Any, whole: bool) -> Any:
    """The API prompt of a file, also of a saved graph (see `ui_graph.to_prompt` for `whole`). Raises Problem, PromptError."""
    from ..models.compatibility.ui_graph import is_ui_graph, to_prompt

    data = given_graph(path)
    return to_prompt(data, types, whole) if is_ui_graph(data) else data


def given_graph(path: Path, prefer: str = "prompt") -> Any:
    """The data of a graph in a file, of either kind. Raises Problem.

    prefer: of a picture that holds both; "prompt" is the form that ran: every value has its name there.
    """
    try:
        return read_graph_file(path, prefer)
    except NoGraph as error:
        raise Problem(f"{path}: {error}") from None
    except OSError as error:
        raise Problem(f"{path} cannot be read: {error.strerror or error}.") from None


def given_json(path: Path) -> Any:
    """What a JSON file holds, such as a server's answer. Raises Problem."""
    try:
        return json.loads(read_text(path, LARGEST))
    except OSError as error:
        raise Problem(f"{path} cannot be read: {error.strerror or error}.") from None
    except (ValueError, RecursionError) as error:
        raise Problem(f"{path} is no JSON ({error}).") from None


def given_folders(given: Sequence[Path]) -> dict[str, list[Path]]:
    """The model folders below those that --models names. Raises Problem."""
    from ..models.files.model_folders import model_folders

    folders: dict[str, list[Path]] = {}
    for one in given:
        try:
            found = model_folders(whole_path(one))
        except ValueError as error:
            raise Problem(f"--models {one}: {error}") from None
        if found.note:
            print(f"--models {one}: {found.note}.", file=sys.stderr)
        for name, places in found.folders.items():
            folders.setdefault(name, []).extend(places)
    return folders


def header_store() -> Path:
    """Where the verdicts on files are kept between commands."""
    from .private_host.files import cache_folder

    return cache_folder() / "model_headers.json"


def record_verdict(
    places: Sequence[Path],
    facts: Any,
    verdict: Literal["validated", "refused"],
    note: str = "",
    adherence: float | None = None,
) -> None:
    """A verdict on the combinations of a graph, into the first sheet of these that is there, else a new one at the first."""
    from ..models.compatibility.sheet import add_entries, entries_of

    target = next((path for path in places if path.is_file()), places[0])
    entries = entries_of(facts, verdict, note, adherence)
    try:
        add_entries(target, entries)
    except OSError as error:
        raise unusable(error, f"the sheet {target}") from None
    for entry in entries:
        print(f"Recorded in {target} as {entry.verdict}: {entry.combination}", file=sys.stderr)


def without_graphics_card() -> None:
    """Keep the host from looking for one: only its detection is used, and only on tensors that hold nothing."""
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    import comfy.cli_args

    comfy.cli_args.args.cpu = True
