"""A factor per layer of the network, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class LayerWeights:
    """Factors by residual name: "input.3", "middle.0", "output.5"; a residual that is not named keeps its weight.

    The names are those of the host's control dictionary: the list that a residual stands in and its place in it.
    """

    factors: Mapping[str, float] = field(default_factory=dict)

    def factor(self, group: str, index: int) -> float:
        """Factor of one residual."""
        return self.factors.get(f"{group}.{index}", 1.0)
