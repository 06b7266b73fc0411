"""A loaded control network: its weights under the host's memory management, and the maps it makes of a control image."""

from __future__ import annotations

import copy
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import comfy.model_management
import torch

from ..host import put_under_management
from .block_ending import Ending
from .cache import PREPARED_BYTES, MapCache
from .hint import resized
from .module import ControlNeXtModule, Prepared
from .variants import Variant

# The network runs in float32 whatever the UNet runs in: Cross Normalization stretches a map to the hidden state's
# contrast, and with it the rounding of a map that has little contrast of its own.
COMPUTE_DTYPE = torch.float32
_FIRST_WIDTH = 128  # channels of the widest layer, the first block
_PASS_ELEMENTS = 2**26  # of that layer in one pass: 256 MiB in float32, two images of 1024x1024 behind a stem
_LIVE_TENSORS = 5  # of that size at the peak of the first block


@dataclass(frozen=True)
class Request:
    """Which control map is wanted.

    hint: [B,3,H,W]; rows: the images of it that are used; size: (height, width) in pixels that they are brought to;
    timestep: [1] for all rows, or [rows]; moment: changes with the timestep and with the window of a long clip.
    """

    hint: torch.Tensor
    rows: tuple[int, ...]
    size: tuple[int, int]
    timestep: torch.Tensor
    moment: Hashable
    device: torch.device
    stem_padding: int


class ControlNeXtNetwork:
    """A control file in memory, shared by all copies of the CONTROL_NET that was made from it."""

    def __init__(
        self,
        module: ControlNeXtModule,
        file_name: str,
        setting: str,
        variants: tuple[Variant, ...],
        load_device: Any = None,
    ) -> None:
        self.module = module
        self.file_name = file_name
        self.setting = setting
        self.variants = variants
        self.scale = float(module.scale) if module.layout.scale else 1.0
        self.cache = MapCache()
        self.patcher = put_under_management(module, load_device)

    def for_device(self, load_device: Any) -> ControlNeXtNetwork:
        """A copy with weights of its own for another device."""
        module = copy.deepcopy(self.module)
        return ControlNeXtNetwork(module, self.file_name, self.setting, self.variants, load_device)

    def control_map(self, request: Request) -> torch.Tensor:
        """The control map [rows,C,h,w] in float32; computed once per moment, and its constant part once per sampling."""
        hint_key = self.cache.key_of(request.hint)
        key = (hint_key, request.rows, request.size, request.device, request.stem_padding)
        found = self.cache.map(request.moment, key, lambda: self._compute(request, hint_key))
        assert isinstance(found, torch.Tensor)
        return found

    def memory_required(self, hint: torch.Tensor | None) -> int:
        """Bytes needed beside the weights at the most, for an image of the hint's size."""
        if hint is None:
            return 0
        images, area = hint.shape[0], self._first_area((hint.shape[-2], hint.shape[-1]))
        one = area * _FIRST_WIDTH * COMPUTE_DTYPE.itemsize
        at_once = min(images, self._rows_per_pass((hint.shape[-2], hint.shape[-1])))
        return _LIVE_TENSORS * at_once * one + min(2 * images * one, PREPARED_BYTES)

    def _compute(self, request: Request, hint_key: Hashable) -> torch.Tensor:
        step = self._rows_per_pass(request.size)
        parts = []
        for start in range(0, len(request.rows), step):
            comfy.model_management.throw_exception_if_processing_interrupted()
            rows = request.rows[start : start + step]
            timestep = request.timestep
            if timestep.shape[0] > 1:
                timestep = timestep[start : start + step]
            prepared = self._prepared(request, rows, hint_key)
            parts.append(self.module.finish(prepared, timestep, self._endings(request)))
        return torch.cat(parts) if len(parts) > 1 else parts[0]

    def _prepared(self, request: Request, rows: tuple[int, ...], hint_key: Hashable) -> Prepared:
        def images() -> torch.Tensor:
            return resized(request.hint, rows, request.size)

        def prepare() -> Prepared:
            pixels = images() if is_right_size else self.cache.resized.get((hint_key, rows, request.size), images)
            pixels = pixels.to(device=request.device, dtype=COMPUTE_DTYPE)
            return self.module.prepare(pixels, request.stem_padding, self._endings(request))

        is_right_size = (request.hint.shape[-2], request.hint.shape[-1]) == request.size
        key = (hint_key, rows, request.size, request.device, request.stem_padding)
        return self.cache.prepared.get(key, prepare)

    def _endings(self, request: Request) -> tuple[Ending, ...]:
        like = torch.empty(0, dtype=COMPUTE_DTYPE, device=request.device)
        merged = self.module.merges(*request.size)
        return self.cache.endings((request.device, merged), lambda: self.module.endings(like, merged))

    def _first_area(self, size: tuple[int, int]) -> int:
        """Positions in the first block: half the size behind a stem."""
        height, width = size
        return -(-height // 2) * -(-width // 2) if self.module.layout.stem else height * width

    def _rows_per_pass(self, size: tuple[int, int]) -> int:
        return max(1, _PASS_ELEMENTS // (_FIRST_WIDTH * self._first_area(size)))
