"""A step of training: rates that rise and fall, gradients of bounded length, and nothing changed by what is no number."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import nn

_BETAS = (0.9, 0.99)


@dataclass(frozen=True)
class Group:
    """Parameters that learn at one rate."""

    parameters: Sequence[nn.Parameter]
    rate: float
    weight_decay: float = 1e-4


@dataclass(frozen=True)
class Curve:
    """Of the rates: linear over `warm_up` steps, then half a cosine down to `floor`, a share of the whole rate."""

    warm_up: int = 20
    floor: float = 0.05

    def at(self, step: int, fraction: float) -> float:
        """step: those that were done; fraction: of the whole training, 0..1."""
        fall = 0.5 * (1 + math.cos(math.pi * fraction))
        return min(1.0, (step + 1) / self.warm_up) * (self.floor + (1 - self.floor) * fall)


class NoNumber(ValueError):
    """A loss or a gradient is not finite; no parameter was changed."""


class Optimisation:
    """AdamW over some groups. longest: the norm that a step's gradient is cut to."""

    def __init__(self, groups: Iterable[Group], curve: Curve, longest: float = 1.0, fused: bool = False) -> None:
        self._groups = [group for group in groups if group.parameters]
        self._curve, self._longest = curve, longest
        self.adam = torch.optim.AdamW(
            [
                {"params": list(group.parameters), "lr": group.rate, "weight_decay": group.weight_decay}
                for group in self._groups
            ],
            betas=_BETAS,
            fused=fused or None,
        )

    def step(
        self,
        losses: Sequence[Callable[[], torch.Tensor]],
        done: int,
        fraction: float,
        before: Callable[[], None] = lambda: None,
    ) -> float:
        """One step over the mean of some losses, each made and derived in turn; returns that mean. Raises NoNumber.

        done: steps so far; fraction: of the training, 0..1; before: called when the gradients are there.
        """
        for group, own in zip(self.adam.param_groups, self._groups, strict=True):
            group["lr"] = own.rate * self._curve.at(done, fraction)
        self.adam.zero_grad(set_to_none=True)
        total = 0.0
        for made in losses:
            loss = made() / len(losses)
            total += float(loss.detach())
            self._check(total, f"the loss is {total}")
            loss.backward()
        before()
        every = [one for group in self._groups for one in group.parameters]
        self._check(float(nn.utils.clip_grad_norm_(every, self._longest)), "a gradient is not a number")
        self.adam.step()
        return total

    def _check(self, value: float, why: str) -> None:
        if not math.isfinite(value):
            self.adam.zero_grad(set_to_none=True)
            raise NoNumber(why)
