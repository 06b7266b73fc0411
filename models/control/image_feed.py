"""Handing a signal's maps to its control net: fitted to the picture, and those of the frames that a call sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ...preprocessors.images.map_values import told_mixture, values_of_each
from ...preprocessors.images.tags import tag_of
from ..controlnext.control import ControlNeXt
from ..guidance.batch_view import BatchView
from ..guidance.foreign_windows import tell_window
from ..guidance.progress import Progress
from ..guidance.regions import Area, map_in_area
from ..host import tell
from .fit import aspects_differ, describe_fit, fitted, host_crops_all
from .inpaint import mask_follows
from .residuals import reads_clip
from .signal import ControlSignal

# What a control net derives from its image and keeps between calls.
_DERIVED = ("cond_hint", "control_input", "made")
# Of that, put aside for windows that come again. Some schedules move all windows from step to step, so that none does.
SET_ASIDE_BYTES = 512 * 1024**2

_Key = tuple[tuple[int, int], tuple[int, ...] | None]


@dataclass(frozen=True, eq=False)
class Call:
    """One call of the network: latent [B,...,H,W], its pictures, the area of each chunk, and how far the sampling is."""

    latent: torch.Tensor
    view: BatchView
    areas: Sequence[Area | None]
    at: Progress


class MapFeed:
    """Sets the image of the inner control net before each call.

    The inner net brings the image to its own size, as the host does; what it derived for one context window is put aside when
    the next comes, so that nothing is resized (or encoded) twice in a sampling, unless it is more than `SET_ASIDE_BYTES`.
    """

    def __init__(self, inner: Any, signal: ControlSignal, label: str) -> None:
        self.inner = inner
        self.signal = signal
        self.label = label
        self._given: _Key | None = None
        self._set_aside: dict[_Key, dict[str, Any]] = {}
        self._fitted: dict[tuple[int, int], torch.Tensor] = {}
        self._told = False
        self._told_of_area = False

    def reset(self, image: torch.Tensor | None) -> None:
        """Forget everything of a sampling; image: [B,C,H,W] as it came, which the inner net gets back."""
        self.inner.cond_hint_original = image
        self._given = None
        self._set_aside.clear()
        self._fitted.clear()
        self._told = self._told_of_area = False

    @property
    def given(self) -> Any:
        """Which maps at which size the net has now."""
        return self._given

    def prepare(self, image: torch.Tensor, call: Call) -> None:
        """image: all maps [B,C,H,W] as they came. Raises ValueError when their number fits neither batch nor clip."""
        whole_clip = reads_clip(self.inner)  # whose frames it chooses itself
        # A map for each mask of a place to paint: those are what the person counts.
        counted = "control image" if image.shape[0] == self.signal.image.shape[0] else "inpaint mask"
        rows = None if whole_clip else call.view.rows_of(image.shape[0], self.label, counted)
        reads_windows = tell_window(self.inner, call.view.foreign_frames, call.view.total)
        if isinstance(self.inner, ControlNeXt) or reads_windows:
            rows = None  # it chooses the maps of a window itself: ControlNeXt for its rule on the first one
        key = (self.size(call.latent), rows)
        if key == self._given:
            return
        self._tell_of_area(key[0], call.areas)
        self._put_aside()
        self._given = key
        whole = self._in_shape(image, key[0])
        self.inner.cond_hint_original = whole if rows is None else whole[list(rows)]
        mask_follows(self.inner, self.signal, image, None if whole is image else key[0], rows)
        for name, value in self._set_aside.get(key, dict.fromkeys(_DERIVED)).items():
            if hasattr(self.inner, name):
                setattr(self.inner, name, value)

    def _tell_of_area(self, size: tuple[int, int], areas: Sequence[Area | None]) -> None:
        """Once in a sampling: where areas are not known, maps of two sizes give them away."""
        area = next((area for area in areas if area is not None), None)
        resized = self._given is not None and self._given[0] != size
        if (area is not None or resized) and not self._told_of_area:
            self._told_of_area = True
            tell(f"{self.label}: {map_in_area(area)}")

    def _put_aside(self) -> None:
        """What is derived now, unless that of other windows takes all the room."""
        if self._given is None:
            return
        derived = {name: getattr(self.inner, name, None) for name in _DERIVED}
        others = (kept for key, kept in self._set_aside.items() if key != self._given)
        if sum(map(_bytes, others)) + _bytes(derived) <= SET_ASIDE_BYTES:
            self._set_aside[self._given] = derived

    def size(self, latent: torch.Tensor) -> tuple[int, int]:
        """(height, width) in pixels at which the control net looks at its image."""
        scale = self.inner.compression_ratio
        if self.inner.vae is not None:
            scale *= self.inner.vae.spacial_compression_encode()
        return latent.shape[-2] * scale, latent.shape[-1] * scale

    def _in_shape(self, image: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        """The image for an area of that size: fitted where the signal wants another fit than the host's crop."""
        image_size = (image.shape[-2], image.shape[-1])
        if not aspects_differ(image_size, size):
            return image
        if not self._told:
            self._told = True
            tell(f"{self.label}: {describe_fit(image_size, size, self.signal.fit)}.")
            self._tell_of_mixture(image)
        if self.signal.fit == "crop" and not host_crops_all(image_size, size):  # what the inner net does by itself
            return image
        if size not in self._fitted:
            self._fitted[size] = fitted(image, *size, self.signal.fit, kind=tag_of(self.signal.image))
        return self._fitted[size]

    def _tell_of_mixture(self, image: torch.Tensor) -> None:
        """Where nobody said what the maps are and each was resized as what it is."""
        if self.signal.fit == "crop" or tag_of(self.signal.image) is not None:
            return
        mixture = told_mixture(values_of_each(image))
        if mixture:
            tell(f"{self.label}: {mixture}.")


def _bytes(derived: dict[str, Any]) -> int:
    made = derived.get("made") or {}  # patches of a model, with the image encoded in them
    encoded = (getattr(patch, "encoded_image", None) for patches in made.values() for patch in patches.values())
    return sum(getattr(one, "nbytes", 0) for one in (*derived.values(), *{id(one): one for one in encoded}.values()))
