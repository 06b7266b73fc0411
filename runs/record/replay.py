"""Making a picture again from its record, through the API of a server."""

import copy
import dataclasses
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from ...common.node_names import name_node
from ...common.picture_files import PictureError, read_picture
from ..answers import choices_of, input_of
from ..client import Client
from .compare import Distance, differences, distance, pixels_of
from .hashes import HashCache
from .prompt_facts import upstream
from .record import PNG_KEY, Record, RecordError, parse_record
from .saving import pixel_hash

PREFIX = "armature/replay"
SUBFOLDER = "armature_replay"
SAVER = "ArmatureSaveRecord"
SAVERS = ("SaveImage", "PreviewImage")  # of the host; they save the same pixels


@dataclass(frozen=True)
class Replayed:
    """One picture made again: `content` is its file; distance is None when the recorded picture is not at hand."""

    content: bytes
    is_equal: bool
    distance: Distance | None


@dataclass(frozen=True)
class Replay:
    """The outcome. differences: what the new record says otherwise than the old one. notes: what a person should know."""

    pictures: tuple[Replayed, ...]
    differences: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def is_equal(self) -> bool:
        """Whether every picture came out with the same bits."""
        return bool(self.pictures) and all(one.is_equal for one in self.pictures)


async def replay(client: Client, record: Record, search: Sequence[Path], cache: HashCache) -> Replay:
    """Runs the recorded graph, as far as it leads to the picture, on the server.

    search: folders of model files in which a missing one is looked for by its sha256. Raises RecordError, before anything
    runs, when nodes or model files are missing, and ClientError.
    """
    prompt = _with_saver(record)
    record = _as_saved(record, prompt)
    info = await _nodes(client, prompt, record)
    _check_models(prompt, info, record, search, cache)
    uploaded, notes = await _upload(client, prompt, record)
    prompt[record.data["node"]]["inputs"]["filename_prefix"] = PREFIX
    await client.forget_results()
    result = await client.run(prompt)
    contents = [await client.fetch(picture) for picture in result.images(record.data["node"])]
    if len(contents) != len(record.data["pictures"]):
        notes.append(f"The record has {len(record.data['pictures'])} pictures, {len(contents)} came out.")
    pictures = tuple(_compared(record, index, content) for index, content in enumerate(contents))
    ignored = uploaded | {f"{record.data['node']}.filename_prefix"}
    return Replay(pictures, tuple(_told(record, contents, frozenset(ignored))), tuple(notes))


def _with_saver(record: Record) -> dict[str, Any]:
    """The graph as far as it leads to the picture, saved with a record. Raises RecordError where nothing saves it."""
    node = record.data["node"]
    prompt = copy.deepcopy(upstream(record.data["prompt"], node))
    saver = prompt.get(node, {})
    kind = saver.get("class_type")
    if kind in SAVERS and "images" in saver.get("inputs", {}):
        prompt[node] = {**saver, "class_type": SAVER, "inputs": {"images": saver["inputs"]["images"]}}
    elif kind != SAVER:
        what = f"{kind}, not one of {', '.join((SAVER, *SAVERS))}" if kind else "not in the graph"
        raise RecordError(
            f"{record.place}: node {node or '(none)'}, which saved the picture, is {what}; it cannot be made again."
        )
    return prompt


def _as_saved(record: Record, prompt: Mapping[str, Any]) -> Record:
    """The record with `prompt`, and without what Save Record cannot find out in it where another node saved the picture."""
    node = record.data["node"]
    if record.data["prompt"][node]["class_type"] == SAVER:
        return record
    return dataclasses.replace(record, data={**record.data, "prompt": copy.deepcopy(prompt), "signals": []})


async def _nodes(client: Client, prompt: Mapping[str, Any], record: Record) -> dict[str, Any]:
    info: dict[str, Any] = {}
    for class_type in {node["class_type"] for node in prompt.values()}:
        info |= await client.object_info(class_type)
    missing = [name_node(prompt, node_id) for node_id, node in prompt.items() if node["class_type"] not in info]
    if missing:
        raise RecordError(
            f"{record.place} needs nodes that the server lacks; install the packs that bring them:\n"
            + "\n".join(f"  - {name}" for name in missing)
        )
    return info


def _check_models(
    prompt: Mapping[str, Any],
    info: Mapping[str, Any],
    record: Record,
    search: Sequence[Path],
    cache: HashCache,
) -> None:
    """Raises RecordError when the server does not offer a recorded model file; says where one with its sum lies."""
    missing = []
    for model in record.data["models"]:
        node = prompt.get(model.get("node", ""))
        offered = _choices(info, node["class_type"], model.get("input", "")) if node else None
        if offered is not None and model["name"] not in offered:
            same = _same_file(model, search, cache)
            advice = (
                f"the same file is {same}: put it there under that name" if same else "no file of that sum was found"
            )
            missing.append(
                f"  - {model['name']} (folder {model.get('folder') or 'unknown'}, {model.get('bytes') or '?'} bytes, sha256 "
                f"{model['sha256'] or 'unknown'}): {advice}"
            )
    if missing:
        raise RecordError(f"{record.place} needs model files that the server lacks:\n" + "\n".join(missing))


def _choices(info: Mapping[str, Any], class_type: str, name: str) -> Sequence[Any] | None:
    return choices_of(*input_of(info[class_type], name))


def _same_file(model: Mapping[str, Any], search: Sequence[Path], cache: HashCache) -> Path | None:
    for folder in search:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.stat().st_size == model.get("bytes") and model["sha256"]:
                found = cache.sha256(path)
                if found == model["sha256"]:
                    return path
    return None


async def _upload(client: Client, prompt: dict[str, Any], record: Record) -> tuple[set[str], list[str]]:
    """Sends the recorded input pictures and names them in the prompt; what is not at hand is left to the server."""
    places: set[str] = set()
    notes = []
    for entry in record.data["inputs"]:
        node, name = entry.get("node"), entry.get("input")
        if node not in prompt or name not in prompt[node].get("inputs", {}):
            continue
        file = record.file(entry["file"])
        if file is None:
            notes.append(
                f"The input picture {entry['name']} is not with the record; the server's own of that name is used."
            )
            continue
        sent = await client.upload_image(file, subfolder=SUBFOLDER, overwrite=True)
        prompt[node]["inputs"][name] = sent.annotated
        places.add(f"{node}.{name}")
    return places, notes


def _from_server(content: bytes) -> Image.Image:
    try:
        return read_picture(io.BytesIO(content))
    except PictureError as error:
        raise RecordError(f"The server's new picture {error}") from None


def _compared(record: Record, index: int, content: bytes) -> Replayed:
    made = _from_server(content)
    recorded = record.data["pictures"][index] if index < len(record.data["pictures"]) else None
    is_equal = recorded is not None and recorded["sha256"] == pixel_hash(pixels_of(made))
    path = record.picture(index) if recorded is not None else None
    if path is None:
        return Replayed(content, is_equal, None)
    with read_picture(path) as original:
        return Replayed(content, is_equal, distance(original, made))


def _told(record: Record, contents: Sequence[bytes], ignored: frozenset[str]) -> list[str]:
    """The differences between the old record and the one that the server wrote into the new picture."""
    if not contents:
        return []
    text = getattr(_from_server(contents[0]), "text", {}).get(PNG_KEY)
    if text is None:
        return ["The server writes no metadata into pictures, so versions and model files cannot be compared."]
    return differences(record.data, parse_record(text, "the server's new picture"), ignore=ignored)
