"""The client for code without an event loop."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from .client import Client
from .events import Event
from .results import RunResult

T = TypeVar("T")


def use_client(address: str, work: Callable[[Client], Awaitable[T]], **options: Any) -> T:
    """Opens a client (`options` are Client's), awaits `work(client)`, closes it and returns what `work` returned."""

    async def whole() -> T:
        async with Client(address, **options) as client:
            return await work(client)

    return asyncio.run(whole())


def run_blocking(
    address: str,
    prompt: Mapping[str, Any],
    *,
    headers: Mapping[str, str] | None = None,
    on_event: Callable[[Event], object] | None = None,
    timeout: float | None = None,
) -> RunResult:
    """Runs an API prompt on the server at `address` and waits for its end. Errors as in Client.run."""
    return use_client(address, lambda client: client.run(prompt, on_event, timeout), headers=headers)
