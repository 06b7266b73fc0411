"""Loads the pack as the host does, under a name of its own, with the host on the path and the checkout off it.

The checkout's `nodes`, `models` and `tests` would hide the host's modules of the same names.
"""

from __future__ import annotations

import ctypes
import gc
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACK = "armature_pack"


def _host() -> Path:
    path = os.environ.get("ARMATURE_COMFYUI", "")
    if not (Path(path) / "comfyui_version.py").is_file():
        raise RuntimeError(
            "Run the tests with `python armature.py test`: it finds or makes the ComfyUI that they need."
        )
    return Path(path)


def _load_pack() -> None:
    if PACK in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(PACK, ROOT / "__init__.py", submodule_search_locations=[str(ROOT)])
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[PACK] = module
    spec.loader.exec_module(module)


def _find_host() -> None:
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != ROOT]
    sys.path.insert(0, str(_host()))


def pytest_configure(config: pytest.Config) -> None:
    """A hook: get the host ready, but not in the process that only shares the tests out to others."""
    shares_out = getattr(config.option, "numprocesses", None) and "PYTEST_XDIST_WORKER" not in os.environ
    if not shares_out:
        prepare_host()


def pytest_collection_finish() -> None:
    """A hook: what torch, the host and the tests themselves are made of stays to the end; so it is not searched for garbage."""
    gc.collect()
    gc.freeze()


def prepare_host() -> None:
    """The host on a processor where there is no GPU, with one thread; scripts that load this file call it themselves."""
    import comfy.cli_args
    import torch

    # The networks are tiny: a second thread gains nothing, and on a busy machine waiting for it costs tenfold.
    torch.set_num_threads(1)
    if not torch.cuda.is_available() and not torch.backends.mps.is_available():
        comfy.cli_args.args.cpu = True


_find_host()
_load_pack()


@pytest.fixture(scope="session")
def generated() -> Callable[[str], Path]:
    """Path of a generated weight file by recipe name; made once into the user's cache."""
    from armature_pack.commands.private_host.files import cache_folder
    from armature_pack.tests.generated.generation import generate

    folder = cache_folder() / "generated"
    return lambda name: generate(name, folder)


@cache
def _files_with_server(session: pytest.Session) -> frozenset[Path]:
    return frozenset(item.path for item in session.items if "server" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="module", autouse=True)
def _give_memory_back(request: pytest.FixtureRequest) -> Iterator[None]:
    """Between files. glibc keeps what was freed; after a thousand small networks that is most of a machine's memory."""
    yield
    if request.path in _files_with_server(request.session):
        request.getfixturevalue("server").give_memory_back()
    drop_all()
    host = sys.modules.get("comfy.model_management")
    if host is not None:
        host.unload_all_models()
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # not in every C library
        if trim is not None:
            trim(0)


from armature_pack.tests.latest import drop_all  # noqa: E402  (the pack must be loaded first)
from armature_pack.tests.registry_tools import pytest_terminal_summary  # noqa: E402, F401  (a hook)
from armature_pack.tests.server_fixture import server  # noqa: E402, F401  (a fixture; the pack must be loaded first)
from armature_pack.tests.slow_first import pytest_collection_modifyitems  # noqa: E402, F401  (a hook)
from armature_pack.tests.two_processes import pytest_xdist_make_scheduler  # noqa: E402, F401  (a hook)
