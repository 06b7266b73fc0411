"""A weight that corrects itself while sampling: what is wanted, within which limits, and by which rule."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ...preprocessors.images.checks import check_range, check_span, check_type
from ..host import running_node

WHO = "Adaptive Control Weight"
LEAST, MOST = 0.05, 4.0  # factors; a weight of 0 would act no more, and so be looked at no more
MOST_GAIN = 10.0


@dataclass(frozen=True)
class Step:
    """One step of a sampling: its sigma, how far into the noise schedule that is, the weight that acted, and the relative
    adherence of the picture that was predicted in it, None where nobody looked.
    """

    sigma: float
    progress: float
    weight: float
    adherence: float | None = None


@dataclass(frozen=True)
class Adapted:
    """What became of one signal's weight in one sampling. why: it did not adapt, "" where it did; node: id of the sampler."""

    label: str
    wanted: float
    steps: tuple[Step, ...]
    why: str = ""
    node: str | None = None

    @property
    def looks(self) -> tuple[tuple[int, float], ...]:
        """(step from 0, adherence) of each look."""
        return tuple((index, step.adherence) for index, step in enumerate(self.steps) if step.adherence is not None)

    @property
    def in_words(self) -> str:
        """'its weight went from 0.8 to 0.94 (0.8 to 1.2 on the way), and the adherence of …', or why it did not."""
        if self.why:
            return f"its weight did not correct itself: {self.why}"
        weights = [step.weight for step in self.steps if step.weight]
        (_, first), (_, last) = self.looks[0], self.looks[-1]
        return (
            f"its weight went from {weights[0]:.3g} to {weights[-1]:.3g} ({min(weights):.3g} to {max(weights):.3g} on the way), "
            f"and the adherence of what was predicted from {first:.2f} to {last:.2f}, of {self.wanted:g} wanted"
        )


@dataclass
class Log:
    """What became of the signals that share an adaptation, in the latest sampling of each sampler."""

    kept: dict[tuple[str | None, str], Adapted] = field(default_factory=dict)

    def keep(self, label: str, wanted: float, steps: tuple[Step, ...], why: str) -> Adapted:
        """At the end of a sampling."""
        node = running_node()
        made = self.kept[node, label] = Adapted(label, wanted, steps, why, node)
        return made


@dataclass(frozen=True, eq=False)
class Adaptation:
    """Immutable record of how a signal's weight corrects itself, but for the log that samplings fill.

    vae: the host's, of the model that is sampled; adherence: relative, that is wanted; every: steps from look to look; lowest,
    highest: factors on the weight that the signal has; proportional, integral: the rule's gains (see `Regulator`); start, end:
    shares of the sampling's steps between which it looks.
    """

    vae: Any
    adherence: float = 0.8
    every: int = 2
    lowest: float = 0.5
    highest: float = 1.5
    proportional: float = 0.5
    integral: float = 0.25
    start: float = 0.25
    end: float = 1.0
    log: Log = field(default_factory=Log)

    def __post_init__(self) -> None:
        if not hasattr(self.vae, "decode"):
            kind = type(self.vae).__name__
            raise ValueError(f"{WHO}, input vae: a VAE is wanted, not {kind}. Link the VAE of your checkpoint.")
        check_range(f"{WHO}, input adherence", self.adherence, 0.0, 1.0)
        check_range(f"{WHO}, input every", self.every, 1, 100)
        check_range(f"{WHO}, input lowest", self.lowest, LEAST, 1.0)
        check_range(f"{WHO}, input highest", self.highest, 1.0, MOST)
        check_range(f"{WHO}, input proportional", self.proportional, 0.0, MOST_GAIN)
        check_range(f"{WHO}, input integral", self.integral, 0.0, MOST_GAIN)
        check_range(f"{WHO}, input start_percent", self.start, 0.0, 1.0)
        check_range(f"{WHO}, input end_percent", self.end, 0.0, 1.0)
        check_span(WHO, self.start, self.end)

    def looks_in(self, step: int, total: int) -> bool:
        """Whether the prediction of a step is looked at; step: from 0. The last is not: no weight is left to correct."""
        inside = self.start * total <= step <= self.end * total
        return inside and (step + 1) % self.every == 0 and step + 1 < total

    @property
    def in_words(self) -> str:
        """'corrects itself every 2 steps, times 0.5 to 1.5, towards an adherence of 0.8'"""
        often = "step" if self.every == 1 else f"{self.every} steps"
        limits = f"{self.lowest:g} to {self.highest:g}"
        return f"corrects itself every {often}, times {limits}, towards an adherence of {self.adherence:g}"


def check_adaptation(value: Any) -> Adaptation | None:
    """Return CONTROL_ADAPTATION (nothing is a weight that stays), or say what came in instead."""
    if value is None:
        return None
    advice = "Link the output of the node Adaptive Control Weight."
    return check_type("Input adaptation", value, Adaptation, "a CONTROL_ADAPTATION is", advice)


class Regulator:
    """The factor on a weight by a proportional and integral rule: 1 + P * lack + I * (sum of lacks), within the limits.

    The lack is what is wanted less what was seen. The sum stops where it alone reaches a limit, so that a lack that no weight
    can make good is soon forgotten when it ends (anti-windup by clamping).
    """

    def __init__(self, adaptation: Adaptation) -> None:
        self._adaptation = adaptation
        self._sum = 0.0
        self.factor = 1.0

    def saw(self, adherence: float) -> None:
        """One look."""
        it = self._adaptation
        lack = it.adherence - adherence
        self._sum = min(max(self._sum + it.integral * lack, it.lowest - 1), it.highest - 1)
        self.factor = min(max(1 + it.proportional * lack + self._sum, it.lowest), it.highest)
