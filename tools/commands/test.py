"""Run the tests of this checkout in the host's Python, with pytest.

Arguments that are not listed here go to pytest:  armature.py test tests/models -x   or, after --, all of them:
armature.py test -- -k canny. The whole suite runs on two processes; -n 0 keeps it in one. Without a server, a browser and
what takes long:  armature.py test -m "not host and not browser and not slow"
"""

import argparse
import os
from pathlib import Path

from ...commands import FRONT_DOOR
from ...commands.private_host.host_options import add_host_options, host_with_test_tools
from ...commands.private_host.processes import replace_process
from .. import registry_archive
from ..chromium import VARIABLE, ensure_chromium

HELP = "run the tests, the real server and a real browser included"
NEEDS_HOST = False
PASSES_REST = True

# A file stays in one process, and those that need the server in the first: see tests/two_processes.py. More than two would
# fill a small machine's memory. The order of the files is that of tests/slow_first.py, which xdist would change.
_PARALLEL = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")


# glibc: what is larger goes back to the system when it is freed; what goes through the heap stays in the process. For the
# tests and the servers that they start: networks come and go in them all the time.
_RETURN_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(4 * 2**20)}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `test`."""
    add_host_options(parser)
    parser.usage = f"{parser.prog} [options] [pytest's arguments]"


def run(arguments: argparse.Namespace) -> int:
    """Make the host and its test tools ready, then become pytest."""
    host = host_with_test_tools(arguments)
    root = FRONT_DOOR.parent
    tools = {VARIABLE: ensure_chromium(), registry_archive.VARIABLE: registry_archive.ensure_registry_tools()}
    variables = {**_RETURN_MEMORY, **os.environ, **host.environment(), **tools}
    some = any(_is_test_path(argument, root) for argument in arguments.rest)
    what = [] if some else [*_PARALLEL, "tests"]
    command = [str(host.python), "-m", "pytest", "--import-mode=importlib", *what, *arguments.rest]
    print(f"Testing with ComfyUI {host.version}, {host.python}", flush=True)
    replace_process(command, variables, root)


def _is_test_path(argument: str, root: Path) -> bool:
    path = (root / argument.partition("::")[0]).resolve()
    return path.exists() and path.is_relative_to(root / "tests")
