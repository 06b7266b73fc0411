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
    for name in signals:
        if not _SLOT.fullmatch(name):
            raise ValueError(
                f"Control stack: there is no input signals.{name}. The slots are signals.signal_0, signals.signal_1, …"
            )
    slots = sorted(signals, key=lambda name: int(name.removeprefix("signal_")))
    own = tuple(check_signal(signals[name], f"signals.{name}") for name in slots if signals[name] is not None)
    return ControlStack((*before, *rows, *own), balance, budget, notes)


def _signals_before(previous: Any, balance: str) -> tuple[tuple[ControlSignal, ...], tuple[str, ...]]:
    stack = check_stack(previous, "previous")
    if stack.balance not in ("none", balance):
        tell(
            f"Control stack: the previous stack's balance ({stack.balance}) gives way to this one's ({balance}), "
            "which now rules all its signals. Set the balance on the last stack of a chain."
        )
    return stack.signals, stack.notes
