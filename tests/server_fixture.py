"""The real ComfyUI server with this pack (and the tests' packs of broken images and small networks), started once per test run.

tests/conftest.py imports `server` from here, after it has loaded the pack.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from ..commands.private_host.files import cache_folder
from ..commands.private_host.host import VARIABLE, Host, read_version
from ..commands.private_host.model_paths import link_folder
from ..commands.private_host.server import Server, start_server
from ..runs.api import run_blocking, use_client
from ..runs.results import RunResult
from .generated.catalog import find_recipe
from .generated.generation import generate
from .model_links import link_model

# As in conftest.py: a second thread for tiny networks costs more than it gains.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
PACK = Path(__file__).resolve().parent.parent


class RunningServer:
    """A server to send prompts to. Its folders are empty but for what tests put there."""

    def __init__(self, server: Server, base: Path):
        self._server = server
        self.address = server.address
        self.input_folder = base / "input"
        self.output_folder = base / "output"
        self.models_folder = base / "models"

    def run(self, prompt: Mapping[str, Any], timeout: float = 120) -> RunResult:
        """Runs an API prompt to its end. Raises what Client.run raises."""
        return run_blocking(self.address, prompt, timeout=timeout)

    @cached_property
    def object_info(self) -> dict[str, Any]:
        """The descriptions of all nodes, as they were when first asked for."""
        return use_client(self.address, lambda client: client.object_info())

    def model(self, name: str) -> str:
        """The file name of generated weights (see tests/generated), linked into the models folder on first use."""
        file = generate(name, cache_folder() / "generated")
        return link_model(file, self.models_folder / find_recipe(name).folder)

    def give_memory_back(self) -> None:
        """The host drops its models and what its nodes made, as soon as it has nothing else to do."""
        body = json.dumps({"unload_models": True, "free_memory": True}).encode()
        urlopen(Request(f"{self.address}/free", body, {"Content-Type": "application/json"}), timeout=60).close()

    def log(self) -> str:
        """Everything the server has printed so far."""
        return self._server.log.read_text(encoding="utf-8", errors="replace")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """The running server, started on first use."""
    base = tmp_path_factory.mktemp("server")
    packs = [
        link_folder(PACK / "tests" / "packs" / name, base / "custom_nodes")
        for name in ("armature_test_images", "armature_test_models")
    ]
    newer = os.environ.get("ARMATURE_FRONT_END")  # the folder `static` of another comfyui-frontend-package
    front_end = ["--front-end-root", newer] if newer else []
    # The last --whitelist-custom-nodes counts: this pack and the tests' own, nothing else.
    whitelist = ["--whitelist-custom-nodes", PACK.name, *(pack.name for pack in packs)]
    with start_server(
        find_host(), pack=PACK, base_directory=base, arguments=[*whitelist, *front_end], environment=ONE_THREAD
    ) as running:
        yield RunningServer(running, base)


def find_host() -> Host:
    """The host that the tests run in, as the front door names it."""
    if VARIABLE in os.environ:
        return Host.from_environment()
    comfyui = Path(os.environ["ARMATURE_COMFYUI"])
    return Host(comfyui, Path(sys.executable), read_version(comfyui) or "", private=False)
