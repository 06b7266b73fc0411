"""What Python users import, as `from armature import Client, batch, run_blocking, set_inputs`.

    import sys
    sys.path.insert(0, "/path/to/ComfyUI/custom_nodes/armature")  # run it with ComfyUI's Python, or any with aiohttp and Pillow
    from armature import batch, read_graph, run_blocking, set_inputs

    graph = read_graph("graph.json")
    result = run_blocking("http://127.0.0.1:8188", set_inputs(graph, {"Sampler.seed": 4}))
    print(result.outputs, result.seconds)

    done = batch(graph, "rows.csv", server="http://127.0.0.1:8188", out="night", settings=Settings(retry=1))
    print(done.counts, done.table)

`Client` is the same for asyncio: submit, follow, fetch, upload_image, history, run. Everything that is wrong comes as a
ClientError, a BatchError or a GraphError, whose text is fit to be shown.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from .batch.batch import BatchResult, batch
from .batch.job import Settings, read_graph
from .batch.outcome import Step
from .client import Client
from .errors import (
    BatchError,
    ClientError,
    PromptRefused,
    RunFailed,
    RunInterrupted,
    RunLost,
    RunTimedOut,
    ServerUnreachable,
    UnexpectedAnswer,
)
from .events import Blocked, Cached, Event, Executing, Failed, Finished, Progress, Queued
from .graph import GraphError, find_node, set_inputs
from .results import NodeOutput, Picture, RunResult

# The client for code without an event loop.

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


__all__ = [
    "BatchError",
    "BatchResult",
    "Blocked",
    "Cached",
    "Client",
    "ClientError",
    "Event",
    "Executing",
    "Failed",
    "Finished",
    "GraphError",
    "NodeOutput",
    "Picture",
    "Progress",
    "PromptRefused",
    "Queued",
    "RunFailed",
    "RunInterrupted",
    "RunLost",
    "RunResult",
    "RunTimedOut",
    "ServerUnreachable",
    "Settings",
    "Step",
    "UnexpectedAnswer",
    "batch",
    "find_node",
    "read_graph",
    "run_blocking",
    "set_inputs",
    "use_client",
]
