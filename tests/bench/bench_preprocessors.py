"""CPU seconds of the shared methods against comfyui_controlnet_aux, controlnet_aux and the host's nodes, 1024 px, batch 1 and 8.

Run by name: pytest tests/bench/bench_preprocessors.py -s. ARMATURE_AUX names a checkout of comfyui_controlnet_aux to compare
with; ARMATURE_BENCH_METHODS (names with commas) takes fewer methods. All runs in one process, ours and theirs in turns.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from armature_pack.preprocessors.backends import controlnet_aux
from armature_pack.preprocessors.control_map import control_map
from armature_pack.preprocessors.network import forget_networks
from armature_pack.preprocessors.registry import find_method
from PIL import Image
from skimage import data

sys.path.append(str(Path(__file__).resolve().parents[1] / "preprocessors"))
import real_mlsd
import real_weights

pytestmark = pytest.mark.bench
SIZE, TURNS = 1024, int(os.environ.get("ARMATURE_BENCH_TURNS", "3"))
LEARNED = ("softedge_hed", "scribble_hed", "mlsd")
# method -> (their file, class, name of its function, arguments): the nodes of comfyui_controlnet_aux.
NODES: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "canny": ("canny", "Canny_Edge_Preprocessor", "execute", {}),
    "lineart_standard": ("lineart_standard", "Lineart_Standard_Preprocessor", "execute", {}),
    "scribble_xdog": ("scribble", "Scribble_XDoG_Preprocessor", "execute", {}),
    "binary": ("binary", "Binary_Preprocessor", "execute", {"bin_threshold": 100}),
    "color_grid": ("color", "Color_Preprocessor", "execute", {}),
    "recolor_luminance": ("recolor", "ImageLuminanceDetector", "execute", {}),
    "recolor_intensity": ("recolor", "ImageIntensityDetector", "execute", {}),
    "tile_resample": ("tile", "Tile_Preprocessor", "execute", {"pyrUp_iters": 3}),
    "shuffle": ("shuffle", "Shuffle_Preprocessor", "preprocess", {"seed": 1}),
    "softedge_hed": ("hed", "HED_Preprocessor", "execute", {"safe": "disable"}),
    "scribble_hed": ("hed", "Fake_Scribble_Preprocessor", "execute", {"safe": "enable"}),
    "mlsd": ("mlsd", "MLSD_Preprocessor", "execute", {"score_threshold": 0.1, "dist_threshold": 0.1}),
}
DETECTORS = {
    "canny": ("canny", "CannyDetector", {"detect_resolution": SIZE, "image_resolution": SIZE}),
    "lineart_standard": ("lineart_standard", "LineartStandardDetector", {"detect_resolution": SIZE}),
    "shuffle": ("shuffle", "ContentShuffleDetector", {"image_resolution": SIZE}),
}


def asked(methods: Any) -> list[str]:
    """The methods to measure: those of ARMATURE_BENCH_METHODS, or all."""
    wanted = [name for name in os.environ.get("ARMATURE_BENCH_METHODS", "").split(",") if name]
    return [method for method in methods if not wanted or method in wanted]


def image_of(batch: int) -> torch.Tensor:
    """The astronaut at 1024 x 1024, `batch` times."""
    pixels = Image.fromarray(data.astronaut()).resize((SIZE, SIZE), Image.Resampling.LANCZOS)
    return torch.from_numpy(np.asarray(pixels).copy())[None].repeat(batch, 1, 1, 1) / 255


def seconds(work: Callable[[], object]) -> float:
    """CPU seconds of one run."""
    start = time.process_time()
    work()
    return time.process_time() - start


def in_turns(first: Callable[[], object], second: Callable[[], object]) -> tuple[float, float]:
    """Medians of CPU seconds, one after the other and again, after a run of each to warm up."""
    first()
    second()
    times = [(seconds(first), seconds(second)) for _ in range(TURNS)]
    return statistics.median(one for one, _ in times), statistics.median(two for _, two in times)


def told(method: str, batch: int, ours: float, theirs: float, other: str) -> None:
    """One line of the table, as `pytest -s` shows it."""
    ratio = theirs / max(ours, 1e-9)
    print(f"{method:18} batch {batch}: ours {ours:.3f} s, {other} {theirs:.3f} s of CPU, ratio {ratio:.2f}")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """HED's and M-LSD's trained weights, where both packs look for them."""
    import folder_paths

    place = tmp_path_factory.mktemp("ckpts") / "lllyasviel" / "Annotators"
    place.mkdir(parents=True)
    shutil.copy(real_weights.hed_weights(), place)
    shutil.copy(real_mlsd.mlsd_weights(), place)
    real_weights.controlnet_aux()
    folder_paths.folder_names_and_paths["annotators"] = ([str(place)], set())
    os.environ["AUX_ANNOTATOR_CKPTS_PATH"] = str(place.parents[1])
    forget_networks()
    return place.parents[1]


def node_file(name: str) -> ModuleType:
    """A node file of the checkout of comfyui_controlnet_aux, by its name, loaded as the host would."""
    folder = Path(os.environ.get("ARMATURE_AUX", ""))
    if not (folder / "node_wrappers").is_dir():
        pytest.skip("set ARMATURE_AUX to a checkout of comfyui_controlnet_aux to compare with it")
    if "their_pack" not in sys.modules:
        sys.path.insert(0, str(folder / "src"))
        package = ModuleType("their_pack")
        package.__path__ = [str(folder)]
        sys.modules["their_pack"] = package
    return importlib.import_module(f"their_pack.node_wrappers.{name}")


def against_their_node(method: str, batch: int, node: tuple[str, str, str, dict[str, Any]]) -> None:
    """Ours and theirs in turns, with the options of each that mean the same."""
    file, name, function, arguments = node
    theirs_one = getattr(node_file(file), name)()
    image = image_of(batch)
    ours, theirs = in_turns(
        lambda: control_map(find_method(method), image, {}),
        lambda: getattr(theirs_one, function)(image, resolution=SIZE, **arguments),
    )
    told(method, batch, ours, theirs, "comfyui_controlnet_aux")
    assert ours < 1.15 * theirs, "more than what a busy machine explains"


@pytest.mark.parametrize("batch", [1, 8])
@pytest.mark.parametrize("method", asked(NODES))
@pytest.mark.usefixtures("weights")
def test_no_slower_than_comfyui_controlnet_aux(method, batch):
    if method in LEARNED and batch == 8 and not os.environ.get("ARMATURE_BENCH_METHODS"):
        pytest.skip("minutes on a processor; name it in ARMATURE_BENCH_METHODS")
    against_their_node(method, batch, NODES[method])


@pytest.mark.parametrize("batch", [1, 8])
@pytest.mark.parametrize("method", asked(DETECTORS))
def test_no_slower_than_controlnet_aux(method, batch):
    real_weights.controlnet_aux()
    module, detector, sizes = DETECTORS[method]
    theirs_one = getattr(controlnet_aux("bench", module), detector)()
    image = image_of(batch)

    def their_way() -> torch.Tensor:
        """As a node does it: to bytes, one picture at a time, and back."""
        frames = (image * 255).round().byte().numpy()
        maps = [np.array(theirs_one(frame, output_type="np", **sizes)) for frame in frames]
        return torch.from_numpy(np.stack(maps)).float() / 255

    ours, theirs = in_turns(lambda: control_map(find_method(method), image, {}), their_way)
    told(method, batch, ours, theirs, "controlnet_aux")
    assert ours < 1.3 * theirs


def test_canny_beats_the_hosts_node():
    """At 1024 px the host's node takes about a minute."""
    from comfy_extras.nodes_canny import Canny

    side = int(os.environ.get("ARMATURE_BENCH_CANNY", "256"))
    image = torch.nn.functional.interpolate(image_of(1).movedim(-1, 1), (side, side), mode="area").movedim(1, -1)
    control_map(find_method("canny"), image, {})
    ours = statistics.median(seconds(lambda: control_map(find_method("canny"), image, {})) for _ in range(5))
    theirs = seconds(lambda: Canny.execute(image, 0.4, 0.8))
    told(f"canny {side} px", 1, ours, theirs, "ComfyUI's node")
    assert theirs > (800 if side >= SIZE else 10) * ours
