"""Running .onnx files with what is there: onnxruntime, or OpenCV."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...common.file_stamp import file_stamp
from ..backends import MissingPackage
from ..model_files import ModelFile
from ..network import load_once
from ..weights import fetch_command, find_weights

Run = Callable[[np.ndarray], list[np.ndarray]]


def load_onnx(method: str, file: ModelFile) -> tuple[Run, str]:
    """(a function from [B,3,H,W] of float32 to the outputs of the network, the name of what runs it)."""
    path = find_weights(method, file)

    def make() -> tuple[Run, str]:
        for attempt in (_by_onnxruntime, _by_opencv):
            try:
                return attempt(str(path))
            except ImportError:
                continue
            except Exception as error:  # each of them has errors of its own kind for a file it cannot read
                raise ValueError(
                    f"{method}: {path} cannot be read ({type(error).__name__}: {str(error)[:200]}). Delete it and get it "
                    f"again with `{fetch_command(method)}`."
                ) from error
        raise MissingPackage(
            f"{method}: neither onnxruntime nor OpenCV is installed, one of which runs {path.name}. Install into ComfyUI's "
            "Python:\n    python -m pip install onnxruntime"
        )

    return load_once(file_stamp(path), make)


def _by_onnxruntime(path: str) -> tuple[Run, str]:
    import onnxruntime

    wanted = ("CUDAExecutionProvider", "CoreMLExecutionProvider", "CPUExecutionProvider")
    providers = [name for name in wanted if name in onnxruntime.get_available_providers()]
    session = onnxruntime.InferenceSession(path, providers=providers)
    taken = session.get_inputs()[0].name
    return lambda values: session.run(None, {taken: values}), f"onnxruntime ({session.get_providers()[0]})"


def _by_opencv(path: str) -> tuple[Run, str]:
    import cv2

    network = cv2.dnn.readNetFromONNX(path)
    names = network.getUnconnectedOutLayersNames()

    def run(values: np.ndarray) -> list[np.ndarray]:
        network.setInput(values)
        return list(network.forward(names))

    return run, "OpenCV"
