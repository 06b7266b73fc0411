"""Networks under the host's model management: loaded once, kept between runs, moved out when the host needs room."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from ..common.file_stamp import file_stamp
from .backends import MissingPackage
from .weights import fetch_command

Build = Callable[[dict[str, Any]], torch.nn.Module]

_MOST_LOADED = 3  # networks whose weights stay in memory; the one used longest ago goes first
_loaded: OrderedDict[tuple[Any, ...], Any] = OrderedDict()


def load_network(method: str, file: Path, build: Build) -> Any:
    """The host's ModelPatcher around the network that `build` makes of the file's state dict; kept for the next run."""
    return load_once((build.__module__, build.__qualname__, *file_stamp(file)), lambda: _load(method, file, build))


def load_once(key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
    """What `make` makes, made once for each key while it is among the last ones used."""
    if key not in _loaded:
        _loaded[key] = make()
    _loaded.move_to_end(key)
    while len(_loaded) > _MOST_LOADED:
        _loaded.popitem(last=False)
    return _loaded[key]


def forget_networks() -> None:
    """Let go of all that is kept; the host frees the memory."""
    _loaded.clear()


class NetworkHolder(torch.nn.Module):
    """A network as the host can hold it: the host writes a `device` onto what it holds, which some networks forbid."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network


def managed(network: torch.nn.Module) -> Any:
    """A ModelPatcher of the host around a network for inference."""
    import comfy.model_management as management
    from comfy.model_patcher import CoreModelPatcher

    held = NetworkHolder(network.eval().requires_grad_(False))
    return CoreModelPatcher(
        held, load_device=management.get_torch_device(), offload_device=management.unet_offload_device()
    )


def ready(patcher: Any, bytes_needed: int) -> tuple[torch.nn.Module, torch.device]:
    """The network on its device, with room for `bytes_needed` of activations, and that device."""
    import comfy.model_management as management

    management.load_models_gpu([patcher], memory_required=bytes_needed)
    return patcher.model.network, patcher.load_device


def read_weights(method: str, file: Path) -> dict[str, Any]:
    """The state dict of a file, read without running anything from it; ValueError for a damaged one."""
    import comfy.utils

    try:
        weights: Any = comfy.utils.load_torch_file(str(file), safe_load=True)
    except UnpicklingError as error:  # torch's own words tell how to run what is in it
        raise ValueError(
            f"{method}: {file} cannot be read: it is damaged, or holds more than weights, which is never run. Delete it and "
            f"get it again with `{fetch_command(method)}`."
        ) from error
    except Exception as error:
        raise ValueError(
            f"{method}: {file} cannot be read ({type(error).__name__}: {str(error)[:200]}). It is damaged or no weight file: "
            f"delete it and get it again with `{fetch_command(method)}`."
        ) from error
    return weights


def fill(network: torch.nn.Module, weights: dict[str, Any]) -> torch.nn.Module:
    """`network` with the weights; ValueError in words when they belong to another network."""
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(str(error).partition("\n\t")[2] or str(error)) from error
    return network


def _load(method: str, file: Path, build: Build) -> Any:
    weights = read_weights(method, file)
    try:
        return managed(build(weights))
    except MissingPackage:
        raise
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{method}: {file} holds weights of another network: {str(error)[:200]}. Put the right file in its place, or "
            f"get it with `{fetch_command(method)}`."
        ) from error
