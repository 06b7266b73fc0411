"""What a control costs that ComfyUI applies as a model patch, through a stack and by the host's own node: A B A B, medians.

Run it in the host's Python:  ARMATURE_COMFYUI=/path/to/ComfyUI python tests/bench/bench_model_patch.py [rounds] [side]
The tests' networks at eight times their width and `side` pixels of the latent, one thread, processor time. Our share is linear
in the width and that of the network quadratic, so it weighs more here than on released ones, which are two to ten times as wide.
"""

from __future__ import annotations

import importlib
import statistics
import sys
import time
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "models" / "control" / "model_patch")]
importlib.import_module("conftest").prepare_host()  # it also puts the host on the path and loads the pack

import comfy.ldm.lumina.controlnet  # noqa: E402
import small_transformers as small  # noqa: E402
import test_model_patch_net as through  # noqa: E402
import torch  # noqa: E402
from comfy_extras.nodes_model_patch import QwenImageBlockWiseControlNet  # noqa: E402
from small_transformers import CASES, Case, model, prompt, sampled  # noqa: E402

STEPS = 4
WIDE: dict[str, dict[str, Any]] = {
    "qwen_image": {"attention_head_dim": 64, "num_attention_heads": 8, "axes_dims_rope": (16, 24, 24)},
    "z_image": {"dim": 768, "n_heads": 12, "n_kv_heads": 12},
    "anima": {"model_channels": 512, "num_heads": 8},
    "wan": {"dim": 384, "ffn_dim": 768, "num_heads": 8},
}
KINDS = ("z_image", "qwen", "anima", "uni3c")


def wide_patch(name: str, seed: int = 1) -> Any:
    """MODEL_PATCH for the wide models."""
    factory: dict[str, Any] = {"device": "cpu", "dtype": torch.float32, "operations": small.OPERATIONS}
    if name == "qwen":
        module: Any = QwenImageBlockWiseControlNet(num_layers=3, dim=512, **factory)
    elif name == "z_image":
        sizes = {"multiple_of": 32, "ffn_dim_multiplier": 0.5, "n_control_layers": 6}
        module = comfy.ldm.lumina.controlnet.ZImage_Control(dim=768, n_heads=12, n_kv_heads=12, **sizes, **factory)
    else:
        module = small.lllite(width=512) if name == "anima" else small.uni3c(384)
    return small.as_patch(module, seed)


def seconds(patched: Any, conds: tuple[Any, Any], shape: tuple[int, ...]) -> float:
    start = time.process_time()
    sampled(patched, *conds, shape, steps=STEPS)
    return time.process_time() - start


def ways(case: Case, side: int) -> dict[str, tuple[Any, tuple[Any, Any]]]:
    """(MODEL, conditionings) of each way to apply the control."""
    image = case.image(3, side, side)
    mask = torch.zeros(1, side * 8, side * 8)
    mask[..., : side * 4] = 1
    plain = prompt(case.family, 1), prompt(case.family, 2)
    return {
        "host's node": (through.by_host(case, image, 0.7), plain),
        "stack": (model(case.family), through.stacked(case, through.signal(case, image, weight=0.7))),
        "stack, mask": (model(case.family), through.stacked(case, through.signal(case, image, weight=0.7, mask=mask))),
    }


def main(rounds: int, side: int) -> None:
    """Print a table: seconds, and the ratio to the host's node."""
    torch.set_num_threads(1)
    for family, sizes in WIDE.items():
        settings, config, kind = small.FAMILIES[family]
        small.FAMILIES[family] = settings, {**config, **sizes}, kind
    patches = {name: wide_patch(name) for name in KINDS}
    through.model_patch = patches.__getitem__
    print(f"latent of {side}x{side}, {STEPS} guided steps, {rounds} rounds, torch {torch.__version__}, one thread\n")
    print("| | host's node | stack | ratio | with a mask |\n|---|---|---|---|---|")
    with torch.inference_mode():
        for name in KINDS:
            case = CASES[name]
            shape = case.shape(1, side, side)
            spent: dict[str, list[float]] = {}
            for number in range(rounds + 1):  # the first round only warms up
                for way, (patched, conds) in ways(case, side).items():
                    taken = seconds(patched, conds, shape)
                    if number:
                        spent.setdefault(way, []).append(taken)
            host, stack, masked = spent.values()
            ratios = [statistics.median(a / b for a, b in zip(mine, host, strict=True)) for mine in (stack, masked)]
            medians = [statistics.median(one) for one in (host, stack)]
            print(f"| {name} | {medians[0]:.2f} | {medians[1]:.2f} | {ratios[0]:.3f} | {ratios[1]:.3f} |")


if __name__ == "__main__":
    arguments = [int(value) for value in sys.argv[1:]]
    main(*(arguments + [5, 64][len(arguments) :]))
