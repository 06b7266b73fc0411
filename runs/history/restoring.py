"""The settings of a run, to go on from: its graph, and its pictures where the host's input folder has lost or changed them."""

import copy
from pathlib import Path
from typing import Any

from ...common.atomic_write import write_bytes
from ...common.digests import sha256
from ..record.host_facts import HostFacts
from .names import KEPT_FILE
from .project import Project, history_of


def restore(project: Project, run: str, host: HostFacts) -> dict[str, Any]:
    """`graph`: the name of the desk's graph; `prompt`; `notes`: what a person should know, a sentence each.

    Raises HistoryError, RecordError, OSError.
    """
    record = project.read(run)
    prompt, notes = copy.deepcopy(dict(record.data["prompt"])), []
    for entry in record.data["inputs"]:
        inputs = prompt.get(entry["node"], {}).get("inputs", {})
        if entry["input"] not in inputs:
            continue
        kept = record.file(entry["file"]) if KEPT_FILE.fullmatch(entry["file"]) else None
        if kept is None:
            notes.append(
                f"The picture {entry['name']} is not with the run any more; the server's own of that name is used."
            )
            continue
        content, there = kept.read_bytes(), host.find_input(entry["name"])
        if there is None or not _is_same(there, content):
            if not (host.input_folder / kept.name).is_file():
                write_bytes(host.input_folder / kept.name, content)
            inputs[entry["input"]] = kept.name
            notes.append(
                f"The server's picture {entry['name']} is gone or another one now; the run's own is there as {kept.name}."
            )
    return {"graph": history_of(record.data).get("graph") or "", "prompt": prompt, "notes": notes}


def _is_same(file: Path, content: bytes) -> bool:
    return file.stat().st_size == len(content) and sha256(file.read_bytes()) == sha256(content)
