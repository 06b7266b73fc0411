"""Waiting for a server that is away, or that answers and takes nothing: as long as the batch is asked to, and no longer."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from ..client import Client
from ..errors import BatchError, ClientError, is_away

RETRY_SECONDS = 2.0
T = TypeVar("T")


class StayedAway(BatchError):
    """The server did not come back in time."""


class Patience:
    """How long one server may keep away what a batch wants of it: `seconds` from the first time that it was in vain.

    That it takes or runs other rows meanwhile counts as being there: a server may be busy.
    """

    def __init__(self, client: Client, seconds: float):
        self._client = client
        self._seconds = seconds
        self._since: dict[str, float] = {}

    async def until_back(self, what: str, error: Exception) -> None:
        """Returns when the server answers again after `error` kept `what` away. Raises StayedAway."""
        since = self._since.get(what)
        is_new = since is None or self._client.last_word > since
        if since is None or is_new:
            since = self._since[what] = time.monotonic()
        while True:
            if is_new:
                with contextlib.suppress(ClientError):
                    await self._client.system_stats()
                    return
            if time.monotonic() - since > self._seconds:
                raise StayedAway(
                    f"{error} It did not come back within {self._seconds:g} s. Nothing is lost: start the server and run the "
                    "same command again."
                )
            await asyncio.sleep(min(RETRY_SECONDS, self._seconds))
            is_new = True

    def over(self, what: str) -> None:
        """It came after all."""
        self._since.pop(what, None)


class PatientServer:
    """What planning asks of a server. Once it was there, it may go away for a while; `tell` gets the reason."""

    def __init__(
        self,
        client: Client,
        seconds: float,
        tell: Callable[[str], object] = lambda _reason: None,
        *,
        was_there: bool = False,
    ):
        self._client = client
        self._patience = Patience(client, seconds)
        self._tell = tell
        self._was_there = was_there

    async def object_info(self, node: str | None = None) -> dict[str, Any]:
        """As Client.object_info."""
        return await self._asked(lambda: self._client.object_info(node))

    async def compatibility(self, prompt: Mapping[str, Any]) -> dict[str, Any] | None:
        """As Client.compatibility."""
        return await self._asked(lambda: self._client.compatibility(prompt))

    async def _asked(self, question: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                answer = await question()
                self._was_there = True
                self._patience.over("")
                return answer
            except ClientError as error:
                if not (self._was_there and is_away(error)):
                    raise
                self._tell(str(error))
                await self._patience.until_back("", error)
