"""The patch that adds a control map inside the UNet, for one call of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from comfy.patcher_extension import WrappersMP

from ..guidance.regions import resized_mask
from .addition import Fitting

_MARKER_KEY = "armature_controlnext"
# The host's list of residuals, and of patches, for each part of the UNet that a map is added in. What comes out of the
# middle block is reached where the first output block takes it in: the hook behind the middle block came with ComfyUI 0.24,
# and an older host would leave a patch there out in silence.
_PATCHES = {"input": "input_block_patch_after_skip", "middle": "output_block_patch"}
_FIRST_OUTPUT = ("output", 0)


class ControlAddition:
    """hidden state -> hidden state + multiplier * A(hidden state, control map), see `addition`.

    control: [1,C,h,w], or one map for each image of a chunk. multipliers: one factor per chunk (conditional,
    unconditional, ...) that the host runs in one batch. mask: [1, images or chunks*images,1,h,w] in 0..1,
    or None.
    The result is a new tensor: the skip connection already holds the hidden state that comes in.
    """

    def __init__(
        self,
        control: torch.Tensor,
        fitting: Fitting,
        multipliers: tuple[float, ...],
        block: tuple[str, int],
        mask: torch.Tensor | None = None,
    ) -> None:
        self.control = control
        self.fitting = fitting
        self.multipliers = multipliers
        self.block = block
        self.mask = mask

    def add(self, hidden: torch.Tensor) -> torch.Tensor:
        """hidden: [chunks*images,C,H,W]."""
        size = (hidden.shape[-2], hidden.shape[-1])
        # Chunk by chunk: statistics are per sample, and a chunk with factor 0 comes through untouched.
        chunks = hidden.chunk(len(self.multipliers))
        prepared = self.fitting.prepare(self.control, size)
        masks = self._masks(hidden.shape[0], size)
        added = [
            chunk if factor == 0.0 else self._added(chunk, prepared, factor, mask)
            for chunk, factor, mask in zip(chunks, self.multipliers, masks, strict=True)
        ]
        return added[0] if len(added) == 1 else torch.cat(added)

    def install(self, transformer_options: dict[str, Any]) -> None:
        """Into the options of one call."""
        install(transformer_options, self)

    def _masks(self, batch: int, size: tuple[int, int]) -> Sequence[torch.Tensor | None]:
        """The mask of each chunk: conditionings that act in areas of the picture have masks of their own."""
        chunks = len(self.multipliers)
        if self.mask is None:
            return [None] * chunks
        mask = resized_mask(self.mask, size)
        return mask.chunk(chunks) if mask.shape[0] == batch else [mask] * chunks

    def _added(
        self, hidden: torch.Tensor, prepared: torch.Tensor, factor: float, mask: torch.Tensor | None
    ) -> torch.Tensor:
        addition = self.fitting.match(prepared, hidden) * factor
        if mask is not None:
            addition = addition * mask
        return (hidden.float() + addition).to(hidden.dtype)


class AfterInputBlock(ControlAddition):
    """Called by the host behind every input block, once the skip connection is stored."""

    # Opaque to torch.compile: a traced patch would keep its strength and map for ever.
    @torch.compiler.disable
    def __call__(self, hidden: torch.Tensor, transformer_options: dict[str, Any]) -> torch.Tensor:
        return self.add(hidden) if transformer_options.get("block") == self.block else hidden


class AfterMiddleBlock(ControlAddition):
    """Called by the host before every output block, the first of which takes in what the middle block gave."""

    @torch.compiler.disable
    def __call__(
        self, hidden: torch.Tensor, skipped: torch.Tensor, transformer_options: dict[str, Any]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        first = transformer_options.get("block") == _FIRST_OUTPUT
        return (self.add(hidden) if first else hidden), skipped


def install(transformer_options: dict[str, Any], addition: ControlAddition) -> None:
    """Append the patch for this call; lists and dicts that others may hold are replaced, not changed."""
    name = _PATCHES[addition.block[0]]
    patches = dict(transformer_options.get("patches", {}))
    patches[name] = _in_order(patches.get(name, []), addition)
    transformer_options["patches"] = patches
    wrappers = dict(transformer_options.get("wrappers", {}))
    kind = WrappersMP.APPLY_MODEL
    wrappers[kind] = {**wrappers.get(kind, {}), _MARKER_KEY: [mark_for_compilers]}
    transformer_options["wrappers"] = wrappers


def _in_order(patches: Sequence[Any], addition: ControlAddition) -> list[Any]:
    """Behind the middle block ours come before what others do to the output block, as they do in a hook of its own."""
    if not isinstance(addition, AfterMiddleBlock):
        return [*patches, addition]
    ours = sum(isinstance(patch, AfterMiddleBlock) for patch in patches)
    return [*patches[:ours], addition, *patches[ours:]]


@torch.compiler.disable
def mark_for_compilers(
    executor: Any,
    x: Any,
    t: Any,
    c_concat: Any = None,
    c_crossattn: Any = None,
    control: Any = None,
    transformer_options: Any = None,
    **kwargs: Any,
) -> Any:
    """Give the residuals of a call with our patches another structure than those of a call without, or with fewer.

    The host's compile node drops every guard on `transformer_options`, so a network compiled in a call without a patch
    would be used again in one with it, and the patch silently ignored. Lists of residuals are used up from their end,
    so more None in front change nothing but what torch.compile sees.
    """
    marked = dict(control or {})
    for name, patch_name in _PATCHES.items():
        ours = sum(isinstance(patch, ControlAddition) for patch in transformer_options["patches"].get(patch_name, []))
        marked[name] = [None] * ours + list(marked.get(name) or [])
    return executor(x, t, c_concat, c_crossattn, marked, transformer_options, **kwargs)
