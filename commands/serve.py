"""Start ComfyUI with this pack and print its address. Ctrl-C ends it."""

import argparse
import time
from pathlib import Path

from . import FRONT_DOOR
from .places import whole_path
from .private_host.files import cache_folder
from .private_host.host_options import add_host_options, host_from
from .private_host.model_paths import write_model_paths
from .private_host.server import Server, free_port, start_server
from .terminal import Problem

HELP = "start ComfyUI with this pack and print its address"
NEEDS_HOST = False
PASSES_REST = True
FIRST_PORT, PORTS = 8188, 50


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `serve`."""
    add_host_options(parser)
    parser.usage = f"{parser.prog} [options] [-- ComfyUI's own arguments]"
    parser.add_argument("--port", type=int, help=f"default {FIRST_PORT}, or the next free one")
    parser.add_argument(
        "--listen", default="127.0.0.1", metavar="ADDRESS", help="default 127.0.0.1; 0.0.0.0 for all networks"
    )
    parser.add_argument(
        "--base-directory",
        type=Path,
        metavar="DIR",
        help="where models, input, output and settings live (default: a folder in Armature's cache)",
    )
    parser.add_argument(
        "--models",
        type=Path,
        metavar="DIR",
        action="append",
        default=[],
        help="also use the model files in DIR/checkpoints, DIR/loras, ...; may be given again",
    )


def run(arguments: argparse.Namespace) -> int:
    """Start the server and show its log until it ends or Ctrl-C."""
    host = host_from(arguments)
    base = whole_path(arguments.base_directory or cache_folder() / "serve")
    base.mkdir(parents=True, exist_ok=True)
    extra = list(arguments.rest)
    if arguments.models:
        extra += ["--extra-model-paths-config", str(write_model_paths(base, arguments.models))]
    port = choose_port(arguments.port, arguments.listen)
    print(f"Starting ComfyUI {host.version} in {base} ...", flush=True)
    with start_server(
        host, pack=FRONT_DOOR.parent, base_directory=base, port=port, listen=arguments.listen, arguments=extra
    ) as server:
        print(f"\n    {server.address}\n    {server.address}/armature (the desk)\n", flush=True)
        if not is_local(arguments.listen):
            print("ComfyUI has no passwords: whoever reaches this address can use it. See docs/server.md.")
        print(f"Log: {server.log}\nCtrl-C ends it.\n", flush=True)
        _follow(server)
    return 0 if server.process.returncode == 0 else 1


def choose_port(wanted: int | None, listen: str) -> int:
    """The port to serve on; says so if it is not the usual one. Problem if `wanted` is taken."""
    for port in [wanted] if wanted is not None else range(FIRST_PORT, FIRST_PORT + PORTS):
        try:
            free_port(listen, port)
        except (OSError, OverflowError, UnicodeError, TypeError):  # taken; no port; no name of a machine
            continue
        if wanted is None and port != FIRST_PORT:
            print(f"Port {FIRST_PORT} is taken, using {port}.")
        return port
    if wanted is None:
        raise Problem(
            f"the ports {FIRST_PORT} to {FIRST_PORT + PORTS - 1} are all taken at {listen}. Choose one with --port."
        )
    raise Problem(
        f"port {wanted} cannot be used at {listen}: something listens there, or it is not allowed. Choose another "
        "--port, or leave it out to take the next free one."
    )


def is_local(listen: str) -> bool:
    """Whether only this machine reaches a server that listens on `listen` (ComfyUI takes several, with commas)."""
    return all(one in ("localhost", "::1") or one.startswith("127.") for one in listen.split(","))


def _follow(server: Server) -> None:
    with server.log.open(encoding="utf-8", errors="replace") as stream:
        while True:
            text = stream.read()
            if text:
                print(text, end="", flush=True)
            elif server.process.poll() is not None:
                return
            else:
                time.sleep(0.3)
