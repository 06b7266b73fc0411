"""Graphs out of the files that people have: JSON in any wrapping, and what ComfyUI saves with its graph in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from armature_pack.common.graph_files import NoGraph, read_graph_file, unwrapped
from PIL import Image
from PIL.PngImagePlugin import PngInfo

PROMPT = {"1": {"class_type": "LoadImage", "inputs": {"image": "é.png"}}}
WORKFLOW = {"nodes": [{"id": 1, "type": "LoadImage", "mode": 0}], "links": [], "version": 0.4}
TEXTS = {"prompt": json.dumps(PROMPT), "workflow": json.dumps(WORKFLOW)}


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def png(path: Path, texts: dict[str, str]) -> None:
    info = PngInfo()
    for name, text in texts.items():
        info.add_text(name, text)
    Image.new("RGB", (8, 8)).save(path, pnginfo=info)


def png_named_json(path: Path, texts: dict[str, str]) -> None:
    png(path.with_suffix(".png"), texts)
    path.with_suffix(".png").replace(path)


def with_exif(path: Path, texts: dict[str, str]) -> None:
    """As the host's own nodes for WebP do it."""
    picture = Image.new("RGB", (8, 8))
    exif = picture.getexif()
    for tag, (name, text) in zip((0x0110, 0x010F), texts.items(), strict=False):
        exif[tag] = f"{name}:{text}"
    picture.save(path, exif=exif)


def flac(path: Path, texts: dict[str, str]) -> None:
    """As the host's Save Audio does it."""
    with av.open(str(path), "w", format="flac") as container:
        container.metadata.update(texts)
        stream = container.add_stream("flac", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 64), dtype=np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def media(container: str, codec: str) -> Callable[[Path, dict[str, str]], None]:
    """As the host's nodes for sound and film do it."""

    def save(path: Path, texts: dict[str, str]) -> None:
        options = {"movflags": "use_metadata_tags"} if container == "mp4" else {}
        with av.open(str(path), "w", format=container, options=options) as file:
            file.metadata.update(texts)
            stream = file.add_stream(codec, rate=48_000, layout="mono")
            samples = np.zeros((1, 48_000), dtype=np.int16)
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.sample_rate = 48_000
            file.mux(stream.encode(frame))
            file.mux(stream.encode(None))

    return save


SAVERS: dict[str, Callable[[Path, dict[str, str]], None]] = {
    "a.png": png,
    "a.webp": with_exif,
    "a.jpg": with_exif,
    "a.flac": flac,
    "a.mp3": media("mp3", "libmp3lame"),
    "a.opus": media("ogg", "libopus"),
    "a.webm": media("webm", "libopus"),
    "a.mp4": media("mp4", "aac"),
    "a picture.json": png_named_json,
}


@pytest.mark.parametrize("name", SAVERS)
def test_a_graph_in_what_comfyui_saved(tmp_path, name):
    path = tmp_path / name
    SAVERS[name](path, TEXTS)
    assert read_graph_file(path) == WORKFLOW and read_graph_file(path, "prompt") == PROMPT
    SAVERS[name](path, {"prompt": TEXTS["prompt"]})
    assert read_graph_file(path) == PROMPT
    SAVERS[name](path, {"prompt": "{}", "workflow": TEXTS["workflow"]})
    assert read_graph_file(path, "prompt") == WORKFLOW


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_with_any_byte_order_mark(tmp_path, encoding):
    assert read_graph_file(write(tmp_path / "g.json", TEXTS["prompt"].encode(encoding))) == PROMPT


@pytest.mark.parametrize(
    "wrapped",
    [
        {"prompt": PROMPT},
        {"input": {"workflow": PROMPT}},
        {"input": {"workflow": TEXTS["prompt"], "images": []}},
        {"input": {"workflow_json": None, "prompt": PROMPT}},
        {"data": {"prompt": TEXTS["prompt"]}},
        {"version": "f1", "input": {"workflow_json": TEXTS["prompt"], "randomise_seeds": True}},
        {"workflow": {}, "workflow_api": PROMPT},
        {"client_id": "a", "prompt": PROMPT, "extra_data": {"extra_pnginfo": {"workflow": WORKFLOW}}},
        [3, "id", PROMPT, {}, ["1"]],
        {"8b1f": {"prompt": [3, "id", PROMPT, {}, ["1"]], "outputs": {}, "status": {}}},
    ],
)
def test_wrappings_are_taken_off(wrapped):
    assert unwrapped(wrapped) == PROMPT


@pytest.mark.parametrize(
    "data", [PROMPT, WORKFLOW, {"prompt": {}}, {"input": 3}, {}, [], None, 3, "text", {"a": {"b": 1}}]
)
def test_what_is_no_wrapping_stays(data):
    assert unwrapped(data) == data


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b'{"1": {"class_type": "A",}\n}', "line 1, column"),
        (b"<!DOCTYPE html><p>404", "a web page"),
        (b"PK\x03\x04", "a zip archive"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"\x00\x01\xfe\xff", "no text"),
        (b"\x89PNG\r\n\x1a\nnothing more", "PNG picture that cannot be read"),
        (b"fLaC nothing more", "FLAC file that cannot be read"),
        (b"[" * 200_000, "nested too deeply"),
    ],
)
def test_what_holds_no_graph_is_named(tmp_path, content, words):
    with pytest.raises(NoGraph, match=words):
        read_graph_file(write(tmp_path / "g.json", content))


@pytest.mark.parametrize(
    "described",
    [
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
        b"ffconcat version 1.0\nfile /etc/hostname\n",
        b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n",
    ],
)
def test_behind_the_mark_of_a_sound_file_nothing_else_is_taken_for_one(tmp_path, described):
    """The library that reads sound and film knows descriptions of streams on the network too."""
    with pytest.raises(NoGraph, match="MP3 file that cannot be read"):
        read_graph_file(write(tmp_path / "a.mp3", b"ID3\x03\0\0\0\0\0\0" + described))


def test_a_picture_without_a_graph_says_who_takes_it_out(tmp_path):
    for texts, told in (({}, "without a graph in it"), ({"parameters": "a cup"}, "another program")):
        png(tmp_path / "a.png", texts)
        with pytest.raises(NoGraph, match=told):
            read_graph_file(tmp_path / "a.png")
    broken: dict[str, Any] = {"workflow": "{"}
    png(tmp_path / "a.png", broken)
    with pytest.raises(NoGraph, match="workflow is no JSON"):
        read_graph_file(tmp_path / "a.png")
