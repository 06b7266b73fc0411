"""Reading a graph from what people have: a JSON file, or a picture or sound file that ComfyUI saved with its graph.

ComfyUI writes both forms of a graph into what it saves: `workflow`, as the editor keeps it, and `prompt`, as it ran. PNG
has them in text chunks, WebP and JPEG in EXIF (Make and Model, each with its name before a colon), sound and video as
metadata of the container.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from .whole_file import check_file

_PICTURES = {b"\x89PNG\r\n\x1a\n": "PNG picture", b"\xff\xd8\xff": "JPEG picture", b"RIFF": "WebP picture"}
_MEDIA = {b"fLaC": "FLAC file", b"OggS": "Ogg file", b"ID3": "MP3 file", b"\x1a\x45\xdf\xa3": "WebM video"}
# What reads each. Left to find out by itself, the library takes what stands behind an ID3 mark for the description of a stream,
# and opens what that names.
_DEMUXERS = {"FLAC file": "flac", "Ogg file": "ogg", "MP3 file": "mp3", "WebM video": "matroska", "MP4 video": "mov"}
_OTHERS = {
    b"PK": "a zip archive or an Office file",
    b"%PDF": "a PDF file",
    b"<": "a web page",
    b"version https://git-lfs": "a Git LFS pointer: the file itself was not downloaded",
    b"GIF8": "a GIF picture, which holds no graph",
}
_EXIF = (0x010F, 0x0110, 0x9286)  # Make, Model, UserComment
_FORMS = ("workflow", "prompt")
_EMPTY = ("", "{}", "[]", "null")
_WEBUI = "parameters"
_WRAPPERS = (
    *(
        "input",
        "workflow",
        "prompt",
        "data",
        "workflow_api",
        "workflow_json",
        "workflow_api_json",
        "api_prompt",
        "graph",
    ),
    *("comfyui_workflow", "extra_pnginfo", "extra_data"),
)
_DEEPEST = 5
LARGEST = 256 * 2**20
"""Bytes of a file that is looked at."""


class NoGraph(ValueError):
    """A file without a graph: the message says what it is instead and what to do."""


def read_graph_file(path: Path, prefer: str = "workflow") -> Any:
    """The data of a graph in a file, as JSON gives it and out of its wrapping; see `unwrapped`.

    prefer: the form to take from a picture or sound file that holds both. Raises NoGraph, and OSError where the file
    cannot be read.
    """
    check_file(path)
    with path.open("rb") as file:
        start = file.read(32)
    if path.stat().st_size > LARGEST:
        raise NoGraph(f"it is larger than {LARGEST // 2**20} MiB, so it was not looked at. Give the graph's JSON file.")
    return _read(path, start, prefer)


def read_graph_bytes(content: bytes, prefer: str = "workflow") -> Any:
    """`read_graph_file` of a file's content."""
    return _read(BytesIO(content), content[:32], prefer)


def _read(source: Path | IO[bytes], start: bytes, prefer: str) -> Any:
    called = _called(start, {**_PICTURES, **_MEDIA})
    if start[4:8] == b"ftyp":
        called = "MP4 video"
    if called:
        return unwrapped(_embedded(source, called, called in _PICTURES.values(), prefer))
    return unwrapped(_parsed(source.read_bytes() if isinstance(source, Path) else source.read(), start))


def _called(start: bytes, table: Mapping[bytes, str]) -> str:
    return next((name for magic, name in table.items() if start.startswith(magic)), "")


def _parsed(content: bytes, start: bytes) -> Any:
    other = _called(start.lstrip(), _OTHERS)
    if other:
        raise NoGraph(f"it is no graph but {other}. Give the JSON file that ComfyUI's Export wrote.")
    if not content.strip():
        raise NoGraph("it is empty. Export the graph again.")
    try:
        # Windows programs put a byte-order mark in front, or save as UTF-16.
        return json.loads(content.decode("utf-8-sig") if content[:2] not in (b"\xff\xfe", b"\xfe\xff") else content)
    except UnicodeDecodeError:
        raise NoGraph(
            "it is no text. Give the JSON file that ComfyUI's Export wrote, or a picture with its graph."
        ) from None
    except json.JSONDecodeError as error:
        raise NoGraph(
            f"it is no JSON: {error.msg} in line {error.lineno}, column {error.colno}. If it was edited by hand, look there; "
            "otherwise export the graph again."
        ) from None
    except RecursionError:
        raise NoGraph("its JSON is nested too deeply to be a graph.") from None


