"""What only the running host knows: folders, versions, device. Its modules are imported when asked."""

import datetime
import re
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ...common.pack_version import pack_version
from .record import is_file

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")
# Packages that preprocessors compute with, by the module that is loaded when they did.
COMPUTING = {
    "cv2": ("opencv-python-headless", "opencv-python", "opencv-contrib-python", "opencv-contrib-python-headless"),
    "controlnet_aux": ("controlnet-aux",),
    "skimage": ("scikit-image",),
    "transformers": ("transformers",),
    "kornia": ("kornia",),
    "mediapipe": ("mediapipe",),
    "onnxruntime": ("onnxruntime", "onnxruntime-gpu"),
    "scipy": ("scipy",),
    "numpy": ("numpy",),
    "PIL": ("pillow",),
}


@dataclass(frozen=True)
class FoundModel:
    """A model file: the host's name for its folder, and where it lies."""

    folder: str
    path: Path


class HostFacts:
    """The host that this process is."""

    def place(self, prefix: str, width: int, height: int) -> tuple[Path, str, int, str]:
        """(folder, stem, first free number, subfolder) for pictures of a prefix, as the host's own Save Image finds them."""
        import folder_paths

        try:
            folder, stem, counter, subfolder, _ = folder_paths.get_save_image_path(
                prefix, folder_paths.get_output_directory(), width, height
            )
        except Exception as error:  # the host raises a bare Exception
            raise ValueError(f"Save Record, input filename_prefix: {prefix!r} cannot be used: {error}") from None
        return Path(folder), stem, counter, subfolder

    @property
    def with_metadata(self) -> bool:
        """Whether the host was told to write metadata into pictures."""
        from comfy.cli_args import args

        return not args.disable_metadata

    @property
    def hash_store(self) -> Path:
        """Where the sums of model files are kept."""
        import folder_paths

        return Path(folder_paths.get_user_directory()) / "armature" / "model_hashes.sqlite"

    def find_model(self, name: str) -> FoundModel | None:
        """The model file that nodes call `name`; None when no model folder has it."""
        import folder_paths

        for folder in folder_paths.folder_names_and_paths:
            if folder not in ("custom_nodes", "configs"):
                path = folder_paths.get_full_path(folder, name)
                if path is not None and Path(path).is_file():
                    return FoundModel(folder, Path(path))
        return None

    def find_input(self, name: str) -> Path | None:
        """The picture in the input folder (or 'x.png [output]') that nodes call `name`; None for anything else."""
        import folder_paths

        plain = re.sub(r" \[(input|output|temp)\]$", "", name)
        if not plain.lower().endswith(PICTURES) or len(name) > 1000 or "\0" in name:
            return None
        path = Path(folder_paths.get_annotated_filepath(name)).resolve()
        roots = (
            folder_paths.get_input_directory(),
            folder_paths.get_output_directory(),
            folder_paths.get_temp_directory(),
        )
        inside = any(path.is_relative_to(Path(root).resolve()) for root in roots)
        return path if inside and is_file(path) else None

    def find_output(self, shown: Mapping[str, Any]) -> Path | None:
        """The file that a node showed, by the host's name for it: filename, subfolder, type. None for anything else."""
        import folder_paths

        root = folder_paths.get_directory_by_type(str(shown.get("type", "output")))
        if root is None:
            return None
        path = (Path(root) / str(shown.get("subfolder", "")) / str(shown.get("filename", ""))).resolve()
        return path if path.is_relative_to(Path(root).resolve()) and is_file(path) else None

    @property
    def input_folder(self) -> Path:
        """Where nodes that load pictures look for them."""
        import folder_paths

        return Path(folder_paths.get_input_directory())

    def versions(self) -> dict[str, str]:
        """Versions of Armature, the host, torch, and of what preprocessors compute with."""
        import comfyui_version
        import torch

        found = {"armature": pack_version(), "comfyui": comfyui_version.__version__, "torch": str(torch.__version__)}
        for module, packages in COMPUTING.items():
            if module in sys.modules and (known := _version(*packages)):
                found[module] = known
        return found

    def device(self) -> dict[str, Any]:
        """What the sampling ran on."""
        import comfy.model_management
        import torch

        device = comfy.model_management.get_torch_device()
        deterministic = torch.are_deterministic_algorithms_enabled()
        return {
            "type": device.type,
            "name": comfy.model_management.get_torch_device_name(device),
            "threads": torch.get_num_threads(),
            "deterministic": deterministic,
        }


def _version(*packages: str) -> str:
    for name in packages:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return ""


# When the run that is going on was queued and began, by the host; its own account of that is complete only after the end.

MOST = 32
_STARTED: dict[str, float] = {}


def note_start(clock: Callable[[], float] = time.time) -> None:
    """Notes the time for the running prompt, at the first call alone. Called before the first of its nodes runs."""
    prompt_id = _running_id()
    if prompt_id and prompt_id not in _STARTED:
        while len(_STARTED) >= MOST:
            del _STARTED[next(iter(_STARTED))]
        _STARTED[prompt_id] = clock()


def run_times(clock: Callable[[], float] = time.time) -> dict[str, Any]:
    """queued, started and saved in UTC, and the seconds from start to now; None for what is not known."""
    now, prompt_id = clock(), _running_id()
    started = _STARTED.get(prompt_id)
    return {
        "queued": _text(_queued(prompt_id)),
        "started": _text(started),
        "saved": _text(now),
        "seconds": None if started is None else round(now - started, 3),
    }


def _text(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).isoformat(timespec="milliseconds")


def _running_id() -> str:
    progress = sys.modules.get("comfy_execution.progress")  # absent outside the host
    return str(progress.get_progress_state().prompt_id) if progress is not None else ""


def _queued(prompt_id: str) -> float | None:
    server = sys.modules.get("server")
    queue = getattr(getattr(getattr(server, "PromptServer", None), "instance", None), "prompt_queue", None)
    for item in list(getattr(queue, "currently_running", {}).values()):
        created = item[3].get("create_time") if len(item) > 3 and item[1] == prompt_id else None
        if isinstance(created, int | float):
            return created / 1000
    return None
