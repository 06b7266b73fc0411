"""The factor on one signal's weight in a sampling that is looked at while it goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from ...preprocessors.adherence.adherence import method_for
from ...preprocessors.images.tags import pass_on, tag_of
from ..guidance.progress import progress_of
from ..host import host_nodes, keeping_loaded, note, tell
from .adaptation import Adaptation, Regulator, Step
from .fit import fitted
from .signal import ControlSignal
from .stack_adherence import relative

_NOT_TOLD = "the sampler tells no predictions"


def why_not(signal: ControlSignal) -> str | None:
    """Why the weight of a signal with an adaptation cannot correct itself, by its map; None where it can."""
    try:
        method_for(signal.image)
    except ValueError as error:
        return str(error)
    return None


class AdaptiveWeight:
    """Shared by all links of a signal, as its watch is; `follower` of each (see `guidance.predictions`).

    factor: on the weight of the steps to come; 1 before the first look.
    """

    def __init__(self, adaptation: Adaptation, signal: ControlSignal, label: str) -> None:
        self.adaptation, self.signal, self.label = adaptation, signal, label
        self._is_open = False
        self.reset(None)

    @staticmethod
    def of(signal: ControlSignal, label: str) -> AdaptiveWeight | None:
        """None where the signal's weight stays as it is."""
        if signal.adaptation is None or why_not(signal) is not None:
            return None
        return AdaptiveWeight(signal.adaptation, signal, label)

    @property
    def factor(self) -> float:
        """On the weight of the next call."""
        return self._rule.factor

    def reset(self, percent_to_sigma: Callable[[float], Any] | None) -> None:
        """Before a sampling, and after one that was broken off (None)."""
        self._is_open = percent_to_sigma is not None
        self._percent_to_sigma = percent_to_sigma
        self._rule = Regulator(self.adaptation)
        self._sigmas: tuple[float, ...] = ()
        self._steps: list[Step] = []
        self._weight = 0.0
        self._why = _NOT_TOLD
        self._inner_model: Any = None
        self._maps: dict[tuple[int, int], torch.Tensor] = {}

    def acts(self, weight: float) -> None:
        """A call of the network in which the signal acts with this weight."""
        self._weight = weight

    def begin(self, sigmas: torch.Tensor, inner_model: Any) -> None:
        self._sigmas = tuple(float(sigma) for sigma in sigmas)
        self._inner_model = inner_model
        self._why = ""

    def saw(self, predicted: torch.Tensor) -> None:
        """Note the step; where its turn has come, look at what it predicts and correct the weight of those that follow."""
        place, total = len(self._steps), len(self._sigmas) - 1
        if self._percent_to_sigma is None or place >= total:
            return
        adherence = None
        if self._weight and not self._why and self.adaptation.looks_in(place, total):
            adherence = self._looked(predicted)
        if adherence is not None:
            self._rule.saw(adherence)
        sigma = self._sigmas[place]
        self._steps.append(Step(sigma, progress_of(sigma, self._percent_to_sigma), self._weight, adherence))
        self._weight = 0.0

    def finish(self) -> None:
        """After a sampling: say what became of the weight, once."""
        if not self._is_open:
            return
        steps = tuple(self._steps)
        looked = any(step.adherence is not None for step in steps)
        why = self._why or ("" if looked else self._never())
        adapted = self.adaptation.log.keep(self.label, self.adaptation.adherence, steps, why)
        acted = not steps or any(step.weight for step in steps)  # a signal that never acts says so itself
        self.reset(None)
        (tell if why and acted else note)(f"{self.label}: {adapted.in_words}.")

    def _never(self) -> str:
        return (
            f"in none of the {len(self._sigmas) - 1} steps was there anything to look at and a step left to correct. Look more "
            "often (every), in another part of the sampling (start_percent, end_percent), or take more steps"
        )

    def _looked(self, predicted: torch.Tensor) -> float | None:
        if predicted.ndim not in (4, 5) or (predicted.ndim == 5 and predicted.shape[2] > 1):
            self._why = "it looks at pictures, and this sampling makes a clip or sound"
            return None
        self._check_vae(predicted)
        # What decodes or looks may push the network out of the device, and must not use up the sampler's chance.
        with keeping_loaded(), torch.random.fork_rng(devices=[]):
            latent = self._inner_model.process_latent_out(predicted.float())
            picture = host_nodes().VAEDecode().decode(self.adaptation.vae, {"samples": latent})[0]
            try:
                return relative(picture, self._map(picture))
            except ValueError as error:
                self._why = str(error).rstrip(".")
                return None

    def _check_vae(self, predicted: torch.Tensor) -> None:
        channels = getattr(self.adaptation.vae, "latent_channels", predicted.shape[1])
        if channels != predicted.shape[1]:
            raise ValueError(
                f"{self.label}: the VAE linked to Adaptive Control Weight reads latents of {channels} channels, and this model "
                f"makes some of {predicted.shape[1]}. Link the VAE of the checkpoint that is sampled."
            )

    def _map(self, picture: torch.Tensor) -> torch.Tensor:
        """The signal's map [B,H,W,C] as it lies over a picture [B,H,W,3]."""
        size = (picture.shape[1], picture.shape[2])
        if size not in self._maps:
            image = self.signal.image
            if tuple(image.shape[1:3]) != size:
                as_hint = image.movedim(-1, 1).float()
                image = pass_on(
                    image, fitted(as_hint, *size, self.signal.fit, kind=tag_of(image)).movedim(1, -1).contiguous()
                )
            self._maps[size] = image
        return self._maps[size]
