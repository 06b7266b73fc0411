"""Gathering what is linked to a ControlNet Stack node into one stack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from ...preprocessors.images.checks import check_type
from ..host import tell
from .loading import load_control_net
from .signal import ControlSignal
from .stack import ControlStack, check_stack, signals_in_slots

# Reading the CONTROL_NET_STACK lists of other packs.
#
# Two shapes of tuples are in use, both inside a plain list, with None for "off":
# five items (net or file name, image, strength, start, end) and seven (file name, strength, start, end, softness, image,
# flag). They are told apart by length and types, and the list itself is never changed: some packs extend it in place.


def read_control_net_stack(rows: Any) -> tuple[ControlSignal, ...]:
    """Signals for the rows of a CONTROL_NET_STACK; ValueError naming the row that cannot be read."""
    if rows is None:
        return ()
    listed = check_type("Control stack, input control_net_stack", rows, (list, tuple), "a list is")
    return tuple(_read(row, number) for number, row in enumerate(listed, start=1) if not _is_off(row))


def _is_off(row: Any) -> bool:
    return row is None or (isinstance(row, (list, tuple)) and bool(row) and row[0] in (None, "None"))


# Number of items -> who writes such rows, and what of them is not used.
_DIALECTS = {
    5: "(net or file, image, strength, start, end), as Efficiency Nodes and Comfyroll write it",
    7: "(file, strength, start, end, softness, image, flag), as Easy Use writes it; softness and flag are not used",
}


def describe_control_net_stack(rows: Any) -> tuple[str, ...]:
    """Which dialects a CONTROL_NET_STACK is written in, a line for each; nothing for no stack."""
    if not isinstance(rows, (list, tuple)):
        return ()
    lengths = [len(row) for row in rows if not _is_off(row) and isinstance(row, (list, tuple))]
    off = sum(1 for row in rows if _is_off(row))
    lines = [
        f"control_net_stack: {lengths.count(length)} row{'s' if lengths.count(length) > 1 else ''} of {length} items, {who}."
        for length, who in _DIALECTS.items()
        if length in lengths
    ]
    return (*lines, f"control_net_stack: {off} row{'s are' if off > 1 else ' is'} off.") if off else tuple(lines)


def _read(row: Any, number: int) -> ControlSignal:
    where = f"Control stack, input control_net_stack: row {number}"
    if isinstance(row, (list, tuple)) and len(row) == 5 and isinstance(row[1], torch.Tensor | None):
        net, image, *numbers = row
    elif isinstance(row, (list, tuple)) and len(row) == 7 and isinstance(row[5], torch.Tensor | None):
        net, *numbers, _softness, image, _flag = row
    else:
        found = f"{len(row)} items" if isinstance(row, (list, tuple)) else type(row).__name__
        raise ValueError(
            f"{where} ({found}) is none of the known kinds: (net, image, strength, start, end) or (name, strength, start, end, "
            "softness, image, flag). Link a stack of Efficiency Nodes, Comfyroll or Easy Use, or Control Signals instead."
        )
    if image is None:
        raise ValueError(f"{where} has no image. Link one in the node that made the row, or switch the row off there.")
    try:
        weight, start, end = (float(value) for value in numbers)
    except (TypeError, ValueError):
        raise ValueError(
            f"{where} has {numbers} for strength, start and end. Set numbers in the node that made the row."
        ) from None
    try:
        return ControlSignal(_net(net), image, weight, start, end)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


def _net(net: Any) -> Any:
    """A control net, loaded where the row holds a file name."""
    return load_control_net(net) if isinstance(net, str) else net


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


def _signals_before(previous: Any, balance: str) -> tuple[tuple[ControlSignal, ...], tuple[str, ...]]:
    stack = check_stack(previous, "previous")
    if stack.balance not in ("none", balance):
        tell(
            f"Control stack: the previous stack's balance ({stack.balance}) gives way to this one's ({balance}), "
            "which now rules all its signals. Set the balance on the last stack of a chain."
        )
    return stack.signals, stack.notes
