"""Pictures to learn from: what is known of a file after one look, and its pixels at the size at which they are learned."""

from __future__ import annotations

import io
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ...common.digests import sha256
from ...common.file_stamp import FileStamp, file_stamp
from ...common.picture_files import read_picture
from ...preprocessors.images.map_check.transparency import opaque
from ...preprocessors.images.resize import resized_map
from ...preprocessors.images.tensors import to_rgb

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

Size = tuple[int, int]
_LOOKED_AT = 512  # pixels of the longer side at which sharpness is measured
_SMALL = 16
_KEPT = 20_000  # files whose facts are kept: about 1 kB each


@dataclass(frozen=True)
class PictureFacts:
    """What one look at a picture file tells.

    height, width: in pixels, turned as its EXIF data says; digest: SHA-256 of the file; outline: 64 bits, which of two neighbours
    is brighter on a grid of 8x8 (a difference hash); small: its colours on a grid of 16x16, RGB bytes; contrast: between the
    extremes of its most varied channel, 0 to 255; sharpness: variance of the Laplacian of its brightness in 0..255, the longer
    side at 512.
    """

    height: int
    width: int
    digest: str
    outline: int
    small: bytes
    contrast: int
    sharpness: float

    @property
    def size(self) -> Size:
        """(height, width)"""
        return self.height, self.width


def facts_of(path: Path) -> PictureFacts:
    """Kept until the file changes. Raises PictureError for what is no picture, OSError for a file that cannot be read."""
    return _facts(file_stamp(path))


@lru_cache(maxsize=_KEPT)
def _facts(stamp: FileStamp) -> PictureFacts:
    from PIL import Image

    content = Path(stamp[0]).read_bytes()
    with read_picture(io.BytesIO(content)) as opened:
        picture = _upright(opened)
    width, height = picture.size
    picture = picture.convert("RGB")
    extremes: Any = picture.getextrema()
    contrast = max(high - low for low, high in extremes)
    picture.thumbnail((_LOOKED_AT, _LOOKED_AT), Image.Resampling.BOX)
    grey = picture.convert("L")
    grid = np.asarray(grey.resize((9, 8), Image.Resampling.BOX)).astype(int)
    outline = int("".join("01"[int(bit)] for bit in (grid[:, 1:] > grid[:, :-1]).ravel()), 2)
    small = picture.resize((_SMALL, _SMALL), Image.Resampling.BOX).tobytes()
    return PictureFacts(height, width, sha256(content), outline, small, contrast, _sharpness(grey))


def _sharpness(grey: Picture) -> float:
    values = np.asarray(grey, dtype=np.float32)
    if min(values.shape) < 3:
        return 0.0
    middle = values[1:-1, 1:-1]
    around = values[:-2, 1:-1] + values[2:, 1:-1] + values[1:-1, :-2] + values[1:-1, 2:]
    return float((around - 4 * middle).var())


def picture_at(path: Path, size: Size) -> torch.Tensor:
    """[1,H,W,3] in 0..1: as large as covers the size, and its middle; transparency on white. Raises as `facts_of` does."""
    import comfy.utils

    pixels = _middle(to_rgb(_pixels(path)).movedim(-1, 1), size)
    height, width = size
    method = "area" if pixels.shape[-2] >= height and pixels.shape[-1] >= width else "lanczos"
    return comfy.utils.common_upscale(pixels, width, height, method, "disabled").movedim(1, -1).clamp(0, 1)


def map_at(path: Path, size: Size) -> torch.Tensor:
    """The same of a map, resized as its kind allows; transparency on the ground of its kind."""
    maps, _ = opaque(_pixels(path), None)
    return resized_map(_middle(maps.movedim(-1, 1), size), size).movedim(1, -1).clamp(0, 1)


def _middle(pixels: torch.Tensor, size: Size) -> torch.Tensor:
    """The largest part of pixels [1,C,h,w] that has the aspect of (height, width), from the middle."""
    height, width = pixels.shape[-2:]
    tall, wide = min(height, round(width * size[0] / size[1])), min(width, round(height * size[1] / size[0]))
    tall, wide = max(1, tall), max(1, wide)
    top, left = (height - tall) // 2, (width - wide) // 2
    return pixels[..., top : top + tall, left : left + wide]


def _pixels(path: Path) -> torch.Tensor:
    """[1,H,W,3|4] in 0..1, with its transparency where it has any."""
    with read_picture(path) as opened:
        values = np.array(_upright(opened), dtype=np.float32)
    return torch.from_numpy(values / 255).unsqueeze(0)


def _upright(picture: Picture) -> Picture:
    """Turned as its EXIF data says, as RGB, or RGBA where it has transparency, of 8 bits."""
    from PIL import Image, ImageOps

    with suppress(Exception):  # Pillow raises nearly anything for damaged EXIF data
        picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I"):  # 16 bits, which Pillow would cut off and not scale
        picture = Image.fromarray((np.asarray(picture).astype(np.float32) / 257).round().clip(0, 255).astype(np.uint8))
    transparent = "A" in picture.getbands() or "transparency" in picture.info
    return picture.convert("RGBA" if transparent else "RGB")
