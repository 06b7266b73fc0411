"""What the loop asks of a part that is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import nn


class Part(Protocol):
    """One trained part. Everything random in `loss` comes from the generator that it gets, so that a run can go on."""

    name: str
    learning_rate: float
    parameters: dict[str, nn.Parameter]
    rates: dict[str, float]
    """Learning rates of some parameters relative to the others."""

    def loss(self, dice: torch.Generator) -> torch.Tensor:
        """A scalar to make smaller, from a fresh batch."""
        ...


@dataclass(frozen=True)
class Workplace:
    """Where training happens: the device, and how much it takes at a time."""

    device: torch.device
    batch: int
    scenes: int

    def generator(self, seed: int) -> torch.Generator:
        return torch.Generator(self.device).manual_seed(seed)

    def dice(self, dice: torch.Generator, count: int, *shape: int) -> torch.Tensor:
        """Uniform numbers [count,*shape] in 0..1 on the device."""
        return torch.rand(count, *shape, generator=dice, device=self.device)

    def noise(self, dice: torch.Generator, like: torch.Tensor) -> torch.Tensor:
        return torch.randn(like.shape, generator=dice, device=self.device)

    def choose(self, dice: torch.Generator, among: int, count: int) -> torch.Tensor:
        """Numbers below `among`, [count]."""
        return torch.randint(among, (count,), generator=dice, device=self.device)
