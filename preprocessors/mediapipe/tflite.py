"""Running .tflite files."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from ...common.file_stamp import file_stamp
from ..backends import need
from ..model_files import ANNOTATORS, ModelFile
from ..network import load_once
from ..weights import fetch_command, find_weights

Run = Callable[[torch.Tensor], list[np.ndarray]]

_PACKAGE = "mediapipe==0.10.21"


def mediapipe_file(id: str, file: str, bytes: int, sha256: str) -> ModelFile:
    """A file of Google's package, by its path among the package's modules."""
    path, megabytes = f"mediapipe/modules/{file}", round(bytes / 1e6, 2)
    return ModelFile(id, _PACKAGE, path, ANNOTATORS, "Apache-2.0", megabytes, bytes, sha256, source="pypi")


def load_tflite(method: str, file: ModelFile) -> Run:
    """A function from a picture [1,H,W,3] to the outputs of the network, in the file's own order. On the processor."""
    path = find_weights(method, file)

    def make() -> Run:
        module = need(method, "ai_edge_litert.interpreter", "ai-edge-litert")
        try:
            interpreter = module.Interpreter(model_path=str(path), num_threads=torch.get_num_threads())
            interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ValueError(
                f"{method}: {path} cannot be read ({str(error)[:200]}). Delete it and get it again with "
                f"`{fetch_command(method)}`."
            ) from error
        taken = interpreter.get_input_details()[0]["index"]
        given = [one["index"] for one in interpreter.get_output_details()]

        def run(picture: torch.Tensor) -> list[np.ndarray]:
            interpreter.set_tensor(taken, picture.to("cpu", torch.float32).contiguous().numpy())
            interpreter.invoke()
            return [interpreter.get_tensor(index).copy() for index in given]

        return run

    return load_once(file_stamp(path), make)
