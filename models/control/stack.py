"""A stack of control signals and how they share the picture."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from .signal import ControlSignal

_SLOT = re.compile(r"signal_(\d+)")


def signals_in_slots(slots: Mapping[str, Any], who: str) -> tuple[ControlSignal, ...]:
    """The signals of `signal_0`, `signal_1`, … in the order of their numbers, without the empty ones."""
    for name in slots:
        if not _SLOT.fullmatch(name):
            raise ValueError(
                f"{who}: there is no input signals.{name}. The slots are signals.signal_0, signals.signal_1, …"
            )
    named = sorted(slots, key=lambda name: int(name.removeprefix("signal_")))
    return tuple(check_signal(slots[name], f"signals.{name}", who) for name in named if slots[name] is not None)


Balance = Literal["none", "normalize", "strongest"]
BALANCES: tuple[Balance, ...] = get_args(Balance)


@dataclass(frozen=True, eq=False)
class ControlStack:
    """Signals in the order in which they are applied.

    balance: `none` adds them up as they are; `normalize` scales all down where their weights at a step sum to more
    than `budget`; `strongest` lets, in each place, only the signal with the largest weight act. notes: what a person
    should know about how the stack was put together.
    """

    signals: tuple[ControlSignal, ...] = ()
    balance: Balance = "none"
    budget: float = 1.0
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.balance not in BALANCES:
            raise ValueError(f'Control stack, input balance: "{self.balance}" is not one of {", ".join(BALANCES)}.')
        if not (math.isfinite(self.budget) and self.budget > 0):
            raise ValueError(f"Control stack, input budget: {self.budget} is not above 0.")


def check_signal(value: Any, name: str, who: str = "Control stack") -> ControlSignal:
    """Return a CONTROL_SIGNAL, or say what came in instead."""
    if not isinstance(value, ControlSignal):
        raise ValueError(
            f"{who}, input {name}: a control signal is wanted, not {type(value).__name__}. "
            "Link the output of the node Control Signal."
        )
    return value


def check_stack(value: Any, name: str) -> ControlStack:
    """Return a CONTROL_STACK, or say what came in instead."""
    if not isinstance(value, ControlStack):
        raise ValueError(
            f"Input {name}: a control stack is wanted, not {type(value).__name__}. "
            "Link the output of the node Control Stack; stacks of other packs go into its input control_net_stack."
        )
    return value
