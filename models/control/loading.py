"""Loading any file that can steer a sampling, with an error that names the file when it cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import comfy.model_management
import torch

from ..controlnext.loading import load_controlnext
from ..files.container import container_of, read_any_header
from ..files.identify import identify_tensors
from ..files.identity import Tensors
from ..files.layouts.controlnext import control_prefixes
from ..files.reading import check_readable, read_state_dict
from ..files.wrong_kind import kind_of, told_kind
from ..host import find_file, host_extra, host_nodes
from .model_patch.flux2_fun import load_flux2_fun
from .model_patch.kinds import KINDS as PATCH_KINDS
from .model_patch.lllite import load_lllite
from .model_patch.net import model_patch_net

FOLDER, PATCHES = "controlnet", "model_patches"
FOLDERS = (FOLDER, PATCHES)
_HOST_LOADS = ("a ControlNet", "a T2I-Adapter")


def load_control_net(name: str) -> Any:
    """CONTROL_NET of a ControlNet, Control-LoRA, T2I-Adapter or ControlNeXt file in the folder `controlnet`.

    The host loads all but ControlNeXt. Raises ValueError, naming the file and what to do, for a file that is missing,
    damaged, or of another kind.
    """
    path = path_of(name)
    check_readable(path)
    shapes = read_any_header(path).shapes if container_of(path) else {}
    if control_prefixes(shapes):
        return load_controlnext(path)
    identity = identify_tensors(Tensors(shapes))
    own = _LOADERS.get(identity.layout if identity.kind == "model_patch" else identity.kind)
    if own is not None:
        return _own(name, path, own)
    if identity.kind == "model_patch" and identity.layout in {kind.layout for kind in PATCH_KINDS}:
        return _patch(name, path)
    known = kind_of(shapes)
    if known is not None and known[0] not in _HOST_LOADS:
        raise ValueError(told_kind(name, shapes, "a control net", "choose another here."))
    return _loaded_by_host(name)


def _own(name: str, path: Path, load: Callable[[Mapping[str, torch.Tensor]], Any]) -> Any:
    """A control that acts inside the model and that the host has no loader for."""
    with _told(name):
        return model_patch_net(load(read_state_dict(path)), name)


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Say of which file an error is that a loader raises for a layer too few, or one of another shape."""
    try:
        yield
    except (MemoryError, torch.OutOfMemoryError, comfy.model_management.OOM_EXCEPTION):
        raise
    except Exception as error:  # loaders raise about everything for a file that is not what they expect
        told = " ".join(str(error).split())[:200] or type(error).__name__
        raise ValueError(
            f"The control net '{name}' cannot be loaded ({told}). It is not whole, or packed in a form that is not known here. "
            "Download it again, best as bf16 or fp16 safetensors."
        ) from error


def _lllite(weights: Mapping[str, torch.Tensor]) -> Any:
    shapes = {key: tuple(value.shape) for key, value in weights.items()}
    return load_lllite(weights, identify_tensors(Tensors(shapes)).families[0])


_LOADERS: Mapping[str, Callable[[Mapping[str, torch.Tensor]], Any]] = {
    "control_lllite": _lllite,
    "flux2_fun": load_flux2_fun,
}


def _patch(name: str, path: Path) -> Any:
    """A control that the host applies as a patch of the MODEL, carried by a CONTROL_NET."""
    import folder_paths

    found = folder_paths.get_full_path(PATCHES, name)
    if found is None or not Path(found).samefile(path):
        taken = "" if found is None else f" under another name, as there is a file '{name}' already,"
        raise ValueError(
            f"The file '{name}' is a model patch, and ComfyUI loads those from models/{PATCHES}. Move it there{taken} and "
            "refresh the page (key R)."
        )
    with _told(name):
        patch = host_extra("nodes_model_patch").ModelPatchLoader().load_model_patch(name)[0]
    return model_patch_net(patch, name)


def path_of(name: str) -> Path:
    """Where a file of the folder `controlnet` lies; ValueError when there is none."""
    import folder_paths

    is_patch = folder_paths.get_full_path(FOLDER, name) is None and PATCHES in folder_paths.folder_names_and_paths
    found = folder_paths.get_full_path(PATCHES, name) if is_patch else None
    return find_file(name, FOLDER, what="control net") if found is None else Path(found)


def _loaded_by_host(name: str) -> Any:
    try:
        return host_nodes().ControlNetLoader().load_controlnet(name)[0]
    except (MemoryError, torch.OutOfMemoryError, comfy.model_management.OOM_EXCEPTION):
        raise
    except Exception as error:  # the host's loaders raise about everything for a file that is not what they expect
        told = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(
            f"ComfyUI cannot load '{name}' as a control net ({told}). It is damaged, or no ControlNet, Control-LoRA, "
            "T2I-Adapter or ControlNeXt file. Download it again, best as safetensors, or choose another."
        ) from error
