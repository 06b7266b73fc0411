"""What a training step costs in time and memory beside one of a ControlNet on the same base: full-size SD1.5, or the demo's.

Run it in the host's Python:
    ARMATURE_COMFYUI=/path/to/ComfyUI python tests/bench/bench_training.py [full_sd15|demo] [pixels] [batch]
Each way runs in a process of its own, one thread, one after the other; the first step, which fills caches and the optimiser, is
left out. Seconds are processor time, memory the most that the process held, the base in it. The base has generated weights.
"""

from __future__ import annotations

import importlib
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "bench"), str(TESTS / "models" / "controlnext")]

CONTROL_NET = "ControlNet"
# Way -> (subset, gradient checkpointing, what the base is kept in).
WAYS: dict[str, tuple[str, bool, str]] = {
    CONTROL_NET: ("", False, "float32"),
    "ControlNeXt and attention outputs": ("attention outputs", False, "float32"),
    "the same, checkpointing": ("attention outputs", True, "float32"),
    "the same, base in bfloat16": ("attention outputs", False, "bfloat16"),
    "the same, base in float16": ("attention outputs", False, "float16"),
    "ControlNeXt and LoRA of rank 16": ("LoRA", False, "float32"),
    "ControlNeXt alone": ("none", False, "float32"),
}
STEPS = 3


def main(base: str = "full_sd15", pixels: int = 256, batch: int = 1) -> None:
    """Print the table, ratios to the ControlNet of this very run."""
    rows = {}
    for way in WAYS:
        child = [sys.executable, __file__, "--way", way, base, str(pixels), str(batch)]
        ended = subprocess.run(child, capture_output=True, text=True, check=False)
        if ended.returncode:
            raise SystemExit(ended.stderr[-3000:])
        rows[way] = json.loads(ended.stdout.splitlines()[-1])
        print(way, rows[way], flush=True)
    other = rows[CONTROL_NET]
    print(f"\n{base}, {pixels} pixels, batch {batch}\n")
    print(
        "| | learns, million | s a step | of ControlNet | most memory, GB | of ControlNet |\n|---|---|---|---|---|---|"
    )
    for way, row in rows.items():
        print(
            f"| {way} | {row['learned'] / 1e6:.1f} | {row['seconds']:.2f} | {row['seconds'] / other['seconds']:.2f} "
            f"| {row['memory']:.2f} | {row['memory'] / other['memory']:.2f} |"
        )


def measured(way: str, base: str, pixels: int, batch: int) -> dict[str, float]:
    """One way, in this process."""
    importlib.import_module("conftest").prepare_host()  # it also puts the host on the path and loads the pack
    import torch
    from armature_pack.models.training.trainee import training_mode

    torch.manual_seed(0)
    with training_mode():
        step, learned = _prepared(way, base, pixels, batch)
        times = []
        for number in range(STEPS):
            start = time.process_time()
            step(number)
            times.append(time.process_time() - start)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e9 if sys.platform == "darwin" else 1e6)
    return {"learned": learned, "seconds": statistics.median(times[1:]), "memory": most}


