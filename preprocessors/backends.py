"""Optional packages, imported only when a method needs them, with an error that says how to get them."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import warnings
from types import ModuleType
from typing import Any


class MissingPackage(ValueError):
    """A method needs a Python package that is not installed."""


def need_opencv(title: str) -> Any:
    """The module cv2, or MissingPackage."""
    try:
        import cv2
    except ImportError:
        raise MissingPackage(
            f"{title}: OpenCV is missing. Install opencv-python-headless into ComfyUI's Python."
        ) from None
    return cv2


def need(title: str, module: str, package: str, instead: str = "") -> ModuleType:
    """An importable module of an optional package, or MissingPackage that says how to install it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingPackage(
            f"{title}: the Python package {package} is missing ({error}). Install it into ComfyUI's Python:\n"
            f"    python -m pip install {package}{instead}"
        ) from error


def controlnet_aux(title: str, module: str) -> ModuleType:
    """A module of the package controlnet_aux, which imports everything of itself at once.

    With mediapipe 0.10.30 or newer that import fails, so mediapipe is hidden for its duration.
    """
    hides = "mediapipe" not in sys.modules and importlib.util.find_spec("mediapipe") is not None
    if hides:
        sys.modules["mediapipe"] = None  # type: ignore[assignment]  # makes an import of it fail as if it were absent
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(f"controlnet_aux.{module}")
    except Exception as error:  # its own imports fail in many ways
        raise MissingPackage(
            f"{title}: the Python package controlnet_aux is missing or does not work ({type(error).__name__}: {error}). "
            "Install it into ComfyUI's Python; --no-deps keeps it from replacing your OpenCV:\n"
            "    python -m pip install --no-deps controlnet-aux timm importlib_metadata"
        ) from error
    finally:
        if hides:
            del sys.modules["mediapipe"]
