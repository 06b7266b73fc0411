"""The patch that adds a control map to the tokens of a transformer, for one call of it.

Layout, site and addition are our own: nothing has been published for transformers. A token of the picture stands for a patch of
cells of the latent. The map is brought to that grid by averaging, and added to the picture's tokens behind the first block:
h' = h + multiplier * A(h, c), see `addition`, with statistics over tokens and channels together where those of a UNet are over
space and channels. What comes beside the picture's tokens stays as it is: text, reference pictures, and padding.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import adaptive_avg_pool2d, pad

from ..guidance.regions import resized_mask
from ..guidance.uncompiled import run_uncompiled
from .addition import Fitting
from .injection import ControlAddition
from .variants import Base, Place

# The hooks behind a block. The host has a list of patches for some of its transformers, which several nodes share; for the
# others one replacement for each block, in which we stand around what is there.
_LISTS: tuple[Base, ...] = ("z_image", "qwen_image")
_WRITTEN_BACK: Base = "z_image"  # the host writes what a patch gives into the tensor that it gave a view of


class TokenGrid:
    """The tokens of a picture: frames x rows x columns, one for each patch of the latent."""

    def __init__(self, latent: torch.Tensor, patch: int) -> None:
        """latent: [B,C,h,w], or [B,C,frames,h,w]; patch: side in cells."""
        self.cells = (latent.shape[-2], latent.shape[-1])
        self.frames = latent.shape[2] if latent.ndim == 5 else 1
        self.patch = patch
        self.rows, self.columns = (-(-side // patch) for side in self.cells)

    @property
    def count(self) -> int:
        return self.frames * self.rows * self.columns

    def pooled(self, cells: torch.Tensor) -> torch.Tensor:
        """A map of the latent's cells [B,C,h,w] at the grid, [B,C,frames*rows,columns]: each token the mean of its own cells.

        A patch that hangs over the edge repeats the last cells, as nothing is known of what it has more.
        """
        height, width = cells.shape[-2:]
        over = (0, self.columns * self.patch - width, 0, self.rows * self.patch - height)
        if (height, width) == self.cells and any(over):
            cells = pad(cells, over, mode="replicate")
        return adaptive_avg_pool2d(cells.float(), (self.rows, self.columns)).repeat(1, 1, self.frames, 1)

    def picture(self, tokens: torch.Tensor) -> torch.Tensor:
        """[B,N,C] -> [B,C,frames*rows,columns]."""
        return tokens.transpose(1, 2).unflatten(2, (self.frames * self.rows, self.columns))


class TokenAddition(ControlAddition):
    """The same for tokens. control: [1 or images,C,h,w] of the latent's cells, mask: [1, images or chunks*images,1,h,w] or None.

    base: which of the host's hooks it hangs in.
    """

    def __init__(
        self,
        control: torch.Tensor,
        fitting: Fitting,
        multipliers: tuple[float, ...],
        place: Place,
        base: Base,
        latent: torch.Tensor,
        mask: torch.Tensor | None = None,
    ) -> None:
        self.grid = TokenGrid(latent, place.patch)
        self.base = base
        if mask is not None:
            mask = self.grid.pooled(resized_mask(mask, self.grid.cells))
        super().__init__(self.grid.pooled(control), fitting, multipliers, place.block, mask)

    def add_to(self, tokens: torch.Tensor) -> torch.Tensor:
        """tokens: [B,N,C], those of the picture in front. Raises ValueError where there are fewer than it has."""
        count = self.grid.count
        if tokens.shape[1] < count:
            raise ValueError(
                f"ControlNeXt adds its map to the {count} tokens of a latent of {self.grid.cells[1]}x{self.grid.cells[0]}, "
                f"and the model has {tokens.shape[1]} there: another node merges or drops tokens. Take that node out."
            )
        changed = self.add(self.grid.picture(tokens[:, :count])).flatten(2).transpose(1, 2)
        return changed if tokens.shape[1] == count else torch.cat((changed, tokens[:, count:]), 1)

    def install(self, transformer_options: dict[str, Any]) -> None:
        """Into the options of this call alone; lists and dicts that others may hold are replaced, not changed."""
        if self.base in _LISTS:
            patches = transformer_options.get("patches", {})
            behind = BehindBlock(self)
            transformer_options["patches"] = {**patches, "double_block": [*patches.get("double_block", ()), behind]}
        else:
            replaced = transformer_options.get("patches_replace", {})
            blocks = replaced.get("dit", {})
            around = AroundBlock(self, blocks.get(self.block))
            transformer_options["patches_replace"] = {**replaced, "dit": {**blocks, self.block: around}}
        run_uncompiled(transformer_options)


class BehindBlock:
    """Called by the host behind every block."""

    def __init__(self, addition: TokenAddition) -> None:
        self.addition = addition

    @torch.compiler.disable
    def __call__(self, given: dict[str, Any]) -> dict[str, Any]:
        addition = self.addition
        is_view = addition.base == _WRITTEN_BACK
        if given["block_index"] != addition.block[1]:
            return {} if is_view else {"img": given["img"], "txt": given["txt"]}
        # What a gradient is computed from is not to be written over.
        tokens = given["img"].clone() if is_view and torch.is_grad_enabled() else given["img"]
        changed = addition.add_to(tokens)
        return {"img": changed} if is_view else {"img": changed, "txt": given["txt"]}


class AroundBlock:
    """Called by the host in place of its block. inner: what another node, or another control, has put there, or None."""

    def __init__(self, addition: TokenAddition, inner: Any = None) -> None:
        self.addition, self.inner = addition, inner

    @torch.compiler.disable
    def __call__(self, given: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
        made = extra["original_block"](given) if self.inner is None else self.inner(given, extra)
        return {**made, "img": self.addition.add_to(made["img"])}
