"""What happens to a prompt, as frozen records, and how the server's websocket messages become them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from .answers import as_list, as_number, as_object, as_text
from .errors import ClientError
from .results import RunResult


@dataclass(frozen=True)
class Queued:
    """The server accepted the prompt."""

    prompt_id: str


@dataclass(frozen=True)
class Cached:
    """These nodes keep their earlier results and will not run."""

    nodes: tuple[str, ...]


@dataclass(frozen=True)
class Executing:
    """A node began."""

    node: str


@dataclass(frozen=True)
class Progress:
    """A running node did `value` of `max` steps. Hosts leave out steps that follow too quickly upon each other."""

    node: str
    value: float
    max: float


@dataclass(frozen=True)
class Blocked:
    """A node held back its output on purpose, with a message; the rest of the graph goes on."""

    node: str
    message: str


@dataclass(frozen=True)
class Finished:
    """The run ended well. Always the last event."""

    result: RunResult


@dataclass(frozen=True)
class Failed:
    """The run ended with an error (RunFailed or RunInterrupted). Always the last event."""

    error: ClientError


Event: TypeAlias = Queued | Cached | Executing | Progress | Blocked | Finished | Failed

# The host's history entry follows these; which of the three came is read there, so that a client that lost its
# websocket and one that kept it judge a run alike.
END_MESSAGES = frozenset({"execution_success", "execution_interrupted", "execution_error"})


class Reader:
    """Turns one prompt's websocket messages into events, in order and without repetitions.

    Hosts report a step twice, as `progress` and within `progress_state`; the latter names the node that the user sees
    when a node expanded into others, so once it was met the former is ignored.
    """

    def __init__(self) -> None:
        self._steps: dict[str, tuple[float, float]] = {}
        self._running: str | None = None
        self._has_states = False

    def read(self, message: Mapping[str, Any]) -> Iterator[Event]:
        """The events of one message; unknown messages give none, and neither does what is of no use in known ones."""
        kind, data = message.get("type"), as_object(message.get("data"))
        if kind == "execution_cached":
            yield Cached(tuple(map(str, as_list(data.get("nodes")))))
        elif kind == "executing":
            yield from self._executing(data)
        elif kind == "progress_state":
            self._has_states = True
            for state in map(as_object, as_object(data.get("nodes")).values()):
                yield from self._state(state)
        elif kind == "progress" and not self._has_states:
            yield from self._step(str(data.get("node")), data)
        elif is_blocked(message):
            yield Blocked(str(data.get("node_id")), str(data.get("exception_message", "")))

    def _executing(self, data: Mapping[str, Any]) -> Iterator[Event]:
        node = data.get("display_node") or data.get("node")
        if node is not None and str(node) != self._running:
            self._running = str(node)
            yield Executing(self._running)

    def _state(self, state: Mapping[str, Any]) -> Iterator[Event]:
        node = state.get("display_node_id")
        # A node without steps of its own is reported as 0 and then 1 of 1: that is no progress to show.
        if state.get("state") == "running" and node is not None and (as_number(state.get("value")) or 0) > 0:
            yield from self._step(str(node), state)

    def _step(self, node: str, told: Mapping[str, Any]) -> Iterator[Event]:
        value, total = as_number(told.get("value", 0)), as_number(told.get("max", 0))
        if value is not None and total is not None and self._steps.get(node) != (value, total):
            self._steps[node] = (value, total)
            yield Progress(node, value, total)


def is_blocked(message: Mapping[str, Any]) -> bool:
    """True for the host's `execution_error` of an ExecutionBlocker, after which the run goes on."""
    data = as_object(message.get("data"))
    return message.get("type") == "execution_error" and data.get("exception_type") == "ExecutionBlocked"


def is_end(message: Mapping[str, Any]) -> bool:
    """True when the run is over (its history entry is there, or follows within moments)."""
    if message.get("type") == "executing":
        return as_object(message.get("data")).get("node") is None
    return as_text(message.get("type")) in END_MESSAGES and not is_blocked(message)
