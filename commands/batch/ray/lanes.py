"""The servers of a batch as the runner sees them: which are up, which are away, and how much room each has."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ....runs.errors import BatchError

ASK_AGAIN = 1.0  # seconds between two questions to an actor that is not up
SLOW = 15.0  # seconds after which a server that is not up yet is told of


@dataclass(eq=False)
class Lane:
    """One actor. name: of its server, for people; address: its server's, '' while it is not up; busy: its rows.

    waiting: the answer that says when it is up; reason: why it was not, the last time; is_lost: it will never be.
    """

    actor: Any
    name: str
    address: str = ""
    waiting: Any = None
    since: float = field(default_factory=time.monotonic)
    ask_at: float = 0.0
    busy: int = 0
    reason: str = ""
    is_told: bool = False
    is_lost: bool = False


class Lanes:
    """All lanes, by the servers' names. ahead: rows that each has in hand; patience: seconds that one may be away.

    tell: takes a word on a server that is away.
    """

    def __init__(self, ray: Any, actors: Mapping[str, Any], ahead: int, patience: float) -> None:
        self._ray = ray
        self._ahead = max(1, ahead)
        self._patience = patience
        self._lanes = [Lane(actor, name) for name, actor in actors.items()]
        self.tell: Callable[[str], object] = lambda _text: None

    @property
    def all(self) -> list[Lane]:
        """Those that were not given up."""
        return self._lanes

    def free(self, without: Collection[Lane]) -> Iterator[Lane]:
        """The lanes with room, less those in `without`, the emptiest first, once for each row that they take."""
        while True:
            open_lanes = [
                lane for lane in self._lanes if lane.address and lane.busy < self._ahead and lane not in without
            ]
            if not open_lanes:
                return
            yield min(open_lanes, key=lambda lane: lane.busy)

    def lose(self, lane: Lane, reason: str) -> None:
        """A lane whose actor or server is away: it is asked when it is up again."""
        if lane.address:
            lane.address, lane.since, lane.reason, lane.is_told = "", time.monotonic(), reason, False

    def refresh(self) -> list[Lane]:
        """Asks those that are away, and gives up what stays away. The lanes that came up just now."""
        came, reason = [], ""
        for lane in [one for one in self._lanes if not one.address]:
            away = time.monotonic() - lane.since
            if self._is_up(lane):
                came.append(lane)
            elif (away > self._patience or lane.is_lost) and not lane.busy:
                self._lanes.remove(lane)
                reason = lane.reason or f"Nothing answered there within {self._patience:g} s."
                self.tell(f"{lane.name} is given up. {reason}")
            elif away > SLOW and not lane.is_told:
                lane.is_told = True
                self.tell(f"{lane.name} is not up; the others go on, and it joins them when it is.")
        if not self._lanes:
            raise BatchError(f"No server is left. {reason} Nothing is lost: run the same command again.")
        return came

    def _is_up(self, lane: Lane) -> bool:
        if lane.waiting is None:
            if time.monotonic() >= lane.ask_at:
                lane.waiting = lane.actor.ready.remote()
            return False
        done, _ = self._ray.wait([lane.waiting], timeout=0)
        if not done:
            return False
        answer, lane.waiting = lane.waiting, None
        try:
            lane.address = self._ray.get(answer)
        except self._ray.exceptions.RayError as error:
            lane.reason = plain(error)
            lane.is_lost = _never_began(error)
            lane.ask_at = time.monotonic() + ASK_AGAIN
        return bool(lane.address)


def _never_began(error: Exception) -> bool:
    """Whether the actor's own first lines failed, such as on a machine without aiohttp. Ray never tries those again."""
    return bool(getattr(error, "actor_init_failed", False))


def plain(error: Exception) -> str:
    """The message of what a Ray error was about: the actor's own exception where there was one."""
    if _never_began(error):  # its text ends in the traceback of the actor's process
        return f"Its machine cannot run it: {str(error).strip().splitlines()[-1]}."
    cause = getattr(error, "cause", None)
    if isinstance(cause, Exception):
        return str(cause)
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
