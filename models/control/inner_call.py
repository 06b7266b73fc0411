"""Running the control net of a signal: on the whole batch, on a part of it, or not at all on steps in between."""

from __future__ import annotations

from typing import Any

import torch
from comfy.controlnet import ControlNet

from ..controlnext.control import ControlNeXt
from ..controlnext.held import HeldSigmas
from .savings import ResidualMemory, Savings, acting_chunks, part_of_batch, whole_batch
from .shaping import Residuals

# What the host hands to get_control: latent, sigmas, conds, number of chunks, options.
Arguments = tuple[torch.Tensor, torch.Tensor, dict[str, Any], int, dict[str, Any]]


class InnerCall:
    """Calls `inner.get_control`, and leaves out what cannot act or what the savings allow to leave out."""

    def __init__(self, inner: Any, savings: Savings) -> None:
        self.inner = inner
        self._memory = ResidualMemory(savings.every) if savings.every > 1 else None
        if isinstance(inner, ControlNeXt):  # it returns no residuals to remember, but can keep its map
            inner.sigmas = HeldSigmas(savings.every)

    def clear(self) -> None:
        """Before and after a sampling."""
        if self._memory is not None:
            self._memory.clear()

    def residuals(self, arguments: Arguments, items: tuple[float, ...] | None) -> Residuals | None:
        """The net's residuals with its weight in them. items: factor of each picture of the batch, which is not applied here."""
        # An adapter computes its features once per sampling, and from the image alone: there is nothing to save.
        if not isinstance(self.inner, ControlNet):
            return self.inner.get_control(*arguments)
        if self._memory is None:
            return self._computed(arguments, items)
        return self._remembered(self._memory, arguments, items)

    def _remembered(
        self, memory: ResidualMemory, arguments: Arguments, items: tuple[float, ...] | None
    ) -> Residuals | None:
        x_noisy, t, _cond, _chunks, options = arguments
        memory.at(float(t[0]))
        window = options.get("context_window")
        key = (
            tuple(x_noisy.shape),
            tuple(options.get("uuids", ())),
            tuple(getattr(window, "index_list", ())),
            items is None,
            getattr(self.inner, "acting", None),
        )
        recalled = memory.recall(key, self.inner)
        if recalled is not None:
            return recalled
        computed = self._computed(arguments, items)
        if computed is not None:
            memory.keep(key, computed, self.inner)
        return computed

    def _computed(self, arguments: Arguments, items: tuple[float, ...] | None) -> Residuals | None:
        x_noisy, t, cond, chunks, options = arguments
        chosen = tuple(range(chunks)) if items is None else acting_chunks(items, chunks)
        if len(chosen) == chunks:
            return self.inner.get_control(*arguments)
        batch = x_noisy.shape[0]
        part = {name: part_of_batch(value, chosen, chunks, batch) for name, value in cond.items()}
        own = self.inner.get_control(
            part_of_batch(x_noisy, chosen, chunks, batch),
            part_of_batch(t, chosen, chunks, batch),
            part,
            len(chosen),
            options,
        )
        return None if own is None else whole_batch(own, chosen, chunks)
