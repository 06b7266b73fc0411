"""All that asks Ray for machines: joining a cluster or starting one here, and one actor for each server."""

import argparse
import importlib
import json
import lzma
import os
from collections.abc import Mapping, Sequence
from typing import Any

from ....runs.errors import BatchError
from ....runs.wire import Address
from ... import FRONT_DOOR
from . import actor

# This pack's own code as bytes, so that every machine of a cluster runs the same one wherever the pack lies there.

# What `worker` imports; it all stands on the standard library and aiohttp.
FOLDERS = ("common", "runs", "commands/batch/ray", "commands/private_host")
MODULES = ("__init__", "places", "terminal", "batch/__init__")
FILES = ("__init__.py", "armature.py", *(f"commands/{name}.py" for name in MODULES))


def packed_code() -> bytes:
    """Paths and texts of the modules. Below 100 kB Ray keeps it beside the actor, which then survives any lost machine."""
    root = FRONT_DOOR.parent
    paths = [root / name for name in FILES] + [path for folder in FOLDERS for path in (root / folder).rglob("*.py")]
    texts = {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in sorted(paths)}
    return lzma.compress(json.dumps(texts).encode())


# Names that Ray has options of its own for; all others are a cluster's own resources.
OPTIONS = {"CPU": "num_cpus", "GPU": "num_gpus", "memory": "memory"}
STORE_BYTES = 256 * 2**20


def import_ray() -> Any:
    """Ray. Raises BatchError where it is not installed."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        return importlib.import_module("ray")
    except ImportError:
        raise BatchError(
            "A batch on several servers needs the package ray, which is not installed. Install it into the Python that runs "
            "ComfyUI (python -m pip install ray), or give one --server and no --ray."
        ) from None


def join(ray: Any, address: str) -> None:
    """Joins the cluster at `address`, or starts one on this machine for ''. Raises BatchError."""
    if ray.is_initialized():
        return
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    try:
        if address:
            ray.init(address=address, **quiet)
        else:
            # The servers are elsewhere: here is nothing but their keepers, and the pictures on their way.
            ray.init(include_dashboard=False, num_cpus=1, object_store_memory=STORE_BYTES, **quiet)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BatchError(
            f"No Ray cluster answers at {address or 'this machine'}: {first} Start one with: ray start --head"
        ) from None


def parse_resources(texts: Sequence[str]) -> dict[str, float]:
    """What one server takes, from 'NAME=AMOUNT'. Raises BatchError."""
    resources: dict[str, float] = {}
    for text in texts:
        name, _, amount = (part.strip() for part in text.partition("="))
        try:
            resources[name] = float(amount)
        except ValueError:
            resources[name] = 0.0
        if not name or not resources[name] > 0:
            raise BatchError(f"--resources {text}: write it as NAME=AMOUNT, for example GPU=1 or CPU=4.")
    return resources


def count_servers(available: Mapping[str, float], wanted: Mapping[str, float]) -> int:
    """How many servers the cluster has room for. Raises BatchError when it has none."""
    count = min(int(available.get(name, 0) / amount) for name, amount in wanted.items())
    if count:
        return count
    has = ", ".join(f"{name}={amount:g}" for name, amount in available.items() if not name.startswith("node:"))
    asked = ", ".join(f"{name}={amount:g}" for name, amount in wanted.items())
    raise BatchError(
        f"The Ray cluster has no room for a server that takes {asked}; it has {has}. Say what one server takes with "
        "--resources, such as --resources CPU=4."
    )


def options_of(wanted: Mapping[str, float]) -> dict[str, Any]:
    """Ray's options for an actor that takes these resources."""
    own = {name: amount for name, amount in wanted.items() if name not in OPTIONS}
    options: dict[str, Any] = {"num_cpus": 0, "resources": own} if own else {"num_cpus": 0}
    return options | {OPTIONS[name]: amount for name, amount in wanted.items() if name in OPTIONS}


def start_actors(
    ray: Any, settings: Mapping[str, Any], addresses: Sequence[str], wanted: Mapping[str, float]
) -> dict[str, Any]:
    """One actor for each address; without any, one for each share of the cluster's resources. By names for people."""
    ray.cloudpickle.register_pickle_by_value(actor)
    code, shared = packed_code(), {"max_restarts": -1, "max_task_retries": 0, "max_concurrency": 1000}
    remote = ray.remote(actor.ServerActor)
    if addresses:
        placed = remote.options(num_cpus=0, scheduling_strategy="SPREAD", **shared)
        return {str(Address.parse(one)): placed.remote(code, {**settings, "address": one}) for one in addresses}
    number = count_servers(ray.cluster_resources(), wanted)
    placed = remote.options(scheduling_strategy="SPREAD", **options_of(wanted), **shared)
    return {f"server {one}": placed.remote(code, {**settings, "address": ""}) for one in range(1, number + 1)}


def wanted_resources(arguments: argparse.Namespace) -> dict[str, float]:
    """What one server takes: --resources, else one GPU."""
    return parse_resources(arguments.resources) or {"GPU": 1.0}
