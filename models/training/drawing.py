"""Drawing pictures of a set in the middle of a training, always from the same noise, and laying them on a sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import comfy.sample
import torch

from ...preprocessors.images.canvas import as_image
from ...preprocessors.images.picture_sheet import Sheet
from ...preprocessors.images.tensors import to_uint8
from .lessons import Lessons

_SEED = 7
_SIDE, _GAP, _LINE = 192, 6, 26  # pixels of the sheet


@dataclass(frozen=True)
class Drawing:
    """How the held-out pictures are drawn."""

    steps: int = 12
    cfg: float = 4.0
    sampler: str = "euler"
    scheduler: str = "normal"


class Drawer:
    """Draws what the captions of a set say."""

    def __init__(self, lessons: Lessons, how: Drawing, vae: Any) -> None:
        self._lessons, self._how, self._vae = lessons, how, vae

    def prompts(self, number: int) -> tuple[Any, Any]:
        """Positive and negative CONDITIONING of a picture of the set."""
        return self._lessons.text(self._lessons.set.examples[number].caption), self._lessons.text("")

    def draw(self, model: Any, positive: Any, negative: Any, number: int) -> torch.Tensor:
        """[H,W,3] in 0..1, of the size of a picture of the set; always the same noise for a picture."""
        start = torch.zeros_like(self._lessons.latents[number])[None]
        noise = torch.randn(start.shape, generator=torch.Generator().manual_seed(_SEED + number))
        how = self._how
        latent = comfy.sample.sample(
            model, noise, how.steps, how.cfg, how.sampler, how.scheduler, positive, negative, start,
            seed=_SEED + number, disable_pbar=True,
        )  # fmt: skip
        pictures = self._vae.decode(latent)
        return pictures.reshape(-1, *pictures.shape[-3:])[0].float().clamp(0, 1)


def picture_table(heads: Sequence[str], rows: Sequence[Sequence[torch.Tensor | None]]) -> torch.Tensor:
    """IMAGE [1,H,W,3]: rows of pictures [h,w,C] under the heads of their columns; None leaves a place empty."""
    sheet = Sheet(len(heads) * (_SIDE + _GAP) + _GAP, _LINE + max(1, len(rows)) * (_SIDE + _GAP) + _GAP)
    for column, head in enumerate(heads):
        sheet.words(_GAP + column * (_SIDE + _GAP) + _SIDE // 2, _LINE // 2, head, 13)
    for row, pictures in enumerate(rows):
        for column, picture in enumerate(pictures):
            if picture is not None:
                place = (_GAP + column * (_SIDE + _GAP), _LINE + row * (_SIDE + _GAP))
                sheet.put(_square(picture), *place, _SIDE)
    return as_image(sheet.image)


def preview(rows: Sequence[Sequence[torch.Tensor]]) -> Any:
    """Rows of pictures [H,W,3] as one picture of Pillow, for the node while it runs."""
    from PIL import Image

    size = rows[0][0].shape[:2]
    return Image.fromarray(to_uint8(torch.cat([torch.cat([_fitted(one, size) for one in row], 1) for row in rows], 0)))


def _fitted(picture: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
    return torch.nn.functional.interpolate(picture.movedim(-1, 0)[None], tuple(size))[0].movedim(0, -1)


def _square(picture: torch.Tensor) -> Any:
    from PIL import Image

    small = Image.fromarray(to_uint8(picture[..., :3]))
    small.thumbnail((_SIDE, _SIDE))
    if max(small.size) == _SIDE:
        return small
    return small.resize((_SIDE * small.width // max(small.size), _SIDE * small.height // max(small.size)))
