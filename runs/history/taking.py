"""From a run that the host has ended to a row of a project: its record, its pictures, its maps."""

import datetime
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...common.digests import sha256
from ...common.node_names import title_of
from ...common.picture_files import PictureError, read_picture
from ..answers import as_number
from ..record.compare import pixels_of
from ..record.host_facts import HostFacts
from ..record.prompt_facts import upstream
from ..record.saving import Job, make_record, model_entries, picture_entry
from .batches import batch_of
from .names import FILMS, PICTURES, RUN, check_project
from .project import LONGEST, Project

KEY = "armature_desk"  # in the extra data of a prompt: what the desk tells of its run
BY = "armature_by"  # there too: the name that whoever sent it has given
LONGEST_NAME = 60  # characters
MOST_ENTRIES = 64
LONGEST_TEXT = 20_000  # characters of a prompt's text


@dataclass(frozen=True)
class Ended:
    """A run of the desk as the host remembers it.

    note: what the desk told; by: the name that was given, or nothing; outputs: what nodes showed, by node.
    """

    prompt_id: str
    prompt: Mapping[str, Any]
    targets: Sequence[str]
    note: Mapping[str, Any]
    by: str
    outputs: Mapping[str, Any]
    messages: Mapping[str, Mapping[str, Any]]
    queued: float | None

    @property
    def project(self) -> str:
        """The project that it belongs to. Raises HistoryError for a name that cannot be one."""
        return check_project(self.note.get("project"))

    @property
    def is_stopped(self) -> bool:
        """Whether a person stopped it: what it had shown until then is no result."""
        return "execution_interrupted" in self.messages

    @property
    def ended(self) -> float:
        """When, in seconds."""
        return max((_seconds(one) or 0.0 for one in self.messages.values()), default=0.0) or self.queued or 0.0

    @property
    def run(self) -> str:
        """Its id in the project: the same, whoever takes it in."""
        moment = datetime.datetime.fromtimestamp(self.ended, datetime.timezone.utc)
        return f"{moment:%Y%m%d-%H%M%S}-{sha256(self.prompt_id)[:8]}"


def ended_run(prompt_id: str, entry: Mapping[str, Any]) -> Ended | None:
    """The run of an entry of the host's history; None for one that the desk did not send."""
    _number, _id, prompt, extra, targets, *_more = entry["prompt"]
    note = extra.get(KEY) if isinstance(extra, dict) else None
    if not isinstance(note, dict):
        return None
    messages = (entry.get("status") or {}).get("messages") or ()
    told = {str(kind): data for kind, data in messages if isinstance(data, dict)}
    created = as_number(extra.get("create_time"))
    queued = None if created is None else created / 1000
    outputs = {node: shown for node, shown in (entry.get("outputs") or {}).items() if isinstance(shown, Mapping)}
    by = " ".join(_short(extra.get(BY)).split())[:LONGEST_NAME]
    return Ended(prompt_id, _nodes(prompt), [str(one) for one in targets], note, by, outputs, told, queued)


def _nodes(prompt: Mapping[str, Any]) -> dict[str, Any]:
    """A prompt without what is no node: the host looks at those alone that it runs."""
    return {
        name: node
        for name, node in prompt.items()
        if isinstance(node, Mapping)
        and isinstance(node.get("class_type"), str)
        and isinstance(node.get("inputs", {}), Mapping)
    }


def take(project: Project, run: Ended, host: HostFacts) -> bool:
    """Puts a run into its project; whether it was not there before. Raises OSError."""
    if project.has(run.run):
        return False
    main, others = _results(run)
    # What takes long is done before anybody else has to wait.
    model_entries(upstream(run.prompt, main), host)
    files, pictures, more = _pictures(run, main, others, host)
    signals = list(_signals(run, main, host))
    job = Job(main, run.prompt, {}, signals, _reports(run))

    def record(store: Path) -> Mapping[str, Any]:
        made = make_record(job, pictures, host, store, _times(run))
        created = datetime.datetime.fromtimestamp(run.ended, datetime.timezone.utc)
        return {**made, "created": created.isoformat(timespec="seconds"), "history": {**_told(run), "others": more}}

    return project.add(run.run, files, record)


def _results(run: Ended) -> tuple[str, list[str]]:
    """The node whose pictures are the result, the last one of those that save, or show where none saves; and the others.

    Of a run without pictures, and of one that was stopped, it is the node that the host was to run after the most others, in
    whatever order it names them.
    """
    maps = {str(one[0]) for one in _list(run.note.get("maps")) if isinstance(one, list) and one}
    shown = {node: files for node in run.outputs if (files := _files(run, node)) and not _is_map(run, node, maps)}
    kept = [node for node, files in shown.items() if any(file.get("type") == "output" for file in files)]
    found = sorted(kept or shown, key=list(run.prompt).index)
    if found and not run.is_stopped:
        return found[-1], found[:-1]
    targets = [node for node in run.prompt if node in run.targets]
    return max(targets, key=lambda node: len(upstream(run.prompt, node)), default=""), []


def _files(run: Ended, node: str) -> list[dict[str, Any]]:
    """The files that a node showed, as the host names them."""
    return [one for one in _list(run.outputs.get(node, {}).get("images")) if isinstance(one, dict)]


