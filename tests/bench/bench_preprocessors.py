"""CPU seconds of the shared methods against controlnet_aux and the host's nodes, 1024 px, batch 1 and 8.

Run by name: pytest tests/bench/bench_preprocessors.py -s. Compares what runs in one process on this machine, in turns.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from armature_pack.preprocessors.backends import controlnet_aux
from armature_pack.preprocessors.control_map import control_map
from armature_pack.preprocessors.registry import find_method
from PIL import Image
from skimage import data

sys.path.append(str(Path(__file__).resolve().parents[1] / "preprocessors"))

pytestmark = pytest.mark.bench
SIZE, ROUNDS = 1024, 3


def picture() -> np.ndarray:
    return np.asarray(Image.fromarray(data.astronaut()).resize((SIZE, SIZE), Image.Resampling.LANCZOS))


def seconds(work: Callable[[], object]) -> float:
    """The least CPU time of some rounds, after one to warm up."""
    work()
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


@pytest.mark.parametrize("batch", [1, 8])
@pytest.mark.parametrize(
    ("method", "module", "detector"),
    [
        ("canny", "canny", "CannyDetector"),
        ("lineart_standard", "lineart_standard", "LineartStandardDetector"),
        ("shuffle", "shuffle", "ContentShuffleDetector"),
    ],
)
def test_no_slower_than_controlnet_aux(method, module, detector, batch):
    import real_weights

    real_weights.controlnet_aux()
    pixels = picture()
    image = (torch.from_numpy(pixels)[None] / 255).repeat(batch, 1, 1, 1)
    theirs = getattr(controlnet_aux("bench", module), detector)()
    sizes = {} if method == "lineart_standard" else {"image_resolution": SIZE}

    def their_way() -> torch.Tensor:
        """As a node does it: to bytes, one picture at a time, and back."""
        frames = (image * 255).round().byte().numpy()
        if method != "shuffle":
            sizes["detect_resolution"] = SIZE
        maps = [np.array(theirs(frame, output_type="np", **sizes)) for frame in frames]
        return torch.from_numpy(np.stack(maps)).float() / 255

    ours, others = seconds(lambda: control_map(find_method(method), image, {})), seconds(their_way)
    print(f"{method:18} batch {batch}: ours {ours:.3f} s, controlnet_aux {others:.3f} s of CPU")
    assert ours < 1.5 * others


def test_canny_beats_the_hosts_node():
    from comfy_extras.nodes_canny import Canny

    small = torch.from_numpy(picture()[::4, ::4].copy())[None] / 255
    ours = seconds(lambda: control_map(find_method("canny"), small, {}))
    start = time.process_time()
    Canny.execute(small, 0.4, 0.8)
    theirs = time.process_time() - start
    print(f"canny at 256 px: ours {ours:.4f} s, ComfyUI's node {theirs:.2f} s of CPU")
    assert theirs > 10 * ours
