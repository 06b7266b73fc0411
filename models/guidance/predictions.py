"""The clean picture that a sampling predicts at each step, handed to those links of its control chains that ask for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import torch


class Follower(Protocol):
    """What a link has as `follower` to be handed the predictions; links of one signal share it."""

    def begin(self, sigmas: torch.Tensor, inner_model: Any) -> None:
        """Before the first step."""
        ...

    def saw(self, predicted: torch.Tensor) -> None:
        """After each step's call of the network: the clean latent [B,C,h,w], as the network knows latents."""
        ...


class _Handing:
    """The sampler's callback, around the one that was there."""

    def __init__(self, followers: list[Follower], inner: Any) -> None:
        self.followers = followers
        self.inner = inner

    def __call__(self, step: int, predicted: torch.Tensor, noisy: torch.Tensor, total: int) -> Any:
        for follower in self.followers:
            follower.saw(predicted)
        return None if self.inner is None else self.inner(step, predicted, noisy, total)


def with_predictions(
    executor: Any, guider: Any, sigmas: Any, extra_args: Any, callback: Any, *rest: Any, **named: Any
) -> Any:
    """A wrapper of a sampler: its steps as they were, where no control asks.

    The callback is the one place that every sampler of the host tells its predictions, guidance and inpainting mask in them, once
    in a step however often that calls the network.
    """
    followers = [] if isinstance(callback, _Handing) else list(dict.fromkeys(_followers(guider)))
    if not followers:
        return executor(guider, sigmas, extra_args, callback, *rest, **named)
    for follower in followers:
        follower.begin(sigmas, guider.inner_model)
    return executor(guider, sigmas, extra_args, _Handing(followers, callback), *rest, **named)


def _followers(guider: Any) -> Iterator[Follower]:
    for conditionings in (getattr(guider, "conds", None) or {}).values():
        for one in conditionings or ():
            link = one.get("control")
            while link is not None:
                follower = getattr(link, "follower", None)
                if follower is not None:
                    yield follower
                link = getattr(link, "previous_controlnet", None)