def _is_map(run: Ended, node: str, maps: set[str]) -> bool:
    if node in maps or node not in run.prompt:
        return True
    inputs = run.prompt[node].get("inputs", {})
    first = next((str(value[0]) for value in inputs.values() if isinstance(value, list) and value), "")
    return first in maps and not inputs.get("model")


def _pictures(
    run: Ended, main: str, others: Sequence[str], host: HostFacts
) -> tuple[dict[str, bytes], list[dict[str, Any]], list[dict[str, str]]]:
    """Content by name; what the record says of the result's pictures; and of what else there is to see: films, other nodes'."""
    files: dict[str, bytes] = {}
    entries, more = [], []
    for node in () if run.is_stopped else (main, *others):
        for shown in _files(run, node):
            path = host.find_output(shown)
            suffix = path.suffix.lower().removeprefix(".") if path is not None else ""
            if path is None or suffix not in (*PICTURES, *FILMS):
                continue
            name, content = f"{run.run}_{len(files) + 1}.{suffix}", path.read_bytes()
            pixels = None if suffix in FILMS else _pixels(content)
            if pixels is None and suffix not in FILMS:
                continue
            files[name] = content
            if node == main and pixels is not None:
                entries.append(picture_entry(name, pixels))
            else:
                more.append({"node": node, "file": name})
    return files, entries, more


def _signals(run: Ended, main: str, host: HostFacts) -> Iterator[dict[str, Any]]:
    """Each control of the graph with its settings and, where a node showed it, its map as it was before it met the picture."""
    for node in upstream(run.prompt, main).values():
        inputs = node.get("inputs", {})
        if isinstance(inputs.get("control_net"), list) and isinstance(inputs.get("image"), list):
            settings = {name: value for name, value in inputs.items() if isinstance(value, str | int | float | bool)}
            label = title_of(node) or node["class_type"]
            yield {"label": label, **settings, "images": _map_pictures(run, inputs["image"], host)}


def _map_pictures(run: Ended, link: Sequence[Any], host: HostFacts) -> list[np.ndarray]:
    showing = [node for node, one in run.prompt.items() if link in (one.get("inputs") or {}).values()]
    for node in (str(link[0]), *showing):
        found = [host.find_output(one) for one in _files(run, node)]
        pixels = [made for path in found if path is not None and (made := _pixels(path.read_bytes())) is not None]
        if pixels:
            return pixels
    return []


def _reports(run: Ended) -> list[str]:
    """What nodes said, each behind its title; what broke the run off comes last."""
    told = []
    for node, out in run.outputs.items():
        texts = [text for text in _list(out.get("text")) if isinstance(text, str)]
        if texts:
            told.append(f"{_title(run, node)}: {chr(10).join(texts)}")
    failure = run.messages.get("execution_error")
    if failure is not None:
        told.append(f"{_title(run, str(failure.get('node_id')))}: {str(failure.get('exception_message', '')).strip()}")
    return told


def _told(run: Ended) -> dict[str, Any]:
    """The part `history` of a record; of what the desk told only what is of the right kind and size."""
    note = run.note
    parent, batch = note.get("parent"), batch_of(note.get("batch"))
    return {
        "prompt_id": run.prompt_id,
        "status": "cancelled" if run.is_stopped else "failed" if "execution_error" in run.messages else "done",
        "graph": _short(note.get("graph")),
        "name": "",
        "starred": False,
        "branch": _short(note.get("branch")),
        "parent": parent if isinstance(parent, str) and RUN.fullmatch(parent) else "",
        "words": [
            {"title": _short(one.get("title")), "text": _short(one.get("text"), LONGEST_TEXT)}
            for one in _objects(note, "words")
        ],
        "weights": [
            {"title": _short(one.get("title")), "value": one["value"]}
            for one in _objects(note, "weights")
            if as_number(one.get("value")) is not None
        ],
        "adherence": list(_adherence(run)),
        **({"by": run.by} if run.by else {}),
        **({} if batch is None else {"batch": batch}),
    }


def _adherence(run: Ended) -> Iterator[dict[str, Any]]:
    for node, out in run.outputs.items():
        measured = _list(out.get("adherence"))
        if len(measured) == 2 and all(as_number(one) is not None for one in measured):
            yield {"title": _title(run, node), "score": measured[0], "relative": measured[1]}


def _times(run: Ended) -> dict[str, Any]:
    started = _seconds(run.messages.get("execution_start", {}))
    return {
        "queued": _moment(run.queued),
        "started": _moment(started),
        "saved": _moment(run.ended),
        "seconds": None if started is None else round(run.ended - started, 3),
    }


def _pixels(content: bytes) -> np.ndarray | None:
    try:
        with read_picture(io.BytesIO(content)) as picture:
            return pixels_of(picture)
    except PictureError:
        return None


def _title(run: Ended, node: str) -> str:
    entry = run.prompt.get(node)
    return title_of(entry) or (entry["class_type"] if isinstance(entry, Mapping) else f"Node {node}")


def _seconds(message: Mapping[str, Any]) -> float | None:
    found = as_number(message.get("timestamp"))
    return None if found is None else found / 1000


def _moment(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).isoformat(timespec="milliseconds")


def _list(value: object) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()


def _objects(note: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    return [one for one in _list(note.get(name)) if isinstance(one, dict)][:MOST_ENTRIES]


def _short(value: object, most: int = LONGEST) -> str:
    return value[:most] if isinstance(value, str) else ""
