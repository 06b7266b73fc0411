"""What savings, profiles and balances cost in obedience: the trained demo model on held-out scenes.

Run it in the host's Python:
    ARMATURE_COMFYUI=/path/to/ComfyUI python tests/bench/bench_demo.py [scenes] [rounds] [words of the rows]
Everything goes through the files and samplers that a user has. Time is processor time of the sampling beside the stack
without savings (A B A B, medians); edge F1 is against the Canny map, within 2 pixels.
"""

from __future__ import annotations

import importlib
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS)]
importlib.import_module("conftest").prepare_host()  # it also puts the host on the path and loads the pack

import comfy.controlnet  # noqa: E402
import comfy.sample  # noqa: E402
import comfy.sd  # noqa: E402
import torch  # noqa: E402
from armature_pack.commands.demo.weights import written_models  # noqa: E402
from armature_pack.commands.private_host.files import cache_folder  # noqa: E402
from armature_pack.models.control.adaptation import Adaptation  # noqa: E402
from armature_pack.models.control.apply import apply_stack  # noqa: E402
from armature_pack.models.control.savings import (  # noqa: E402
    NONE,
    PROFILES,
    Savings,
)
from armature_pack.models.control.signal import ControlSignal  # noqa: E402
from armature_pack.models.control.stack import ControlStack  # noqa: E402
from armature_pack.models.controlnext.loading import load_controlnext  # noqa: E402
from armature_pack.models.controlnext.unet_weights import apply_unet_weights, load_unet_weights  # noqa: E402
from armature_pack.preprocessors.adherence.measures import edge_f1  # noqa: E402
from armature_pack.preprocessors.canny import detect_canny  # noqa: E402
from armature_pack.tools.demo_training.evaluation.measures import TOLERANCE  # noqa: E402
from armature_pack.tools.demo_training.training import bank  # noqa: E402

CFG = 2.0
CONTROLNEXT = "ControlNeXt"
CANNY = {"thresholds": "fixed", "low_threshold": 100, "high_threshold": 200}
PLAIN = (10, "lcm", "sgm_uniform")  # as the shipped graph draws
DDIM = (10, "ddim", "sgm_uniform")
FIRST = "nothing left out"  # beside which the others are told
SAVINGS = {
    FIRST: NONE,
    "every 2": Savings(every=2),
    "every 3": Savings(every=3),
    "until 0.6": Savings(until=0.6),
    "every 2 and until 0.6": Savings(every=2, until=0.6),
    "conditional_only": Savings(conditional_only=True),
}


class Desk:
    """The demo's files, loaded by the host, and so many held-out scenes with their maps."""

    def __init__(self, scenes: int) -> None:
        models = written_models(cache_folder() / "demo") / "models"
        loaded: Any = comfy.sd.load_checkpoint_guess_config(
            str(models / "checkpoints" / "armature_demo.safetensors"), output_vae=True, output_clip=True
        )
        self.model, clip, self.vae, *_ = loaded
        nets = models / "controlnet"
        self.nets: dict[str, Any] = {
            kind: comfy.controlnet.load_controlnet(str(nets / f"armature_demo_{kind}.safetensors"))
            for kind in ("canny", "depth")
        }
        self.nets[CONTROLNEXT] = load_controlnext(nets / "armature_demo_controlnext.safetensors")
        weights = load_unet_weights(nets / "armature_demo_controlnext_weights.safetensors")
        self.tuned, _ = apply_unet_weights(self.model, weights)
        self.scenes, held = bank.held_out(0, scenes, torch.device("cpu"))
        self.maps = {kind: held.hints(kind, torch.arange(scenes)).movedim(1, -1) for kind in ("canny", "depth")}
        self.maps[CONTROLNEXT] = self.maps["canny"]
        self.plain = tuple(clip.encode_from_tokens_scheduled(clip.tokenize(words)) for words in ("", ""))

    def signal(self, kind: str, weight: float = 1.0, mask: torch.Tensor | None = None) -> ControlSignal:
        return ControlSignal(self.nets[kind], self.maps[kind], weight=weight, mask=mask)

    def draw(
        self, stack: ControlStack, savings: Savings = NONE, how: tuple[int, str, str] = PLAIN
    ) -> tuple[float, torch.Tensor]:
        """Processor seconds of the sampling, and the pictures [B,128,128,3]."""
        applied = apply_stack(*self.plain, stack, savings=savings)
        noise = torch.randn(len(self.scenes), 4, 16, 16, generator=torch.Generator().manual_seed(1))
        steps, sampler, scheduler = how
        model = self.tuned if any(one.control_net is self.nets[CONTROLNEXT] for one in stack.signals) else self.model
        start = time.process_time()
        latent = comfy.sample.sample(
            model, noise, steps, CFG, sampler, scheduler, applied.positive, applied.negative,
            torch.zeros_like(noise), seed=1, disable_pbar=True,
        )  # fmt: skip
        spent = time.process_time() - start
        return spent, self.vae.decode(latent).detach()

    def follows(self, pictures: torch.Tensor, left: int = 0) -> tuple[float, float]:
        """Mean edge F1 against the Canny maps from this column on, and its standard error."""
        found = detect_canny(pictures.float().cpu().clamp(0, 1), CANNY).maps
        pairs = zip(found[:, :, left:], self.maps["canny"][:, :, left:], strict=True)
        scores = [edge_f1(one, wanted, TOLERANCE).score for one, wanted in pairs]
        return statistics.mean(scores), statistics.stdev(scores) / len(scores) ** 0.5


