"""CPU seconds of the networks whose trained weights no package ships, on weights made at random, against comfyui_controlnet_aux.

Run by name, with ARMATURE_AUX, as bench_preprocessors.py: pytest tests/bench/bench_generated_networks.py -s. 1024 px.
What random weights draw is nothing to look at; what they cost is what trained ones cost.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from armature_pack.preprocessors.backends import controlnet_aux
from armature_pack.preprocessors.network import forget_networks

sys.path.append(str(Path(__file__).resolve().parents[1] / "preprocessors"))
sys.path.append(str(Path(__file__).resolve().parent))
import bench_preprocessors as bench
import real_weights

pytestmark = pytest.mark.bench
NODES: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "softedge_pidinet": ("pidinet", "PIDINET_Preprocessor", "execute", {"safe": "enable"}),
    "scribble_pidinet": ("scribble", "Scribble_PiDiNet_Preprocessor", "execute", {"safe": "enable"}),
    "softedge_teed": ("teed", "TEED_Preprocessor", "execute", {}),
    "lineart_realistic": ("lineart", "LineArt_Preprocessor", "execute", {"coarse": "disable"}),
    "lineart_coarse": ("lineart", "LineArt_Preprocessor", "execute", {"coarse": "enable"}),
    "lineart_anime": ("lineart_anime", "AnimeLineArt_Preprocessor", "execute", {}),
    "openpose": ("openpose", "OpenPose_Preprocessor", "estimate_pose", {}),
    "normal_bae": ("normalbae", "BAE_Normal_Map_Preprocessor", "execute", {}),
}


def theirs(name: str) -> Any:
    return importlib.import_module(f"custom_controlnet_aux.{name}")


def prefixed(network: torch.nn.Module) -> dict[str, Any]:
    return {f"module.{name}": value for name, value in network.state_dict().items()}


def anime() -> dict[str, Any]:
    norm = functools.partial(torch.nn.InstanceNorm2d, affine=False, track_running_stats=False)
    module = theirs("lineart_anime")
    return module.UnetGenerator(3, 1, 8, 64, norm_layer=norm, use_dropout=False).state_dict()


def bae() -> dict[str, Any]:
    names = {"mode": "client", "architecture": "BN", "pretrained": "scannet"}
    return {
        "model": theirs("normalbae")
        .NNET(SimpleNamespace(**names, sampling_ratio=0.4, importance_ratio=0.7))
        .state_dict()
    }


def nobody(network: torch.nn.Module) -> dict[str, Any]:
    """Weights of zero, under the names of the first release: no people, so that the time is the network's."""
    return {name.partition(".")[2]: torch.zeros_like(value) for name, value in network.state_dict().items()}


# Files below a folder of annotators, as both packs look for them, and what is in them.
ANNOTATORS = "lllyasviel/Annotators"
FILES = {
    f"{ANNOTATORS}/table5_pidinet.pth": lambda: {"state_dict": prefixed(theirs("pidi.model").pidinet()), "epoch": 1},
    f"{ANNOTATORS}/sk_model.pth": lambda: theirs("lineart").Generator(3, 1, 3).state_dict(),
    f"{ANNOTATORS}/sk_model2.pth": lambda: theirs("lineart").Generator(3, 1, 3).state_dict(),
    f"{ANNOTATORS}/netG.pth": anime,
    f"{ANNOTATORS}/scannet.pt": bae,
    f"{ANNOTATORS}/body_pose_model.pth": lambda: nobody(controlnet_aux("bench", "open_pose.model").bodypose_model()),
    f"{ANNOTATORS}/hand_pose_model.pth": lambda: nobody(controlnet_aux("bench", "open_pose.model").handpose_model()),
    f"{ANNOTATORS}/facenet.pth": lambda: controlnet_aux("bench", "open_pose.face").FaceNet().state_dict(),
    f"{ANNOTATORS}/5_model.pth": lambda: theirs("teed.ted").TED().state_dict(),
    "bdsqlsz/qinglong_controlnet-lllite/Annotators/7_model.pth": lambda: theirs("teed.ted").TED().state_dict(),
}


@pytest.fixture(scope="module", autouse=True)
def weights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """All files, made once; theirs reads where it is told before its first import."""
    import folder_paths

    place = tmp_path_factory.mktemp("ckpts")
    os.environ["AUX_ANNOTATOR_CKPTS_PATH"] = str(place)
    real_weights.controlnet_aux()
    bench.node_file("pidinet")
    torch.manual_seed(0)
    for name, make in FILES.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        torch.save(make(), place / name)
    folder_paths.folder_names_and_paths["annotators"] = ([str(place / ANNOTATORS)], set())
    forget_networks()
    yield
    forget_networks()


@pytest.mark.parametrize("batch", [1, 8])
@pytest.mark.parametrize("method", bench.asked(NODES))
def test_no_slower_than_comfyui_controlnet_aux(method, batch):
    if method == "openpose":
        pytest.importorskip("matplotlib")  # theirs wants it
    bench.against_their_node(method, batch, NODES[method])
