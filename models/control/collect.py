"""Gathering what is linked to a Control Stack node into one stack."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..tell import tell
from .dialects import describe_control_net_stack, read_control_net_stack
from .signal import ControlSignal
from .stack import ControlStack, check_signal, check_stack

_SLOT = re.compile(r"signal_(\d+)")


def collect_stack(
    balance: Any, budget: float, previous: Any, control_net_stack: Any, signals: Mapping[str, Any]
) -> ControlStack:
    """A new stack of: the signals of `previous`, the rows of another pack's stack, then `signal_0`, `signal_1`, …

    Empty slots are passed over, so a bypassed signal is simply absent.
    """
    before, notes = ((), ()) if previous is None else _signals_before(previous, balance)
    rows = read_control_net_stack(control_net_stack)
    notes = (*notes, *describe_control_net_stack(control_net_stack))
    own = signals_in_slots(signals, "Control stack")
    return ControlStack((*before, *rows, *own), balance, budget, notes)


def signals_in_slots(slots: Mapping[str, Any], who: str) -> tuple[ControlSignal, ...]:
    """The signals of `signal_0`, `signal_1`, … in the order of their numbers, without the empty ones."""
    for name in slots:
        if not _SLOT.fullmatch(name):
            raise ValueError(
                f"{who}: there is no input signals.{name}. The slots are signals.signal_0, signals.signal_1, …"
            )
    named = sorted(slots, key=lambda name: int(name.removeprefix("signal_")))
    return tuple(check_signal(slots[name], f"signals.{name}", who) for name in named if slots[name] is not None)


def _signals_before(previous: Any, balance: str) -> tuple[tuple[ControlSignal, ...], tuple[str, ...]]:
    stack = check_stack(previous, "previous")
    if stack.balance not in ("none", balance):
        tell(
            f"Control stack: the previous stack's balance ({stack.balance}) gives way to this one's ({balance}), "
            "which now rules all its signals. Set the balance on the last stack of a chain."
        )
    return stack.signals, stack.notes
