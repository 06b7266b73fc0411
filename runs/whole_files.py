"""Whether the bytes of a picture or video are all of one: decoded where Pillow can, else looked through to their end."""

import io
import itertools
import re
import threading
import warnings
import zlib
from collections.abc import Callable
from pathlib import PurePosixPath

from PIL import Image

MOST_PIXELS = (
    2**26
)  # of what is decoded; larger pictures are looked through, as decoding would take seconds and gigabytes
PAGE = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|head|body)", re.IGNORECASE)
KNOWN_PICTURES = (".png", ".apng", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".svg")
PICTURES = (*KNOWN_PICTURES, ".jxl", ".exr", ".hdr", ".tga", ".ppm", ".ico", ".jp2")  # of the rest the end is not known
VIDEOS = (".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi")
LEAST_FRAME = 2**12  # pixels that a frame counts for at least, as tiny ones take time too
MOST_PACKED = 1032  # bytes that deflate makes of one


def find_flaw(content: bytes, name: str) -> str:
    """What is wrong with a file of this name ('is cut off', …); empty when it is whole, or of a kind that is not known.

    A picture may be of another form than its name says, as some nodes save them; a picture for a video may not.
    """
    if not content:
        return "is empty"
    suffix = PurePosixPath(name).suffix.lower()
    wanted = "picture" if suffix in PICTURES else "video" if suffix in VIDEOS else ""
    if PAGE.match(content[:512]):
        return f"is a web page{' and no ' + wanted if wanted else ''}"
    is_of_kind, is_whole = next(((kind, whole) for kind, begins, whole in FORMS if begins(content)), ("", None))
    if wanted and is_of_kind and is_of_kind != wanted:
        return f"is a {is_of_kind} and no {wanted}"
    if is_whole is not None:
        return "" if _passes(is_whole, content) else "is cut off or damaged"
    return f"is no {wanted} that is known" if suffix in (*KNOWN_PICTURES, *VIDEOS) else ""


def _passes(is_whole: Callable[[bytes], bool], content: bytes) -> bool:
    try:
        return is_whole(content)
    except (IndexError, ValueError):  # a length that leads nowhere
        return False


# Pictures.

_ONE_AT_A_TIME = threading.Lock()  # what is told of warnings counts for all threads; and pixels are large


def _decoded(content: bytes) -> bool:
    """Whether every pixel can be had, frame by frame; True for what is too large to try."""
    try:
        with _ONE_AT_A_TIME, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content)) as picture:
                _decode(picture)
        return True
    except Image.DecompressionBombError:
        return True
    except Exception:  # Pillow raises nearly anything for damaged files
        return False


def _decode(picture: Image.Image) -> None:
    left = MOST_PIXELS
    for frame in itertools.count():
        try:
            picture.seek(frame)
        except EOFError:
            return
        left -= max(LEAST_FRAME, picture.width * picture.height)
        if left < 0:
            return
        picture.load()


def _png(content: bytes) -> bool:
    """All parts with their sums, of the frames too that are not decoded, and no more pixels than there is data for."""
    place, data = 8, 0
    while place + 12 <= len(content):
        name, end = content[place + 4 : place + 8], place + 8 + _big(content, place, 4)
        if zlib.crc32(memoryview(content)[place + 4 : end]) != _big(content, end, 4):
            return False
        data += (end - place - 8) * (name == b"IDAT")
        place = end + 4
        if name == b"IEND":
            return place <= len(content) and data * MOST_PACKED >= _png_bytes(content) and _decoded(content)
    return False


def _png_bytes(content: bytes) -> int:
    """How large the pixels are, at least, that the header of a PNG tells of."""
    channels = {2: 3, 4: 2, 6: 4}.get(content[25], 1)
    return _big(content, 20, 4) * (_big(content, 16, 4) * content[24] * channels // 8)


def _riff(content: bytes) -> bool:
    return 8 + _little(content, 4, 4) <= len(content)


def _webp(content: bytes) -> bool:
    return _riff(content) and _decoded(content)


def _gif(content: bytes) -> bool:
    return content.rstrip(b"\0").endswith(b";") and _decoded(content)


def _jpeg(content: bytes) -> bool:
    return b"\xff\xd9" in content[2:] and _decoded(content)


def _bmp(content: bytes) -> bool:
    return _little(content, 2, 4) <= len(content) and _decoded(content)


def _svg(content: bytes) -> bool:
    return content.rstrip().endswith((b"</svg>", b"</svg:svg>", b"-->"))


# Videos.


def _boxes(content: bytes) -> bool:
    """ISO media (MP4, MOV, AVIF): its boxes fill the file, and among them are what tells where everything is, and that."""
    place, names = 0, set()
    while place + 8 <= len(content):
        size, name, least = _big(content, place, 4), content[place + 4 : place + 8], 8
        if size == 1:
            size, least = _big(content, place + 8, 8), 16
        if size == 0:  # to the end of the file
            size = len(content) - place
        if size < least:
            return False
        names.add(name)
        place += size
    return place == len(content) and b"mdat" in names and bool(names & {b"moov", b"meta"})


def _matroska(content: bytes) -> bool:
    """WebM and Matroska: the segment ends with the file; where its size is not told, its last cluster does."""
    place = 0
    while place < len(content):
        name, place = _variable(content, place, keep_mark=True)
        size, after = _variable(content, place)
        unknown = size == (1 << 7 * (after - place)) - 1
        # A segment, or a cluster in one, without a size: what is in it follows.
        place = after if unknown and name in (0x18538067, 0x1F43B675) else after + size
    return place == len(content)


def _variable(content: bytes, place: int, *, keep_mark: bool = False) -> tuple[int, int]:
    """A number of EBML, and the place after it."""
    first = content[place]
    length = 9 - first.bit_length()
    if length > 8 or place + length > len(content):
        raise ValueError
    number = _big(content, place, length)
    return number if keep_mark else number & ((1 << 7 * length) - 1), place + length


def _big(content: bytes, place: int, length: int) -> int:
    return int.from_bytes(content[place : place + length], "big")


def _little(content: bytes, place: int, length: int) -> int:
    return int.from_bytes(content[place : place + length], "little")


def _is_svg(content: bytes) -> bool:
    return b"<svg" in content[:4096] and content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def _begins(*magic: bytes, at: int = 0) -> Callable[[bytes], bool]:
    return lambda content: content.startswith(magic, at)


# (kind, whether a file begins so, whether it is whole); the first that fits counts.
FORMS: tuple[tuple[str, Callable[[bytes], bool], Callable[[bytes], bool]], ...] = (
    ("picture", _begins(b"\x89PNG\r\n\x1a\n"), _png),
    ("picture", _begins(b"\xff\xd8\xff"), _jpeg),
    ("picture", _begins(b"WEBP", at=8), _webp),
    ("picture", _begins(b"GIF87a", b"GIF89a"), _gif),
    ("picture", _begins(b"BM"), _bmp),
    ("picture", _begins(b"II*\0", b"MM\0*"), _decoded),
    ("picture", _begins(b"ftypavif", b"ftypavis", b"ftypheic", b"ftypmif1", at=4), _boxes),
    ("picture", _is_svg, _svg),
    ("video", _begins(b"ftyp", b"moov", b"mdat", b"wide", b"free", at=4), _boxes),
    ("video", _begins(b"\x1a\x45\xdf\xa3"), _matroska),
    ("video", _begins(b"AVI ", at=8), _riff),
)
