"""Loading any file that can steer a sampling, with an error that names the file when it cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import comfy.model_management
import torch

from ..controlnext.loading import load_controlnext
from ..files.container import container_of, read_any_header
from ..files.layouts.controlnext import control_prefixes
from ..files.reading import check_readable
from ..files.wrong_kind import kind_of, told_kind
from ..host import find_file, host_nodes

FOLDER = "controlnet"
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
    known = kind_of(shapes)
    if known is not None and known[0] not in _HOST_LOADS:
        raise ValueError(told_kind(name, shapes, "a control net", "choose another here."))
    return _loaded_by_host(name)


def path_of(name: str) -> Path:
    """Where a file of the folder `controlnet` lies; ValueError when there is none."""
    return find_file(name, FOLDER, what="control net")


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
