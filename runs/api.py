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

from pathlib import Path
from typing import Any

from .batch.errors import BatchError
from .batch.graph_file import read_graph as _read_graph
from .batch.run import Settings, Step
from .batch.whole import BatchResult, batch
from .blocking import run_blocking, use_client
from .client import Client
from .errors import (
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


def read_graph(path: Path | str) -> dict[str, Any]:
    """The API prompt in a JSON file. Raises BatchError for everything else."""
    return _read_graph(Path(path))
