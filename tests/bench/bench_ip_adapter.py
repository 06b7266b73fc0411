"""What one IP-Adapter Plus costs per step on a full-size SD1.5 UNet at 512x512, beside ComfyUI_IPAdapter_plus.

Run by name: pytest tests/bench/bench_ip_adapter.py -s. Set ARMATURE_IPADAPTER_PLUS to a checkout of that pack to compare
with it in the same process; without it only our own figures are taken. Interleaved, so that a busy machine slows all alike.
"""

from __future__ import annotations

import gc
import importlib
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import comfy.model_management
import comfy.model_patcher
import comfy.supported_models
import pytest
import torch
from armature_pack.models.ip_adapter.apply import apply_ip_adapter
from armature_pack.models.ip_adapter.attention import ImageAttention
from armature_pack.models.ip_adapter.embeds import ImageEmbeds
from armature_pack.models.ip_adapter.loading import adapter_from_state_dict
from armature_pack.models.ip_adapter.settings import Settings
from armature_pack.tests.generated.weights import random_weights

sys.path.append(str(Path(__file__).parents[1] / "models" / "ip_adapter"))

pytestmark = pytest.mark.bench

PEER = os.environ.get("ARMATURE_IPADAPTER_PLUS", "")
ROUNDS, STEPS = 2, 1
SIZE = (64, 64)
_WIDTHS = [320, 320, 640, 640, 1280, 1280] + [1280] * 3 + [640] * 3 + [320] * 3 + [1280]


def full_size_model() -> Any:
    family = comfy.supported_models.SD15(
        {
            "image_size": 32,
            "in_channels": 4,
            "out_channels": 4,
            "model_channels": 320,
            "num_res_blocks": [2, 2, 2, 2],
            "channel_mult": [1, 2, 4, 4],
            "transformer_depth": [1, 1, 1, 1, 1, 1, 0, 0],
            "transformer_depth_output": [1] * 9 + [0] * 3,
            "transformer_depth_middle": 1,
            "context_dim": 768,
            "num_heads": 8,
            "use_spatial_transformer": True,
            "legacy": False,
        }
    )
    management = comfy.model_management
    device = management.get_torch_device()
    family.set_inference_dtype(torch.float16 if device.type == "cuda" else torch.float32, None)
    model = family.get_model({}, device="cpu")
    for parameter in model.parameters():
        parameter.fill_(0.01)  # what it computes does not matter here, only how long
    return comfy.model_patcher.CoreModelPatcher(model, device, management.unet_offload_device())


def plus_weights() -> dict[str, torch.Tensor]:
    """A file of the published sizes."""
    from ip_adapter_recipes import _perceiver, attention_shapes

    shapes: dict[str, tuple[int, ...]] = {"latents": (1, 16, 768), **_perceiver(768, 768, 1280, 768)}
    projection = {f"image_proj.{key}": shape for key, shape in shapes.items()}
    return random_weights(projection | attention_shapes(_WIDTHS, 768), 1, "float16")


def by_peer(model: Any, weights: dict[str, torch.Tensor], seen: torch.Tensor, nothing: torch.Tensor) -> Any:
    folder = Path(PEER).resolve()
    sys.path.insert(0, str(folder.parent))
    pack = importlib.import_module(f"{folder.name}.IPAdapterPlus")
    parts: dict[str, dict[str, torch.Tensor]] = {"image_proj": {}, "ip_adapter": {}}
    for key, value in weights.items():
        part, _, name = key.partition(".")
        parts[part][name] = value
    return pack.ipadapter_execute(model.clone(), parts, None, pos_embed=seen, neg_embed=nothing, weight=0.6)[0]


class Stopwatch:
    """Seconds spent in a function, the first call of each layer (which may fill a cache) left in."""

    def __init__(self, owner: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 0.0
        original: Callable[..., Any] = getattr(owner, name)

        def timed(*given: Any, **named: Any) -> Any:
            start = time.perf_counter()
            try:
                return original(*given, **named)
            finally:
                self.seconds += time.perf_counter() - start

        monkeypatch.setattr(owner, name, timed)

    def take(self) -> float:
        taken, self.seconds = self.seconds, 0.0
        return taken


def test_overhead_per_step(monkeypatch: pytest.MonkeyPatch) -> None:
    from ip_adapter_recipes import sampled

    with torch.inference_mode():
        model, weights = full_size_model(), plus_weights()
        generator = torch.Generator().manual_seed(1)
        seen, nothing = torch.randn(1, 257, 1280, generator=generator), torch.randn(1, 257, 1280, generator=generator)
        settings = Settings(embeds=ImageEmbeds("hidden", seen, nothing))
        contenders = {
            "plain": model,
            "armature": apply_ip_adapter(model, adapter_from_state_dict(weights, "plus"), settings).model,
        }
        watches = {"armature": Stopwatch(ImageAttention, "_of", monkeypatch)}
        if PEER:
            contenders["ipadapter_plus"] = by_peer(model, weights, seen, nothing)
            # Bound as a default of each patch when it was made, so it is watched where it is called from.
            module = importlib.import_module(f"{Path(PEER).name}.CrossAttentionPatch")
            watch = watches["ipadapter_plus"] = Stopwatch(module, "ipadapter_attention", monkeypatch)
            _watch_callbacks(contenders["ipadapter_plus"], module.ipadapter_attention)
            assert watch
        walls: dict[str, list[float]] = {name: [] for name in contenders}
        inside: dict[str, list[float]] = {name: [] for name in watches}
        for _ in range(ROUNDS):
            for name, contender in contenders.items():
                gc.collect()
                start = time.perf_counter()
                sampled(contender, size=SIZE, steps=STEPS)
                walls[name].append((time.perf_counter() - start) / STEPS)
                if name in watches:
                    inside[name].append(watches[name].take() / STEPS)
    print()
    for name, seconds in walls.items():
        own = f", {1000 * statistics.median(inside[name]):.1f} ms of it in image attention" if name in inside else ""
        print(f"{name}: {statistics.median(seconds):.2f} s per step (least {min(seconds):.2f}){own}")
    print(f"weights held beside the model: armature {_held(weights):.1f} MB (as in the file, offloaded by the host)")
    if PEER:
        print(
            f"                               ipadapter_plus {2 * _held(weights):.1f} MB (copied in float32 for each node)"
        )
        assert statistics.median(inside["armature"]) <= statistics.median(inside["ipadapter_plus"])


def _watch_callbacks(model: Any, callback: Any) -> None:
    for patch in model.model_options["transformer_options"]["patches_replace"]["attn2"].values():
        patch.callback = [callback]


def _held(weights: dict[str, torch.Tensor]) -> float:
    return sum(value.nbytes for value in weights.values()) / 1e6
