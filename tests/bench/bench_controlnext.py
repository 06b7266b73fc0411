"""What ControlNeXt costs beside a ControlNet: one guided step of a full-size UNet, A B C A B C, medians.

Run it in the host's Python, on a machine that does nothing else:
    ARMATURE_COMFYUI=/path/to/ComfyUI python tests/bench/bench_controlnext.py [rounds] [case ...]
It prints the tables of tests/bench/RESULTS.md. Cases: those of CASES below; all without a name.
"""

from __future__ import annotations

import importlib
import os
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "bench"), str(TESTS / "models" / "controlnext")]
importlib.import_module("conftest").prepare_host()  # it also puts the host on the path and loads the pack

import comfy.samplers  # noqa: E402
import torch  # noqa: E402
from armature_pack.models.controlnext.cache import MapSigmas  # noqa: E402
from armature_pack.models.controlnext.injection import ControlAddition  # noqa: E402
from controlnext_recipes import applied, control, fixture  # noqa: E402
from full_size import CPU, base_model, controlnet, parameters  # noqa: E402

STEPS = 2  # of each sampling: the first also makes what is made once per sampling
KEPT = "ControlNeXt, a step that keeps the map"  # as savings with every 2 do on every second step


@dataclass(frozen=True)
class Case:
    """One UNet at one size. subset: the fixture that lists the weights that are fine-tuned with the variant."""

    title: str
    unet: str
    variant: str
    subset: str
    height: int
    width: int
    frames: int = 1
    context: tuple[int, int] = (77, 768)
    pooled: int = 0
    has_controlnet: bool = True


CASES = {
    "sd15_512": Case("SD1.5, 512x512", "full_sd15", "sd15_training", "sd15", 512, 512),
    "sd15_256": Case("SD1.5, 256x256", "full_sd15", "sd15_training", "sd15", 256, 256),
    "sd15_published": Case("SD1.5, 512x512, layout of the published files", "full_sd15", "sd15", "sd15", 512, 512),
    "sdxl_512": Case("SDXL, 512x512", "full_sdxl", "sdxl", "sdxl", 512, 512, context=(77, 2048), pooled=1280),
    "svd_256": Case(
        "SVD, 256x256, 4 frames", "full_svd", "svd_v2", "svd", 256, 256, 4, context=(1, 1024), has_controlnet=False
    ),
}


@dataclass
class Measured:
    """Seconds of first and later steps; of the later ones processor seconds, those within ControlNeXt, and peak bytes.

    Processor seconds are what a step costs whatever else the machine does.
    """

    first: list[float] = field(default_factory=list)
    later: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)
    peak: list[int] = field(default_factory=list)


@dataclass
class Clock:
    """Processor seconds."""

    seconds: float = 0.0


@dataclass(frozen=True)
class Step:
    seconds: float
    processor: float
    own: float
    peak: int


@contextmanager
def own_time(net: Any) -> Iterator[Clock]:
    """Adds up the time spent within ControlNeXt: making the map, and adding it."""
    clock = Clock()
    originals = (net.network.control_map, ControlAddition.add)

    def timed(original: Any) -> Any:
        def call(*args: Any) -> Any:
            start = time.process_time()
            try:
                return original(*args)
            finally:
                clock.seconds += time.process_time() - start

        return call

    net.network.control_map = timed(originals[0])
    ControlAddition.add = timed(originals[1])  # type: ignore[method-assign]
    try:
        yield clock
    finally:
        net.network.control_map, ControlAddition.add = originals  # type: ignore[method-assign]


class Guider(comfy.samplers.CFGGuider):
    """The host's guider, with a watch on each step."""

    def __init__(self, model: Any, clock: Clock) -> None:
        super().__init__(model)
        self.clock = clock
        self.steps: list[Step] = []

    def predict_noise(self, *args: Any, **kwargs: Any) -> Any:
        reset_peak()
        own, start, processor = self.clock.seconds, time.perf_counter(), time.process_time()
        result = super().predict_noise(*args, **kwargs)
        seconds, processor = time.perf_counter() - start, time.process_time() - processor
        self.steps.append(Step(seconds, processor, self.clock.seconds - own, peak_bytes()))
        return result


def reset_peak() -> None:
    """Start a new peak of this process's memory (Linux)."""
    clear = Path("/proc/self/clear_refs")
    if clear.exists():
        clear.write_text("5", encoding="ascii")


