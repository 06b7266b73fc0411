"""The control object of a union signal: the host's ControlNet, whose network takes several maps in a pass."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import comfy.model_management
import comfy.model_patcher
import comfy.utils
import torch
from comfy.controlnet import ControlNet

from .balance import mask_of
from .map_feed import Call, MapFeed
from .signal import ControlSignal
from .union_forward import Part, UnionForward


class UnionNet(ControlNet):
    """A copy of a union net for several maps; the network itself is shared with the net that was loaded."""

    control_model: Any  # a UnionForward

    @staticmethod
    def of(net: ControlNet) -> UnionNet:
        made = UnionNet(
            None,
            global_average_pooling=net.global_average_pooling,
            load_device=net.load_device,
            manual_cast_dtype=net.manual_cast_dtype,
        )
        network: Any = net.control_model
        made.control_model = UnionForward(network.network if isinstance(network, UnionForward) else network)
        made.control_model_wrapped = net.control_model_wrapped
        net.copy_to(made)
        return made

    def copy(self) -> UnionNet:
        return UnionNet.of(self)

    def deepclone_multigpu(self, load_device: torch.device, autoregister: bool = False) -> UnionNet:
        clone = self.copy()
        network = copy.deepcopy(self.control_model.network)
        clone.control_model = UnionForward(network)
        clone.control_model_wrapped = comfy.model_patcher.ModelPatcher(
            network, load_device=load_device, offload_device=comfy.model_management.unet_offload_device()
        )
        if autoregister:
            self.multigpu_clones[load_device] = clone
        return clone

    @property
    def acting(self) -> tuple[int, ...]:
        """Types of the maps of the next call."""
        return tuple(part.type for part in self.control_model.parts)

    def get_control(self, *arguments: Any) -> Any:
        """A single map has its weight on the residuals, as every signal has; several have theirs on the maps."""
        parts, whole = self.control_model.parts, self.strength
        self.strength = whole * parts[0].weight if len(parts) == 1 else whole
        try:
            return super().get_control(*arguments)
        finally:
            self.strength = whole


class _Slot:
    """What a `MapFeed` hands the map of one part to."""

    def __init__(self, inner: ControlNet) -> None:
        self.compression_ratio = inner.compression_ratio
        self.vae = inner.vae
        self.cond_hint_original: torch.Tensor | None = None


class UnionFeed:
    """Sets maps and parts of the inner net before each call: of the parts that act at that progress."""

    def __init__(self, inner: UnionNet, parts: Sequence[ControlSignal], label: str) -> None:
        self.inner = inner
        self.parts = parts
        self._feeds = [
            MapFeed(_Slot(inner), part, f"{label}, map {number}") for number, part in enumerate(parts, start=1)
        ]
        self._given: Any = None

    def reset(self, _image: torch.Tensor | None) -> None:
        """Forget everything of a sampling."""
        for feed in self._feeds:
            feed.reset(None)
        self._given = None
        self.inner.control_model.parts = ()

    def prepare(self, _image: torch.Tensor, call: Call) -> None:
        """Raises ValueError when the number of a part's maps fits neither batch nor clip."""
        acting = [number for number, part in enumerate(self.parts) if part.weight_at(call.progress) > 0]
        self.inner.control_model.parts = [self._part(self.parts[number], call) for number in acting]
        for number in acting:
            self._feeds[number].prepare(_first_to_last(self.parts[number].image), call)
        key = (tuple(acting), tuple(self._feeds[number].given for number in acting))
        if key != self._given:
            self._given = key
            self.inner.cond_hint_original = self._side_by_side(acting, call)
            self.inner.cond_hint = None

    def _part(self, part: ControlSignal, call: Call) -> Part:
        kind = part.control_net.extra_args["control_type"][0]
        return Part(kind, part.weight_at(call.progress), mask_of(part, call.view, call.latent, call.areas))

    def _side_by_side(self, acting: Sequence[int], call: Call) -> torch.Tensor:
        """The maps at the net's size, [B,3*parts,H,W]; resized as the host resizes the one map of a net."""
        height, width = self._feeds[acting[0]].size(call.latent)
        maps = [
            comfy.utils.common_upscale(
                self._feeds[number].inner.cond_hint_original, width, height, self.inner.upscale_algorithm, "center"
            )
            for number in acting
        ]
        pictures = max(one.shape[0] for one in maps)
        return torch.cat([one.expand(pictures, -1, -1, -1) for one in maps], dim=1)


def _first_to_last(image: torch.Tensor) -> torch.Tensor:
    """[B,H,W,C] -> [B,C,H,W]"""
    return image.movedim(-1, 1)
