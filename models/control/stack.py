"""A stack of control signals and how they share the picture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from ...preprocessors.images.checks import check_choice, check_type, slots_in_order
from .signal import ControlSignal


def signals_in_slots(slots: Mapping[str, Any], who: str) -> tuple[ControlSignal, ...]:
    """The signals of `signal_0`, `signal_1`, … in the order of their numbers, without the empty ones."""
    linked = slots_in_order(who, "signals", "signal", slots)
    return tuple(check_signal(value, f"signals.{name}", who) for name, value in linked.items())


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
        check_choice("Control stack, input balance", self.balance, BALANCES)
        if not (math.isfinite(self.budget) and self.budget > 0):
            raise ValueError(f"Control stack, input budget: {self.budget} is not above 0.")


def check_signal(value: Any, name: str, who: str = "Control stack") -> ControlSignal:
    """Return a CONTROL_SIGNAL, or say what came in instead."""
    advice = "Link the output of the node Control Signal."
    return check_type(f"{who}, input {name}", value, ControlSignal, "a control signal is", advice)


def check_stack(value: Any, name: str) -> ControlStack:
    """Return a CONTROL_STACK, or say what came in instead."""
    advice = "Link the output of the node ControlNet Stack; stacks of other packs go into its input control_net_stack."
    return check_type(f"Input {name}", value, ControlStack, "a control stack is", advice)
