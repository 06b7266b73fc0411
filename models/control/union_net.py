"""The control object of a union signal: the host's ControlNet, whose network takes several maps in a pass."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import comfy.model_management
import comfy.model_patcher
import comfy.utils
import torch
from comfy.controlnet import ControlNet

from ..guidance.regions import on_grid
from .image_feed import Call, MapFeed
from .residuals import mask_of
from .signal import ControlSignal

# One pass of a union net over several maps of different kinds, as the authors of ControlNetPlus compute it.
#
# Source: ControlNetPlus (xinsir6), `ControlNetUnion.forward`, and `ControlNetUnionModel` of diffusers, which adds a weight for
# each map. With E the map's embedding, t the embedding of its type, T the condition transformer and P the projection,
#
#     hint = sum over the maps of  w * (E(map) + P(T(w * (mean(E(map)) + t))))
#
# is added behind the first block, and the flags of all types together to the time embedding. Their transformer is called with the
# maps where it expects the batch, so the maps never see one another in it; each goes through alone here as well.


@dataclass(frozen=True, eq=False)
class Part:
    """One map in a pass: number of its type, weight, and where it counts, [1 or B,H,W] in 0..1."""

    type: int
    weight: float = 1.0
    mask: torch.Tensor | None = None


class UnionForward:
    """Stands where the host's ControlNet object has its network, and calls that network's own layers.

    parts: of the next call; its hint holds their maps one after the other in the channels, [B,3*parts,H,W].
    """

    def __init__(self, network: Any) -> None:
        self.network = network
        self.parts: Sequence[Part] = ()

    @property
    def dtype(self) -> torch.dtype:
        return self.network.dtype

    def __call__(
        self, x: torch.Tensor, hint: torch.Tensor, timesteps: torch.Tensor, context: torch.Tensor, **extra: Any
    ) -> dict[str, list[torch.Tensor]]:
        """Residuals, as the network gives them for one map. A single map without a mask is left to the network itself."""
        extra.pop("control_type", None)
        types = [part.type for part in self.parts]
        if len(self.parts) == 1 and self.parts[0].mask is None:
            return self.network(x=x, hint=hint, timesteps=timesteps, context=context, control_type=types, **extra)
        emb = self._time_embedding(timesteps, types, x.dtype, extra.get("y"))
        maps = hint.chunk(len(self.parts), dim=1)
        fused = [self._fused(one, part, emb, context, x) for one, part in zip(maps, self.parts, strict=True)]
        return self._residuals(x, torch.stack(torch.broadcast_tensors(*fused)).sum(0), emb, context)

    def _time_embedding(
        self, timesteps: torch.Tensor, types: list[int], dtype: torch.dtype, y: torch.Tensor | None
    ) -> torch.Tensor:
        from comfy.ldm.modules.diffusionmodules.util import timestep_embedding

        network = self.network
        emb = network.time_embed(timestep_embedding(timesteps, network.model_channels, repeat_only=False).to(dtype))
        emb = emb + network.control_add_embedding(types, emb.dtype, emb.device)
        if network.num_classes is None:
            return emb
        if y is None:
            raise ValueError(
                "This union control net is made for SDXL, but the model being sampled gives it no pooled prompt (y). "
                "Load an SDXL checkpoint, or a union net of your model's family."
            )
        return emb + network.label_emb(y)

    def _fused(
        self, image: torch.Tensor, part: Part, emb: torch.Tensor, context: torch.Tensor, x: torch.Tensor
    ) -> torch.Tensor:
        """What one map adds behind the first block, [B,C,h,w]."""
        network, weight = self.network, part.weight if len(self.parts) > 1 else 1.0
        embedded = network.input_hint_block(image, emb, context)
        task = network.task_embedding[part.type].to(dtype=embedded.dtype, device=embedded.device)
        token = (embedded.mean(dim=(2, 3)) + task).unsqueeze(1) * weight
        bias = network.spatial_ch_projs(network.transformer_layes(token)[:, 0])
        fused = (embedded + bias[..., None, None]) * weight
        if part.mask is None:
            return fused
        return fused * on_grid(part.mask, fused.shape[-2], fused.shape[-1], x).unsqueeze(1)

    def _residuals(
        self, x: torch.Tensor, fused: torch.Tensor, emb: torch.Tensor, context: torch.Tensor
    ) -> dict[str, list[torch.Tensor]]:
        network, h = self.network, x
        outputs: list[torch.Tensor] = []
        for number, (block, zero_conv) in enumerate(zip(network.input_blocks, network.zero_convs, strict=True)):
            h = block(h, emb, context)
            if number == 0:
                h = h + fused
            outputs.append(zero_conv(h, emb, context))
        h = network.middle_block(h, emb, context)
        return {"middle": [network.middle_block_out(h, emb, context)], "output": outputs}


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
        acting = [number for number, part in enumerate(self.parts) if part.weight_at(call.at) > 0]
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
        return Part(kind, part.weight_at(call.at), mask_of(part, call.view, call.latent, call.areas))

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
