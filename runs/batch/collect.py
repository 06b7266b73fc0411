"""Bringing a run's pictures home, under names that the row alone decides."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ...common.atomic_write import write_bytes
from ...common.digests import sha256
from ..client import Client
from ..results import Picture, RunResult
from ..whole_files import PICTURES, VIDEOS
from .ledger import Entry

FOLDER = "pictures"
LONGEST_NAME = 60
LONGEST_STEM = 160  # bytes; with what follows it a name fits into the 255 that file systems have
OTHERS = (
    ".wav",
    ".flac",
    ".mp3",
    ".ogg",
    ".opus",
    ".m4a",
    ".glb",
    ".gltf",
    ".obj",
    ".ply",
    ".stl",
    ".psd",
    ".json",
    ".txt",
    ".npy",
)
LONGEST_TEXT = 20_000  # of a report; the ledger is no archive


async def collect(client: Client, entry: Entry, result: RunResult, out: Path) -> list[str]:
    """Fetches the pictures of a run into out/pictures and returns their paths inside `out`.

    A name depends on the row and on nothing else, so that collecting twice gives the same files.
    """
    files = []
    for name, picture in named_pictures(entry, result):
        content = await client.fetch(picture)
        await asyncio.to_thread(write_bytes, out / name, content)
        files.append(name)
    return files


def named_pictures(entry: Entry, result: RunResult) -> Iterator[tuple[str, Picture]]:
    """The pictures of a run that are kept, with their paths inside the output folder."""
    for label, picture in _named(entry, result):
        yield f"{FOLDER}/{label}{_suffix(picture)}", picture


def texts_of(result: RunResult) -> dict[str, list[str]]:
    """The texts that nodes showed, by node id: reports and the like."""
    return {
        node: [text[:LONGEST_TEXT] for text in output.texts] for node, output in result.outputs.items() if output.texts
    }


def file_stem(entry: Entry) -> str:
    """'00012_blue_room_1f0c9a7d': the row's number, its name made fit for any file system, and a part of its key."""
    name = _cut(re.sub(r"[^\w\-]+", "_", entry.name).strip("_")[:LONGEST_NAME], LONGEST_STEM)
    key = entry.key[:8] + entry.key[32:]
    return "_".join(part for part in (f"{entry.number:05}", name, key) if part)


def _named(entry: Entry, result: RunResult) -> Iterator[tuple[str, Picture]]:
    kept = _kept(result.outputs)
    seen: set[str] = set()
    for node, pictures in kept.items():
        label = _plain(node)
        if label.lower() in seen:  # two nodes whose names differ in what no file's name holds
            label = f"{label}_{sha256(node.encode('utf-8', 'replace'))[:8]}"
        seen.add(label.lower())
        for index, picture in enumerate(pictures):
            # One picture is the usual case and needs no more than the row's name.
            rest = "" if len(kept) == 1 and len(pictures) == 1 else f"_{label}_{index}"
            yield f"{file_stem(entry)}{rest}", picture


def _kept(outputs: Mapping[str, Any]) -> dict[str, list[Picture]]:
    """What was saved; where nothing was, what was previewed."""
    for kinds in (("output",), ("temp",)):
        kept = {node: [one for one in output.images if one.type in kinds] for node, output in outputs.items()}
        kept = {node: pictures for node, pictures in kept.items() if pictures}
        if kept:
            return kept
    return {}


def _plain(node: str) -> str:
    return _cut(re.sub(r"[^\w\-]+", "-", node)[:20], 40)


def _cut(text: str, most: int) -> str:
    """The text, of `most` bytes at most."""
    return text.encode()[:most].decode("utf-8", "ignore")


def _suffix(picture: Picture) -> str:
    """That of the server's file, where it is one of pictures and the like; what a double click would run is none."""
    suffix = Path(picture.filename).suffix.lower()
    if not re.fullmatch(r"\.[a-z0-9]{1,5}", suffix):
        return ".png"
    return suffix if suffix in (*PICTURES, *VIDEOS, *OTHERS) else ".bin"
