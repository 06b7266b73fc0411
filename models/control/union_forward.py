"""One pass of a union net over several maps of different kinds, as the authors of ControlNetPlus compute it.

Source: ControlNetPlus (xinsir6), `ControlNetUnion.forward`, and `ControlNetUnionModel` of diffusers, which adds a weight for each
map. With E the map's embedding, t the embedding of its type, T the condition transformer and P the projection,

    hint = sum over the maps of  w * (E(map) + P(T(w * (mean(E(map)) + t))))

is added behind the first block, and the flags of all types together to the time embedding. Their transformer is called with the
maps where it expects the batch, so the maps never see one another in it; each goes through alone here as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from .masking import on_grid


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
