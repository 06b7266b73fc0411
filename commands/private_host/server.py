"""Starting a ComfyUI server with one pack in it, in a base directory of its own, and ending it."""

import http.client
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..places import whole_path
from ..terminal import Problem
from .host import Host
from .model_paths import link_folder
from .processes import start_tree, stop_tree
from .workshop import clean_environment

TAIL_LINES = 40
CHOOSES_DEVICE = ("--cpu", "--directml")
# Threads of torch that wait for each other sleep instead of spinning. Where something else runs too, spinning starves the very
# thread that is waited for: the demo took 455 s beside one busy program on two cores, and 31 s so. Alone it takes a tenth longer.
PATIENT = {"OMP_WAIT_POLICY": "PASSIVE"}
# ComfyUI refuses to start on a torch that finds no device, unless told to use the CPU.
HAS_DEVICE = """
import sys, torch
found = torch.cuda.is_available() or torch.backends.mps.is_available() or hasattr(torch, "npu") or hasattr(torch, "mlu")
sys.exit(not (found or (hasattr(torch, "xpu") and torch.xpu.is_available())))
"""


class ServerFailed(Problem):
    """The server ended or did not answer in time; the message holds the end of its log."""


class Server:
    """A running ComfyUI: `address` like 'http://127.0.0.1:8188', its `log` file and its `process`."""

    def __init__(self, address: str, log: Path, process: "subprocess.Popen[str]") -> None:
        self.address = address
        self.log = log
        self.process = process

    def tail(self, lines: int = TAIL_LINES) -> str:
        """The last lines of the log."""
        return _tail(self.log, lines)

    def stop(self) -> None:
        """End the server and its children; safe to call twice."""
        stop_tree(self.process)

    def __enter__(self) -> "Server":
        """Give the server itself."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop it."""
        self.stop()


def start_server(
    host: Host,
    *,
    pack: Path,
    base_directory: Path,
    port: int | None = None,
    listen: str = "127.0.0.1",
    arguments: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    timeout: float = 180,
    partner_nodes: bool = False,
) -> Server:
    """Start `host` with the folder `pack` as its only custom node pack and wait until it answers.

    Models, input, output and user data live in `base_directory`. `port` None takes a free one. `arguments` are added to
    ComfyUI's command line and `environment` to this process's. `partner_nodes`: with the host's nodes that call paid
    services; without them nothing on its pages may reach out. Raises ServerFailed, with the end of the log.
    """
    base_directory = whole_path(base_directory)
    name = link_folder(pack.resolve(), base_directory / "custom_nodes").name
    port = free_port(listen) if port is None else port
    command = [
        str(host.python),
        str(host.comfyui / "main.py"),
        "--base-directory",
        str(base_directory),
        "--database-url",
        "sqlite:///:memory:",
        *(() if partner_nodes else ("--disable-api-nodes",)),
        "--disable-all-custom-nodes",
        "--whitelist-custom-nodes",
        name,
        "--listen",
        listen,
        "--port",
        str(port),
        *arguments,
    ]
    return _started(host, command, base_directory, _shown(listen, port), environment or {}, timeout)


def start_installation(host: Host, *, folder: Path, arguments: Sequence[str] = (), timeout: float = 300) -> Server:
    """Start a person's own ComfyUI with its nodes and models, on a free port of this machine, and wait until it answers.

    Its log and its results go into `folder`, so that several of one installation do not meet. Raises ServerFailed.
    """
    if not (host.comfyui / "main.py").is_file():
        raise ServerFailed(f"there is no ComfyUI at {host.comfyui} on the machine {socket.gethostname()}.")
    port = free_port()
    command = [
        str(host.python),
        str(host.comfyui / "main.py"),
        "--disable-auto-launch",
        "--database-url",
        "sqlite:///:memory:",
        "--output-directory",
        str(folder / "output"),
        "--temp-directory",
        str(folder),
        "--listen",
        "127.0.0.1",
        "--port",
        str(port),
        *arguments,
    ]
    for one in (folder, folder / "output"):
        one.mkdir(parents=True, exist_ok=True)
    return _started(host, command, folder, _shown("127.0.0.1", port), {}, timeout)


def _shown(listen: str, port: int) -> str:
    return f"http://{_reachable(listen)}:{port}"


def _started(
    host: Host, command: list[str], folder: Path, address: str, environment: Mapping[str, str], timeout: float
) -> Server:
    variables = {
        **PATIENT,
        **(clean_environment() if host.private else os.environ),
        **host.environment(),
        "PYTHONUNBUFFERED": "1",
        **environment,
    }
    if not set(CHOOSES_DEVICE) & set(command) and not has_device(host, variables):
        command.append("--cpu")
    log = folder / f"server-{address.rpartition(':')[2]}.log"
    with log.open("w", encoding="utf-8") as stream:
        process = start_tree(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            text=True,
            env=variables,
            cwd=folder,
        )
    server = Server(address, log, process)
    try:
        _wait_until_ready(server, timeout)
    except BaseException:
        server.stop()
        raise
    return server


def has_device(host: Host, environment: Mapping[str, str]) -> bool:
    """Whether the host's torch finds something better than the CPU."""
    result = subprocess.run(
        [str(host.python), "-c", HAS_DEVICE], env=dict(environment), capture_output=True, check=False
    )
    return result.returncode == 0


def free_port(listen: str = "127.0.0.1", wanted: int = 0) -> int:
    """A port that nothing listens on: `wanted` itself, or any for 0. OSError if `wanted` is taken."""
    address = _reachable(listen).strip("[]")
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        if sys.platform != "win32":  # there, this option would allow a port that is in use
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((address, wanted))
        return probe.getsockname()[1]


def _reachable(listen: str) -> str:
    """The host name under which this machine reaches a server that listens on `listen`."""
    first = listen.partition(",")[0]
    if first in ("", "0.0.0.0", "::"):
        return "127.0.0.1"
    return f"[{first}]" if ":" in first else first


def _wait_until_ready(server: Server, timeout: float) -> None:
    # Without this, a proxy set for the network would be asked for a server on this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + timeout
    while server.process.poll() is None:
        try:
            with opener.open(f"{server.address}/system_stats", timeout=5) as answer:
                answer.read()
            if server.process.poll() is None:  # otherwise something else answered on that port
                return
        except (urllib.error.URLError, http.client.HTTPException, OSError):
            pass
        if time.monotonic() > deadline:
            raise ServerFailed(_failure(server, f"did not answer within {timeout:.0f} s"))
        time.sleep(0.2)
    raise ServerFailed(_failure(server, f"ended with exit status {server.process.returncode}"))


def _failure(server: Server, what: str) -> str:
    lines = "\n".join(f"    {line}" for line in server.tail().splitlines())
    return (
        f"ComfyUI at {server.address} {what}. The end of its log:\n{lines}\nWhat to do: read the first error above. If a "
        f"package is missing, make the host again with `armature.py host --rebuild`.\nFull log: {server.log}"
    )


def _tail(log: Path, lines: int) -> str:
    text = re.sub(r"\x1b\[[0-9;]*m", "", log.read_text(encoding="utf-8", errors="replace"))  # without its colours
    return "\n".join(text.splitlines()[-lines:])