def _embedded(source: Path | IO[bytes], called: str, is_picture: bool, prefer: str) -> Any:
    try:
        texts = dict(_picture_texts(source) if is_picture else _media_texts(source, _DEMUXERS[called]))
    except ImportError as error:
        raise NoGraph(
            f"it is a {called}, and the Python package {error.name} that reads its graph is not here. Give the graph's JSON."
        ) from None
    except Exception as error:  # a damaged file; what the decoders raise then is of many kinds
        raise NoGraph(f"it is a {called} that cannot be read ({type(error).__name__}: {error}).") from None
    forms = [form for form in dict.fromkeys((prefer, *_FORMS)) if form in texts]
    for form in forms:
        # Some programs keep one of the forms and write the other empty.
        if texts[form].strip() not in _EMPTY or form == forms[-1]:
            return _embedded_json(texts[form], called, form)
    if _WEBUI in texts:
        raise NoGraph(
            f"it is a {called} of another program (Automatic1111 or a fork): it holds settings, but no graph."
        )
    raise NoGraph(
        f"it is a {called} without a graph in it. ComfyUI saves one with each picture, unless it was started with "
        "--disable-metadata; chat programs and picture editors take it out."
    )


def _embedded_json(text: str, called: str, form: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NoGraph(f"it is a {called} whose {form} is no JSON ({error}).") from None


def _picture_texts(source: Path | IO[bytes]) -> Iterator[tuple[str, str]]:
    from .picture_files import read_picture

    with read_picture(source) as picture:  # all of it: text may stand behind the pixels
        for name, value in picture.info.items():
            if name in (*_FORMS, _WEBUI) and isinstance(value, str):
                yield name, value
        exif = picture.getexif()
        values = [*exif.values(), *exif.get_ifd(0x8769).values()]
    for value in values:
        text = value.decode("utf-8", "ignore") if isinstance(value, bytes) else str(value)
        form, colon, rest = text.removeprefix("UNICODE\0").partition(":")
        if colon and form.lower() in _FORMS:
            yield form.lower(), rest.rstrip("\0")


def _media_texts(source: Path | IO[bytes], demuxer: str) -> Iterator[tuple[str, str]]:
    import av

    with av.open(str(source) if isinstance(source, Path) else source, format=demuxer) as container:
        found = dict(container.metadata)
        for stream in container.streams:
            found |= stream.metadata
    for name, value in found.items():
        if name.lower() in _FORMS:
            yield name.lower(), value


def unwrapped(data: Any) -> Any:
    """A graph out of what hosting services and programs put around it; what is known as none stays as it is.

    A graph is an object with `nodes` and `links`, or an object of nodes with a class_type. `{"input": {"workflow": ...}}`,
    `{"prompt": ...}` and the like are taken off, also where the inner graph is JSON in a text.
    """
    found = data
    for _ in range(_DEEPEST):
        if _is_graph(found):
            return found
        inner = _inner(found)
        if inner is None:
            return data
        found = inner
    return data


def _inner(data: Any) -> Any:
    if isinstance(data, str):
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            return None
    if isinstance(data, list):  # the queue's own form: number, id, prompt, extra data, outputs
        return next((one for one in data if _is_graph(one)), data[0] if len(data) == 1 else None)
    if not isinstance(data, Mapping):
        return None
    found = next(
        (data[name] for name in _WRAPPERS if data.get(name) and isinstance(data[name], (Mapping, str, list))), None
    )
    if found is None and len(data) == 1:  # GET /history/ID answers by the run's id
        found = next(iter(data.values()))
    return found if isinstance(found, (Mapping, str, list)) else None


def _is_graph(data: Any) -> bool:
    if not isinstance(data, Mapping):
        return False
    if isinstance(data.get("nodes"), list):
        return True
    return any(isinstance(one, Mapping) and "class_type" in one for one in data.values())
