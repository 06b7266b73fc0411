"""What we ask of the host itself: its top-level modules, what it runs, where a model file lies, a word to its front ends."""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any


def host_nodes() -> Any:
    """The host's module `nodes`. Imported by name at run time: a checker would take our own folder for it."""
    return importlib.import_module("nodes")


def running_id() -> str | None:
    """The id of the prompt that runs now; None outside of one."""
    from comfy_execution.utils import get_executing_context

    context = get_executing_context()
    return None if context is None else context.prompt_id


def host_extra(name: str) -> Any:
    """A module of the host's `comfy_extras`, such as `nodes_model_patch`."""
    return importlib.import_module(f"comfy_extras.{name}")


def put_under_management(module: Any, load_device: Any = None) -> Any:
    """A ModelPatcher for a module; the class is looked up at call time, because the host replaces it when it starts.

    load_device: where it runs, the host's own device unless given.
    """
    import comfy.model_management
    import comfy.model_patcher

    management = comfy.model_management
    return comfy.model_patcher.CoreModelPatcher(
        module,
        load_device=load_device or management.get_torch_device(),
        offload_device=management.unet_offload_device(),
    )


@contextmanager
def keeping_loaded() -> Iterator[None]:
    """Runs other models in the middle of a sampling: what they push out of the device's memory is loaded again behind them."""
    import comfy.model_management

    used = comfy.model_management.loaded_models(only_currently_used=True)
    loaded = [one for one in used if one is not None]  # the host's list also holds what is gone already
    try:
        yield
    finally:
        comfy.model_management.load_models_gpu(loaded)


@contextmanager
def cast_weights(layer: Any, like: Any) -> Iterator[tuple[Any, Any]]:
    """Weight and bias of a host's layer in the dtype and on the device of a tensor, wherever the host keeps them.

    Inside alone: newer hosts use their place again afterwards, and want to be told when.
    """
    import comfy.ops

    newer = vars(comfy.ops).get("CastBiasWeightContext")
    if newer is None:
        yield comfy.ops.cast_bias_weight(layer, like)
    else:
        with newer(layer, like, offloadable=True) as cast:
            yield cast


def running_prompt() -> Mapping[str, Any] | None:
    """The prompt that runs now; None when none does, or several do."""
    server = sys.modules.get("server")  # absent in unit tests
    queue = getattr(getattr(getattr(server, "PromptServer", None), "instance", None), "prompt_queue", None)
    running = list(getattr(queue, "currently_running", {}).values())
    prompt = running[0][2] if len(running) == 1 and len(running[0]) > 2 else None
    return prompt if isinstance(prompt, Mapping) else None


# Where a model file lies, by the name that a node's list gives.


def find_file(name: str, folder: str, what: str, otherwise: str = "choose another") -> Path:
    """Path of a file in one of the host's model folders; ValueError naming the folder's paths when there is none.

    what: the kind of file, otherwise: what else the person can do, both for the message.
    """
    import folder_paths

    path = folder_paths.get_full_path(folder, name)
    if path is None:
        raise ValueError(
            f"There is no {what} '{name}' in the folders {', '.join(folder_paths.get_folder_paths(folder))}. "
            f"Put the file there and refresh the page (key R), or {otherwise}."
        )
    return Path(path)


# Saying what a person should know while a graph runs: in the log, and on the node that is running.

_log = logging.getLogger("armature")


def note(message: str) -> None:
    """Log what is good to know and asks for nothing."""
    _log.info("[Armature] %s", message)


_told: ContextVar[list[str] | None] = ContextVar("told", default=None)


@contextmanager
def collect_told() -> Iterator[list[str]]:
    """The list of all that is told inside, in this thread: for the report of what was done there."""
    told: list[str] = []
    before = _told.set(told)
    try:
        yield told
    finally:
        _told.reset(before)


def tell(message: str) -> None:
    """Log a warning and show it on the running node in the front end, where there is one."""
    _log.warning("[Armature] %s", message)
    told = _told.get()
    if told is not None:
        told.append(message)
    server = sys.modules.get("server")  # absent in unit tests; importing it would start half the host
    instance = getattr(getattr(server, "PromptServer", None), "instance", None)
    node_id = running_node()
    if instance is not None and node_id is not None:
        for client in _front_ends(instance):
            instance.send_progress_text(message, node_id, client)


def _front_ends(server: Any) -> list[str | None]:
    """The clients that said what they understand, as the front end does. Plain ones may take any binary message for a picture."""
    clients = getattr(server, "sockets_metadata", None)
    if clients is None:  # a host that does not know; None: everyone
        return [None]
    return [client for client, told in list(clients.items()) if told.get("feature_flags")]


def running_node() -> str | None:
    """The id of the node that runs now; None outside of one."""
    from comfy_execution.utils import get_executing_context

    context = get_executing_context()
    return None if context is None else context.node_id