def peak_bytes() -> int:
    status = Path("/proc/self/status")
    lines = status.read_text(encoding="ascii").splitlines() if status.exists() else []
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def sample(case: Case, model: Any, conds: Any, clock: Clock, into: Measured) -> None:
    guider = Guider(model, clock)
    guider.set_conds(*conds)
    guider.set_cfg(7.0)
    shape = (case.frames, 4, case.height // 8, case.width // 8)
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    sigmas = comfy.samplers.calculate_sigmas(model.get_model_object("model_sampling"), "normal", 20)[: STEPS + 1]
    sampler = comfy.samplers.sampler_object("euler")
    guider.sample(noise, torch.zeros_like(noise), sampler, sigmas, disable_pbar=True, seed=1)
    first, *later = guider.steps
    into.first.append(first.seconds)
    for step in later:
        into.later.append(step.seconds)
        into.processor.append(step.processor)
        into.own.append(step.own)
        into.peak.append(step.peak)


def measure(case: Case, rounds: int) -> tuple[dict[str, Measured], dict[str, int]]:
    """Measured steps, and numbers of parameters, of base, ControlNeXt and ControlNet."""
    model, net = base_model(case.unet), control(case.variant)
    options: dict[str, Any] = {"pooled_output": torch.randn(1, case.pooled)} if case.pooled else {}
    plain = tuple([[torch.randn(1, *case.context), dict(options)]] for _ in range(2))
    pixels = torch.rand(case.frames, case.height, case.width, 3)
    keeping = net.copy()
    keeping.sigmas = MapSigmas(STEPS)
    conds = {
        "base": plain,
        "ControlNeXt": applied(*plain, net, pixels),
        KEPT: applied(*plain, keeping, pixels),
    }
    module = parameters(net.network.module)
    sizes = {"base": parameters(model.model.diffusion_model), "ControlNeXt": module, KEPT: module}
    if case.has_controlnet:
        native = controlnet(case.unet)
        conds["ControlNet"] = applied(*plain, native, pixels)
        sizes["ControlNet"] = parameters(native.control_model)
    results = {name: Measured() for name in conds}
    with own_time(net) as clock:
        for _ in range(rounds):
            for name, given in conds.items():
                sample(case, model, given, clock, results[name])
    return results, sizes


def report(case: Case, results: dict[str, Measured], sizes: dict[str, int]) -> None:
    """Print one case's rows."""
    base = results["base"]
    learnable = fixture(f"controlnext_unet_subset_{case.subset}.json")["num_params"]
    titles = "step (s)", "over base", "processor time over base", "of base, within ControlNeXt", "first step (s)"
    print(f"\n{case.title}\n\n| | {' | '.join(titles)} | peak over base (MB) | total | added | learnable |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name, one in results.items():
        is_base = name == "base"
        added = 0 if is_base else sizes[name]
        trained = added + learnable if name in ("ControlNeXt", KEPT) else sizes[name]
        cells = [
            name,
            f"{statistics.median(one.later):.2f} ({min(one.later):.2f} to {max(one.later):.2f})",
            "" if is_base else f"{_over(one.later, base.later):+.1%}",
            "" if is_base else f"{_over(one.processor, base.processor):+.1%}",
            f"{statistics.median(one.own) / statistics.median(base.processor):.1%}" if sum(one.own) else "",
            f"{statistics.median(one.first):.2f}",
            "" if is_base else f"{(statistics.median(one.peak) - statistics.median(base.peak)) / 1e6:,.0f}",
            f"{(sizes['base'] + added) / 1e6:.0f} M",
            "" if is_base else f"{added / 1e6:.1f} M",
            f"{trained / 1e6:.1f} M",
        ]
        print(f"| {' | '.join(cells)} |", flush=True)


def _over(ours: list[float], base: list[float]) -> float:
    """Median of the differences within a round."""
    return statistics.median(a / b - 1.0 for a, b in zip(ours, base, strict=True))


def main(rounds: int, names: list[str]) -> None:
    threads = int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1))
    torch.set_num_threads(threads)
    load = f"load before: {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"device {CPU}, {threads} threads, torch {torch.__version__}, {rounds} rounds, {load}")
    with torch.inference_mode():
        for name in names:
            report(CASES[name], *measure(CASES[name], rounds))
    if load:
        print(f"\nload after: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3, sys.argv[2:] or list(CASES))
