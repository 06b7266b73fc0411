"""A host's model patch inside one call of the network: what it adds, times the weights of this call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from einops import rearrange
from torch.nn.functional import pad

from ...guidance.regions import on_grid

PATCH_SIZE = 2  # pixels of the latent in a token, each way, in every transformer here


@dataclass(frozen=True, eq=False)
class Weights:
    """strength: of the whole, which the host's patch applies itself; items: [B], factor of each picture in each chunk, or
    None; mask: [1 or B,H,W] in 0..1 over the latent, or None; frames: [T], factor of each frame of the latent, or None.
    latent: the call's, [B,C,...,H,W]. saw: told what the patch adds, in the first block alone or, where thorough, in all.
    """

    strength: float
    items: torch.Tensor | None
    mask: torch.Tensor | None
    frames: torch.Tensor | None
    latent: torch.Tensor
    saw: Callable[[torch.Tensor], None]
    thorough: bool = False

    def looks_at(self, block: int) -> bool:
        """Whether `saw` is to be told of this block."""
        return self.thorough or block == 0

    @property
    def shapes(self) -> bool:
        """Whether anything but the strength acts."""
        return self.items is not None or self.mask is not None or self.frames is not None

    def of(self, tokens: torch.Tensor, offset: int = 0, grid: tuple[int, int] | None = None) -> torch.Tensor:
        """The factor of each of the tokens [B,N,C] as [1 or B,1 or N,1]. offset: tokens in front of the picture's own; those in
        front and behind have none. grid: rows and columns of the tokens, where they are no patches of two by two.
        """
        factor = torch.ones(1, 1, 1).to(tokens) if self.items is None else self.items.to(tokens).reshape(-1, 1, 1)
        if self.mask is None and self.frames is None:
            return factor
        rows, columns = grid or [-(-side // PATCH_SIZE) for side in self.latent.shape[-2:]]
        count = self.latent.shape[2] if self.latent.ndim == 5 else 1
        cells = tokens.new_ones(1, rows, columns) if self.mask is None else on_grid(self.mask, rows, columns, tokens)
        of_frames = tokens.new_ones(count) if self.frames is None else self.frames.to(tokens)
        flat = rearrange(cells[:, None] * of_frames[:, None, None], "b t h w -> b (t h w) 1")
        return factor * pad(flat, (0, 0, offset, max(0, tokens.shape[1] - offset - flat.shape[1])))

    def between(
        self, before: torch.Tensor, after: torch.Tensor, offset: int = 0, grid: tuple[int, int] | None = None
    ) -> torch.Tensor:
        """What is left of a change of tokens [B,N,C] or [B,T,H,W,C]."""
        flat = before.flatten(1, -2)
        return torch.lerp(flat, after.reshape(flat.shape), self.of(flat, offset, grid)).reshape(before.shape)


class Weighted:
    """Around one of the host's patches, whose strength is that of the call."""

    def __init__(self, patch: Any, weights: Weights) -> None:
        self.patch = patch
        self.weights = weights

    def _set_strength(self) -> None:
        getattr(self.patch, "patch", self.patch).strength = self.weights.strength


class WeightedBlock(Weighted):
    """Behind a block: what is added to the picture's tokens."""

    # Opaque to torch.compile, as all here: a traced one would keep its weight for ever.
    @torch.compiler.disable
    def __call__(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """given: img [B,N,C] and more, as the host hands them over."""
        weights, image = self.weights, given["img"]
        self._set_strength()
        looks = weights.looks_at(given["block_index"])
        before = image.clone() if weights.shapes or looks else None
        out = self.patch(dict(given))
        after = out.get("img", image)  # some work in place and take the picture out of their answer
        if before is not None and looks:
            weights.saw(after - before)
        if before is not None and weights.shapes:
            after = weights.between(before, after, given.get("img_offset", 0))
        return {**given, **out, "img": after}


class Unweighted(Weighted):
    """Before the blocks: what only prepares."""

    @torch.compiler.disable
    def __call__(self, given: dict[str, Any]) -> Any:
        self._set_strength()
        return self.patch(given)


class WeightedAttention(Weighted):
    """Before an attention: what its queries, keys and values are changed by."""

    @torch.compiler.disable
    def __call__(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, **named: Any) -> dict[str, Any]:
        """q, k, v: [B,N,D] as the host hands them over."""
        self._set_strength()
        weights = self.weights
        out = self.patch(q, k, v, **named)
        looks = weights.looks_at(named["extra_options"]["block_index"])
        for name, before in (("q", q), ("k", k), ("v", v)):
            if out[name] is before:
                continue
            if looks:
                weights.saw(out[name] - before)
            if weights.shapes:
                out[name] = weights.between(before, out[name])
        return out


class WeightedMLP(Weighted):
    """Before a feed-forward layer: what its input is changed by."""

    @torch.compiler.disable
    def __call__(self, given: dict[str, Any]) -> dict[str, Any]:
        """given: x [B,T,H,W,C] and more."""
        self._set_strength()
        weights, before = self.weights, given["x"]
        out = self.patch(dict(given))
        if weights.looks_at(given["transformer_options"]["block_index"]):
            weights.saw(out["x"] - before)
        if weights.shapes and out["x"] is not before:
            out["x"] = weights.between(before, out["x"])
        return out


# By the host's name for the place of a patch.
PLACES: Mapping[str, type[Weighted]] = {
    "post_input": Unweighted,
    "noise_refiner": WeightedBlock,
    "double_block": WeightedBlock,
    "attn1_patch": WeightedAttention,
    "attn2_patch": WeightedAttention,
    "mlp_patch": WeightedMLP,
}