def _prepared(way: str, base: str, pixels: int, batch: int) -> tuple[Callable[[int], float], int]:
    import torch
    from armature_pack.models.training.controlnext import ControlNeXtLearner, Plan, is_learned
    from armature_pack.models.training.lessons import Batch
    from armature_pack.models.training.loop import Pace
    from armature_pack.models.training.optimisation import Curve, Group, Optimisation
    from armature_pack.models.training.trainee import Trainee

    subset, checkpointing, dtype = WAYS[way]
    model, width = _base(base, getattr(torch, dtype))
    shape = (batch, 4, pixels // 8, pixels // 8)
    given = Batch(
        torch.randn(shape), torch.rand(batch, 3, pixels, pixels), torch.full((batch,), 3.0), torch.randn(shape),
        {"c_crossattn": torch.randn(batch, 77, width)},
    )  # fmt: skip
    if way == CONTROL_NET:
        loss, parameters = _control_net(model, given)
    else:
        plan = Plan(subset=subset, checkpointing=checkpointing)  # type: ignore[arg-type]
        trainee = Trainee(model, lambda key: is_learned(key, plan.subset), 16 if subset == "LoRA" else None)

        class NoLessons:
            """The batch is at hand."""

            def sized(self) -> dict[Any, Any]:
                return {}

        learner = ControlNeXtLearner(NoLessons(), trainee, plan, Pace(), frozenset())  # type: ignore[arg-type]
        learner.load()
        loss, parameters = (
            lambda: learner.error(given),
            [one for _, _, some in learner.groups() for one in some.values()],
        )
    optimisation = Optimisation([Group(parameters, 1e-4)], Curve())
    return lambda number: optimisation.step([loss], number, 0.0), sum(one.numel() for one in parameters)


def _base(name: str, dtype: Any) -> tuple[Any, int]:
    """A MODEL whose weights have storage of their own, and the width of its texts."""
    import comfy.model_management as management
    import comfy.model_patcher
    import comfy.sd
    import torch

    if name == "demo":
        from armature_pack.commands.demo.weights import written_models
        from armature_pack.commands.private_host.files import cache_folder

        (file,) = (written_models(cache_folder() / "demo") / "models" / "checkpoints").glob("*.safetensors")
        return comfy.sd.load_checkpoint_guess_config(str(file), output_vae=False, output_clip=False)[0], 768
    import comfy.supported_models
    from unets import unet_config

    config = comfy.supported_models.SD15(unet_config(name))
    config.set_inference_dtype(dtype, None if dtype == torch.float32 else torch.float32)
    model = config.get_model({}, device="cpu")
    with torch.no_grad():
        for key, weight in model.named_parameters():
            fan = weight[0].numel() if weight.dim() > 1 else 1
            weight.copy_(torch.randn(weight.shape) / fan**0.5 if weight.dim() > 1 else torch.ones(weight.shape))
            weight.mul_(0 if key.endswith("bias") else 1)
    return comfy.model_patcher.CoreModelPatcher(model, torch.device("cpu"), management.unet_offload_device()), 768


def _control_net(model: Any, given: Any) -> tuple[Callable[[], Any], list[Any]]:
    """A copy of the way down learns, as its authors train it: the base is frozen, all of the copy is not."""
    import comfy.cldm.cldm
    import comfy.model_management as management
    import comfy.ops
    import torch
    from armature_pack.models.training.lessons import error, noisy
    from armature_pack.models.training.trainee import make_ordinary

    make_ordinary(model.model)
    management.load_models_gpu([model], force_full_load=True)
    network = model.model
    config = {
        key: value
        for key, value in network.model_config.unet_config.items()
        if key not in ("out_channels", "image_size", "transformer_depth_output", "disable_unet_model_creation")
    }
    copy = comfy.cldm.cldm.ControlNet(
        image_size=32, hint_channels=3, operations=comfy.ops.manual_cast, **{**config, "dtype": torch.float32}
    )
    weights = network.diffusion_model.state_dict()
    with torch.no_grad():
        for key, weight in copy.named_parameters():
            weight.copy_(weights[key]) if key in weights else weight.zero_()
    copy.requires_grad_(True)
    sampling = network.model_sampling

    def loss() -> Any:
        x, sigmas = noisy(sampling, given), given.sigmas
        scaled, times = sampling.calculate_input(sigmas, x), sampling.timestep(sigmas).float()
        control = copy(x=scaled, hint=given.maps, timesteps=times, context=given.conds["c_crossattn"])
        found = network.apply_model(x, sigmas, control=control, **given.conds)
        return error(sampling, given, found)

    return loss, list(copy.parameters())


if __name__ == "__main__":
    words = sys.argv[1:]
    if words[:1] == ["--way"]:
        print(json.dumps(measured(words[1], words[2], int(words[3]), int(words[4]))))
    else:
        base, pixels, batch = (*words, *("full_sd15", "256", "1")[len(words) :])
        main(base, int(pixels), int(batch))
