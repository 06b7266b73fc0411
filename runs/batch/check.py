"""Whether the models of a row fit together: the server's Armature looks at its own files."""

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol


class Asked(Protocol):
    """What planning asks of a server: a Client, or one that is reached in another way."""

    async def object_info(self, node: str | None = None) -> dict[str, Any]:
        """As Client.object_info."""
        ...

    async def compatibility(self, prompt: Mapping[str, Any]) -> dict[str, Any] | None:
        """As Client.compatibility."""
        ...


async def objections(client: Asked, prompt: Mapping[str, Any]) -> str | None:
    """The errors that the check finds in a prompt, as one text, empty without any; None when there is no check."""
    report = await client.compatibility(prompt)
    if report is None:
        return None
    errors = [found for found in report.get("findings", ()) if found.get("severity") == "error"]
    return "; ".join(" ".join(filter(None, (found.get("text"), found.get("fix")))) for found in errors)


class ServerCheck:
    """The check for the planner, which works in a thread beside the client's event loop.

    `is_missing` turns True when the server has no check; everything passes then.
    """

    def __init__(self, client: Asked, loop: asyncio.AbstractEventLoop):
        self._client = client
        self._loop = loop
        self.is_missing = False

    def __call__(self, prompt: Mapping[str, Any]) -> str:
        """What speaks against the prompt; empty without objections."""
        if self.is_missing:
            return ""
        answer = asyncio.run_coroutine_threadsafe(objections(self._client, prompt), self._loop).result()
        self.is_missing = answer is None
        return answer or ""
