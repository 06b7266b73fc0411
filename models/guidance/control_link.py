"""What every control object of ours has in common as a link of the host's chain."""

from __future__ import annotations

from typing import Any

import torch

from .foreign_windows import WindowedControl
from .sampling_hooks import hooks_of_others


class ControlLink(WindowedControl):
    """A link that brings the sampling's hooks along in `extra_hooks` (see `sampling_hooks`)."""

    def get_extra_hooks(self) -> list[Any]:
        """Hooks that are to mark the conditionings: those of the chain, and any that others have given it, none of ours."""
        chain: Any = self.previous_controlnet
        before = [] if chain is None else chain.get_extra_hooks()
        return [*hooks_of_others(self.extra_hooks), *before]

    def residuals_before(self, *call: Any) -> Any:
        """Residuals of the links before this one, or None; call: what the host hands to `get_control`."""
        chain: Any = self.previous_controlnet  # the host's base class does not declare get_control
        return None if chain is None else chain.get_control(*call)

    def is_out_of_range(self, t: torch.Tensor) -> bool:
        """Whether a call lies outside the range that the host has set; t: the sigma of each picture."""
        return self.timestep_range is not None and bool(t[0] > self.timestep_range[0] or t[0] < self.timestep_range[1])
