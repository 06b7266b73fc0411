"""Pictures in files that anybody may have made: whole, bounded in pixels, and wrong in one kind of error."""

from collections.abc import Callable
from pathlib import Path
from typing import IO

from PIL import Image

OUTSIDE = ("EPS", "WMF", "EMF")  # their pixels are drawn by another program, Ghostscript, or by the system


class PictureError(ValueError):
    """A file that cannot be used as a picture; its text goes on after the file's name ('is not a picture ...')."""


def read_picture(file: Path | IO[bytes]) -> Image.Image:
    """The first frame of a picture file, decoded. Raises PictureError, and OSError where the file itself is not had."""
    return _opened(file, Image.Image.load)


def open_picture(file: Path | IO[bytes]) -> Image.Image:
    """A picture file of which the head alone was read; its pixels may raise nearly anything. Raises as `read_picture` does."""
    return _opened(file, lambda _picture: None)


def check_picture(file: Path) -> None:
    """Look at a picture file without decoding it. Raises what `read_picture` raises."""
    _opened(file, Image.Image.verify).close()


def _opened(file: Path | IO[bytes], look: Callable[[Image.Image], object]) -> Image.Image:
    if isinstance(file, Path):
        file.open("rb").close()  # of what this raises nothing is the picture's fault
    try:
        picture = Image.open(file)
        if picture.format in OUTSIDE:
            raise ValueError(picture.format)
        look(picture)
    except Image.DecompressionBombError:
        most = 2 * (Image.MAX_IMAGE_PIXELS or 0) // 10**6
        raise PictureError(f"has more than {most} million pixels, which is not read; scale it down.") from None
    except Exception:  # Pillow raises nearly anything for damaged files
        raise PictureError("is not a picture that can be read; save it again as PNG or JPEG.") from None
    return picture