def rows(desk: Desk) -> dict[str, tuple[ControlStack, Savings, tuple[int, str, str]]]:
    """Everything that is measured, in the order of the tables."""
    alone = ControlStack((desk.signal("canny"),))
    both = (desk.signal("canny", 0.8), desk.signal("depth", 0.8))
    listed: dict[str, tuple[ControlStack, Savings, tuple[int, str, str]]] = {}
    for name, savings in SAVINGS.items():
        listed[name] = (alone, savings, PLAIN)
    looks = replace(desk.signal("canny"), adaptation=Adaptation(desk.vae))  # after the steps 4, 6 and 8
    listed["a weight that corrects itself"] = (ControlStack((looks,)), NONE, PLAIN)
    next_alone = ControlStack((desk.signal(CONTROLNEXT),))
    for name in (FIRST, "every 2", "every 3"):
        listed[f"{CONTROLNEXT}, {name}"] = (next_alone, SAVINGS[name], PLAIN)
    listed |= {"ddim": (alone, NONE, DDIM), f"{CONTROLNEXT}, ddim": (next_alone, NONE, DDIM)}
    for name, one in PROFILES.items():
        how = (one.steps, one.sampler, one.scheduler)
        listed[f"profile {name}"] = (alone, one.savings, how)
        listed[f"profile {name}, nothing left out"] = (alone, NONE, how)
    for balance in ("none", "normalize", "strongest"):
        listed[f"canny 0.8 and depth 0.8, balance {balance}"] = (ControlStack(both, balance=balance), NONE, PLAIN)
    return listed


def beside_a_mask(desk: Desk) -> None:
    """How much the right half follows where the signal is masked to the left half, against no mask."""
    mask = torch.zeros(1, 128, 128)
    mask[..., :64] = 1
    print("\n| Edge F1 of the right half | no mask | masked to the left half |\n|---|---|---|")
    for weight in (1.0, 0.5):
        stacks = (ControlStack((desk.signal("canny", weight, one),)) for one in (None, mask))
        told = (desk.follows(desk.draw(stack)[1], left=64) for stack in stacks)
        print(f"| canny {weight} | " + " | ".join(f"{score:.3f} ± {error:.3f}" for score, error in told) + " |")


def main(scenes: int = 24, rounds: int = 3, only: str = "") -> None:
    desk = Desk(scenes)
    listed: dict[str, Any] = {name: row for name, row in rows(desk).items() if only in name or name == FIRST}
    spent: dict[str, list[float]] = {name: [] for name in listed}
    scores: dict[str, tuple[float, float]] = {}
    for _ in range(rounds):
        for name, (stack, savings, how) in listed.items():
            seconds, pictures = desk.draw(stack, savings, how)
            spent[name].append(seconds)
            scores[name] = desk.follows(pictures)
    first = statistics.median(spent[FIRST])
    print(f"{scenes} held-out scenes, no caption, {rounds} rounds\n\n| | Time | Edge F1 |\n|---|---|---|")
    for name in listed:
        score, error = scores[name]
        print(f"| {name} | {statistics.median(spent[name]) / first:.2f} | {score:.3f} ± {error:.3f} |", flush=True)
    if not only:
        beside_a_mask(desk)


if __name__ == "__main__":
    given = sys.argv[1:]
    defaults = ("24", "3", "")
    scenes, rounds, only = (*given, *defaults[len(given) :])
    main(int(scenes), int(rounds), only)
