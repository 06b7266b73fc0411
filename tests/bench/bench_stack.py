"""What a control stack costs beside the host's own chain, and what each saving saves: A B A B, medians of processor time.

Run it in the host's Python:  ARMATURE_COMFYUI=/path/to/ComfyUI python tests/bench/bench_stack.py [rounds] [side]
Full-size SD1.5 networks on the processor, `side` pixels a side. Processor time of one thread is measured, not the clock, so that
other work on the machine weighs little. The error of a saving is the RMS difference of its latent from the stack's without it,
over the RMS of what the control changes; on generated weights, which make no pictures. On a busy machine processor times still
vary by several percent, so the time spent in the links' own code, outside the control nets, is measured apart.
"""

from __future__ import annotations

import importlib
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "bench"), str(TESTS / "models" / "controlnext")]
importlib.import_module("conftest").prepare_host()  # it also puts the host on the path and loads the pack

import comfy.sample  # noqa: E402
import torch  # noqa: E402
from armature_pack.models.control.apply import apply_stack  # noqa: E402
from armature_pack.models.control.savings import (  # noqa: E402
    NONE,
    InnerCall,
    Savings,
)
from armature_pack.models.control.signal import ControlSignal  # noqa: E402
from armature_pack.models.control.signal_control import SignalControl  # noqa: E402
from armature_pack.models.control.stack import ControlStack  # noqa: E402
from armature_pack.models.host import host_nodes  # noqa: E402
from full_size import base_model, controlnet  # noqa: E402

STEPS = 4
SAVINGS = {
    "conditional half only": Savings(conditional_only=True),
    "residuals of every 2nd step": Savings(every=2),
    "stop at 60 %": Savings(until=0.6),
    "fast (every 2nd step, stop at 60 %)": Savings(every=2, until=0.6),
}


def plain_conditioning() -> tuple[Any, Any]:
    return tuple([[torch.randn(1, 77, 768, generator=torch.Generator().manual_seed(seed)), {}]] for seed in (1, 2))  # type: ignore[return-value]


def signals(net: Any, side: int, count: int, **settings: Any) -> tuple[ControlSignal, ...]:
    generator = torch.Generator().manual_seed(3)
    images = [torch.rand(1, side, side, 3, generator=generator) for _ in range(count)]
    return tuple(ControlSignal(net, image, weight=0.7, **settings) for image in images)


def native(plain: tuple[Any, Any], chosen: tuple[ControlSignal, ...]) -> tuple[Any, Any]:
    """The host's own chain."""
    node = host_nodes().ControlNetApplyAdvanced()
    for one in chosen:
        plain = node.apply_controlnet(*plain, one.control_net, one.image, one.weight, one.start, one.end)
    return plain


def stacked(plain: tuple[Any, Any], chosen: tuple[ControlSignal, ...], savings: Savings = NONE) -> tuple[Any, Any]:
    applied = apply_stack(*plain, ControlStack(chosen), savings=savings)
    return applied.positive, applied.negative


def seconds(model: Any, conds: tuple[Any, Any], side: int) -> tuple[float, torch.Tensor]:
    """Processor seconds of a sampling, and its latent."""
    noise = torch.randn(1, 4, side // 8, side // 8, generator=torch.Generator().manual_seed(0))
    start = time.process_time()
    latent = comfy.sample.sample(
        model, noise, STEPS, 7.0, "euler", "normal", *conds, torch.zeros_like(noise), seed=1, disable_pbar=True
    )
    return time.process_time() - start, latent


@contextmanager
def own_seconds() -> Iterator[dict[str, float]]:
    """Adds up the processor time in the links (`links`) and, within it, in the control nets (`nets`)."""
    spent = {"links": 0.0, "nets": 0.0}
    originals = (SignalControl.get_control, InnerCall.residuals)
    depth = 0

    def link(self: Any, *args: Any) -> Any:
        nonlocal depth
        depth += 1
        start = time.process_time()
        try:
            return originals[0](self, *args)
        finally:
            depth -= 1
            if depth == 0:  # links call the ones before them
                spent["links"] += time.process_time() - start

    def net(self: Any, *args: Any) -> Any:
        start = time.process_time()
        try:
            return originals[1](self, *args)
        finally:
            spent["nets"] += time.process_time() - start

    SignalControl.get_control, InnerCall.residuals = link, net  # type: ignore[method-assign]
    try:
        yield spent
    finally:
        SignalControl.get_control, InnerCall.residuals = originals  # type: ignore[method-assign]


def print_own_share(model: Any, net: Any, side: int) -> None:
    """How much of a sampling is spent in the links themselves."""
    for count in (1, 2):
        conds = stacked(plain_conditioning(), signals(net, side, count))
        with own_seconds() as spent:
            whole, _ = seconds(model, conds, side)
        own = spent["links"] - spent["nets"]
        print(f"{count} net(s): {own * 1e3:.1f} ms of {whole:.2f} s in the links' own code ({own / whole:.2%})")


def cases(net: Any, side: int) -> dict[str, tuple[Any, Any]]:
    plain, one, two = plain_conditioning(), signals(net, side, 1), signals(net, side, 2)
    made = {
        "no control": plain,
        "1 net, the host's chain": native(plain, one),
        "1 net, stack": stacked(plain, one),
        "2 nets, the host's chain": native(plain, two),
        "2 nets, stack": stacked(plain, two),
        "weight 0": stacked(plain, tuple(ControlSignal(net, s.image, weight=0.0) for s in one)),
        "out of range": stacked(plain, signals(net, side, 1, start=0.9999, end=1.0)),
    }
    return made | {name: stacked(plain, one, savings) for name, savings in SAVINGS.items()}


def main(rounds: int, side: int) -> None:
    """Print a table: processor seconds, and what they are compared with."""
    torch.set_num_threads(1)
    model, net = base_model("full_sd15"), controlnet("full_sd15")
    measured: dict[str, list[float]] = {}
    latents: dict[str, torch.Tensor] = {}
    with torch.inference_mode():
        for number in range(rounds + 1):  # the first round only warms up
            for name, conds in cases(net, side).items():
                spent, latents[name] = seconds(model, conds, side)
                if number:
                    measured.setdefault(name, []).append(spent)
        print_own_share(model, net, side)
    beside = {
        "1 net, stack": "1 net, the host's chain",
        "2 nets, stack": "2 nets, the host's chain",
        "weight 0": "no control",
        "out of range": "no control",
        **dict.fromkeys(SAVINGS, "1 net, stack"),
    }
    print(f"SD1.5 at {side}x{side}, {STEPS} guided steps, {rounds} rounds, torch {torch.__version__}, one thread\n")
    print("| | processor seconds | ratio | to | error |\n|---|---|---|---|---|")
    effect = rms(latents["1 net, stack"] - latents["no control"])
    for name, spent in measured.items():
        other = beside.get(name, "")
        ratio = statistics.median(a / b for a, b in zip(spent, measured[other], strict=True)) if other else 0.0
        error = f"{rms(latents[name] - latents['1 net, stack']) / effect:.1%}" if name in SAVINGS else ""
        shown = f"{ratio:.3f}" if other else ""
        print(f"| {name} | {statistics.median(spent):.2f} | {shown} | {other} | {error} |")


def rms(difference: torch.Tensor) -> float:
    return float(difference.square().mean().sqrt())


if __name__ == "__main__":
    arguments = [int(value) for value in sys.argv[1:]]
    main(*(arguments + [5, 128][len(arguments) :]))
