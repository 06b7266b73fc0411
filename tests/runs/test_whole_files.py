"""Pictures and videos that are cut off, damaged, or something else."""

from __future__ import annotations

import io
import random
import struct
import zlib
from pathlib import Path

import pytest
from armature_pack.runs.whole_files import find_flaw
from PIL import Image, features

FORMS = {
    "a.png": ("PNG", {}),
    "a.jpg": ("JPEG", {}),
    "progressive.jpeg": ("JPEG", {"progressive": True}),
    "a.webp": ("WEBP", {}),
    "lossless.webp": ("WEBP", {"lossless": True}),
    "moving.webp": ("WEBP", {"save_all": True}),
    "moving.png": ("PNG", {"save_all": True}),
    "moving.gif": ("GIF", {"save_all": True}),
    "a.bmp": ("BMP", {}),
    "a.tiff": ("TIFF", {}),
    "packed.tif": ("TIFF", {"compression": "tiff_lzw"}),
    "a.avif": ("AVIF", {}),
}
VIDEOS = {"a.mp4": "h264", "a.mov": "h264", "a.webm": "libvpx-vp9", "live.webm": "libvpx-vp9", "a.mkv": "h264"}


def noise(number: int) -> Image.Image:
    return Image.frombytes("RGB", (48, 32), random.Random(number).randbytes(48 * 32 * 3))


def picture(name: str) -> bytes:
    form, options = FORMS[name]
    if form == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow writes no AVIF")
    more = {"append_images": [noise(2), noise(3)]} if "save_all" in options else {}
    buffer = io.BytesIO()
    noise(1).save(buffer, form, **options, **more)
    return buffer.getvalue()


def video(name: str, folder: Path) -> bytes:
    av = pytest.importorskip("av")
    options = {"live": "1"} if name.startswith("live") else {}
    with av.open(str(folder / name), "w", options=options) as container:
        stream = container.add_stream(VIDEOS[name], rate=8)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        for number in range(6):
            container.mux(stream.encode(av.VideoFrame.from_image(noise(number))))
        container.mux(stream.encode())
    return (folder / name).read_bytes()


def cuts(content: bytes) -> list[int]:
    """Lengths of a file that was cut off: anywhere, and near its end."""
    chance = random.Random(5)
    return [*(chance.randrange(1, len(content)) for _ in range(40)), *(len(content) - left for left in range(1, 9))]


@pytest.mark.parametrize("name", FORMS)
def test_pictures(name: str) -> None:
    content = picture(name)
    assert find_flaw(content, name) == ""
    assert find_flaw(content, "under_another_name.png") == "", "some nodes save other forms under .png"
    assert [length for length in cuts(content) if not find_flaw(content[:length], name)] == []
    assert "no video" in find_flaw(content, "a.mp4")


@pytest.mark.parametrize("name", VIDEOS)
def test_videos(name: str, tmp_path: Path) -> None:
    content = video(name, tmp_path)
    assert find_flaw(content, name) == ""
    assert [length for length in cuts(content) if not find_flaw(content[:length], name)] == []
    assert "no picture" in find_flaw(content, "a.png")


def test_what_is_no_file_of_its_kind() -> None:
    drawing = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"><rect/></svg>\n'
    assert find_flaw(drawing, "a.svg") == "" and "cut off" in find_flaw(drawing[:-9], "a.svg")
    for name in ("a.png", "a.svg", "a.mp4", "a.webm"):
        assert find_flaw(b"", name) == "is empty"
        assert "web page" in find_flaw(b"\n<!doctype html><svg></svg>", name)
        assert "is no " in find_flaw(b'{"error": "not found"}', name)
    assert find_flaw(b"1234", "mesh.glb") == "", "of other kinds nothing is known"


def part(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def test_a_png_is_damaged_wherever_a_byte_is_another() -> None:
    chance = random.Random(6)
    for name in ("a.png", "moving.png"):
        content = picture(name)
        for place in (chance.randrange(8, len(content) - 12) for _ in range(200)):
            changed = bytearray(content)
            changed[place] ^= chance.randrange(1, 256)
            assert find_flaw(bytes(changed), name), place


@pytest.mark.parametrize("side", [9_000, 13_000, 60_000, 2**31 - 1])
def test_a_png_that_tells_of_more_pixels_than_it_can_hold(side: int) -> None:
    header = part(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    data = part(b"IDAT", zlib.compress(bytes(5_000)))
    assert "cut off or damaged" in find_flaw(picture("a.png")[:8] + header + data + part(b"IEND", b""), "a.png")


def test_a_large_plain_png_is_whole() -> None:
    buffer = io.BytesIO()
    Image.new("L", (9_000, 9_000)).save(buffer, "PNG")
    assert find_flaw(buffer.getvalue(), "a.png") == ""


def test_frames_beyond_the_first_are_looked_at() -> None:
    content, chance, found = picture("moving.gif"), random.Random(7), 0
    last = content.rindex(b"\x21\xf9\x04")
    for _ in range(100):
        changed = bytearray(content)
        changed[chance.randrange(last + 8 + 10, len(content) - 2)] ^= chance.randrange(1, 256)
        found += bool(find_flaw(bytes(changed), "moving.gif"))
    assert found > 5, "a GIF has no sums: what cannot be unpacked is all that shows"
