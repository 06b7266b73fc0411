"""Writing pictures with their record: PNG files as the host writes them, and beside the first a folder of JSON and PNG.

This is the only module of `runs` that works inside the host: the node Save Record calls it.
"""

import datetime
import io
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ...common.atomic_write import write_bytes
from ...common.digests import sha256
from .hashes import HashCache
from .host_facts import HostFacts, run_times
from .prompt_facts import model_names, sampling, upstream
from .record import FILE, PNG_KEY, SCHEMA, SUFFIX

COMPRESSION = 4  # the host's own level


@dataclass(frozen=True)
class Job:
    """What is recorded. node: the id of Save Record; signals: facts per signal, with `image` [H,W,3] of 0..255 or None."""

    node: str
    prompt: Mapping[str, Any]
    extra_pnginfo: Mapping[str, Any]
    signals: Sequence[Mapping[str, Any]] = ()
    reports: Sequence[str] = ()


def save(images: Any, prefix: str, job: Job, host: HostFacts) -> list[dict[str, str]]:
    """Saves images [B,H,W,3] of 0..1 into the host's output folder; returns the host's names for them.

    Raises ValueError for a prefix that leads out of the output folder.
    """
    pixels = [np.clip(255.0 * image.cpu().numpy(), 0, 255).astype(np.uint8) for image in images]
    folder, stem, counter, subfolder = host.place(prefix, pixels[0].shape[1], pixels[0].shape[0])
    stems = [stem.replace("%batch_num%", str(index)) for index in range(len(pixels))]
    names = [f"{one}_{counter + index:05}_.png" for index, one in enumerate(stems)]
    store = folder / f"{Path(names[0]).stem}{SUFFIX}"
    pictures = [picture_entry(name, picture) for name, picture in zip(names, pixels, strict=True)]
    record = make_record(job, pictures, host, store, run_times())
    text = json.dumps(record, indent=1, ensure_ascii=False)
    for name, picture in zip(names, pixels, strict=True):
        write_bytes(folder / name, _png(picture, _metadata(job, record) if host.with_metadata else None))
    write_bytes(store / FILE, text.encode("utf-8", "replace"))
    return [{"filename": name, "subfolder": subfolder, "type": "output"} for name in names]


def pixel_hash(picture: np.ndarray) -> str:
    """sha256 of a picture's size and its pixels [H,W,3] of 0..255, whatever file holds them."""
    return sha256(f"{picture.shape}".encode() + np.ascontiguousarray(picture).tobytes())


def picture_entry(name: str, picture: np.ndarray) -> dict[str, Any]:
    """What a record says of a picture [H,W,3] of 0..255 in the file `name`."""
    return {"file": name, "width": picture.shape[1], "height": picture.shape[0], "sha256": pixel_hash(picture)}


def make_record(
    job: Job, pictures: Sequence[Mapping[str, Any]], host: HostFacts, store: Path, times: Mapping[str, Any]
) -> dict[str, Any]:
    """The record of a job; its input pictures and control images go into the folder `store`, each once.

    pictures: entries as `picture_entry` makes them; times: as `run_times` tells them. Raises OSError.
    """
    nodes = upstream(job.prompt, job.node)
    return {
        "schema": SCHEMA,
        "created": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "node": job.node,
        "pictures": list(pictures),
        "prompt": dict(job.prompt),
        "sampling": sampling(nodes),
        "models": model_entries(nodes, host),
        "inputs": _inputs(nodes, host, store),
        "signals": [_signal(signal, store) for signal in job.signals],
        "reports": list(job.reports),
        "versions": {**host.versions(), "python": platform.python_version(), "system": platform.platform()},
        "device": host.device(),
        "times": dict(times),
    }


def model_entries(nodes: Mapping[str, Any], host: HostFacts) -> list[dict[str, Any]]:
    """What a record says of the model files that nodes name. A file that was never read is read here, which takes time."""
    cache, found = HashCache(host.hash_store), []
    for node, name, value in model_names(nodes):
        file = host.find_model(value)
        entry = {"node": node, "input": name, "name": value, "folder": "", "bytes": None, "sha256": ""}
        if file is not None:
            entry |= {"folder": file.folder, "bytes": file.path.stat().st_size, "sha256": cache.sha256(file.path)}
        found.append(entry)
    return found


def _inputs(nodes: Mapping[str, Any], host: HostFacts, store: Path) -> list[dict[str, Any]]:
    """The pictures that came from the input folder, each copied once, by content."""
    found = []
    for node, entry in nodes.items():
        for name, value in entry.get("inputs", {}).items():
            file = host.find_input(value) if isinstance(value, str) else None
            if file is not None:
                content = file.read_bytes()
                kept = f"input_{sha256(content)[:16]}{file.suffix.lower()}"
                if not (store / kept).is_file():
                    write_bytes(store / kept, content)
                found.append({"node": node, "input": name, "name": value, "file": kept})
    return found


def _signal(signal: Mapping[str, Any], store: Path) -> dict[str, Any]:
    images = signal.get("images") or ()
    names = []
    for picture in images:
        name = f"control_{pixel_hash(picture)[:16]}.png"
        if not (store / name).is_file():
            write_bytes(store / name, _png(picture, None))
        names.append(name)
    return {**{key: value for key, value in signal.items() if key != "images"}, "images": names}


def _metadata(job: Job, record: Mapping[str, Any]) -> PngInfo:
    """What the host writes, so that the front end loads the graph, and the record with it."""
    info = PngInfo()
    info.add_text("prompt", json.dumps(job.prompt))
    for name, value in job.extra_pnginfo.items():
        info.add_text(name, json.dumps(value))
    info.add_text(PNG_KEY, json.dumps(record))
    return info


def _png(picture: np.ndarray, info: PngInfo | None) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", pnginfo=info, compress_level=COMPRESSION)
    return buffer.getvalue()
