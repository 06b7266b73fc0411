"""From a file on disk through public nodes to one call of the host's real UNet, watched from outside."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import comfy.samplers
import torch
from armature_pack.nodes import NODES
from comfy.patcher_extension import WrappersMP
from controlnext_recipes import applied
from plain_reference import Outcome

Apply = Callable[[Any, Any, Any, torch.Tensor, float], tuple[Any, Any]]


def node(name: str) -> Any:
    """A node of the pack by its id."""
    return next(one for one in NODES if one.__name__ == name)


def use_folder(monkeypatch: Any, folder: Path, *kinds: str) -> None:
    """Let the host look for model files of these kinds in `folder` alone."""
    folder_paths = importlib.import_module("folder_paths")
    endings = {".safetensors", ".bin", ".pt", ".pth", ".ckpt"}
    for kind in kinds:
        monkeypatch.setitem(folder_paths.folder_names_and_paths, kind, ([str(folder)], endings))
    folder_paths.filename_list_cache.clear()


def loaded(name: str, **widgets: Any) -> Any:
    """CONTROL_NET of our loader node."""
    return node("ArmatureLoadControlNeXt").execute(name, **widgets).args[0]


def by_host_node(positive: Any, negative: Any, net: Any, pixels: torch.Tensor, strength: float) -> tuple[Any, Any]:
    return applied(positive, negative, net, pixels, strength)


def by_stack(positive: Any, negative: Any, net: Any, pixels: torch.Tensor, strength: float, **signal: Any) -> Any:
    """Through Control Signal, ControlNet Stack and Apply ControlNet Stack."""
    one = node("ArmatureControlSignal").execute(net, pixels, weight=strength, **signal).args[0]
    stack = node("ArmatureControlStack").execute(signals={"signal_0": one}).args[0]
    return node("ArmatureApplyControlStack").execute(positive, negative, stack).args[:2]


@dataclass
class _Watcher:
    """Sees the hidden state at one site before and after all other patches, and the UNet's output."""

    block: tuple[str, int]
    chunks: list[int]
    h: list[torch.Tensor]
    y: list[torch.Tensor]

    def __call__(self, executor: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Wraps the call of the UNet; its sixth argument are the transformer options."""
        options = args[5]
        self.chunks.extend(options["cond_or_uncond"])
        patches = options["patches"] = dict(options.get("patches", {}))
        name = "output_block_patch" if self.block[0] == "middle" else "input_block_patch_after_skip"
        spy = self._middle if self.block[0] == "middle" else self._input
        patches[name] = [spy, *patches.get(name, []), spy]
        self.y.append(executor(*args, **kwargs))
        return self.y[-1]

    def _input(self, h: torch.Tensor, options: dict[str, Any]) -> torch.Tensor:
        if options["block"] == self.block:
            self.h.append(h.clone())
        return h

    def _middle(self, h: torch.Tensor, skipped: torch.Tensor, options: dict[str, Any]) -> Any:
        if options["block"] == ("output", 0):  # which takes in what the middle block gave
            self.h.append(h.clone())
        return h, skipped


def one_call(
    model: Any,
    positive: Any,
    negative: Any,
    latent: torch.Tensor,
    timestep: float,
    block: tuple[str, int],
    half: int,
    cfg: float = 3.0,
) -> Outcome:
    """What the UNet makes of `latent` [B,4,h,w] in half 0 (positive) or 1 (negative) of a step of the host's sampling.

    The host scales what a sampler gives it, so the latent is scaled up by as much before.
    """
    watcher = _Watcher(block, [], [], [])
    watched = model.clone()
    watched.add_wrapper_with_key(WrappersMP.DIFFUSION_MODEL, "watcher", watcher)
    predicted(watched, positive, negative, latent, timestep, cfg)
    chunk = watcher.chunks.index(half)
    pictures = latent.shape[0]

    def part(tensor: torch.Tensor) -> torch.Tensor:
        return tensor[chunk * pictures : (chunk + 1) * pictures]

    return Outcome(part(watcher.h[0]), part(watcher.h[1]), part(watcher.y[0]))


def predicted(
    model: Any, positive: Any, negative: Any, latent: torch.Tensor, timestep: float, cfg: float = 3.0
) -> torch.Tensor:
    """The host's guided prediction of the picture behind `latent`, which is what the UNet sees."""
    sigma = model.model.model_sampling.sigma(torch.tensor(timestep))
    scaled = latent * (sigma**2 + 1) ** 0.5

    def sampler(model_of_host: Any, _noise: Any, _sigmas: Any, extra_args: Any, **_others: Any) -> torch.Tensor:
        return model_of_host(scaled, sigma.repeat(latent.shape[0]), **extra_args)

    return comfy.samplers.sample(
        model,
        latent,
        positive,
        negative,
        cfg,
        torch.device("cpu"),
        comfy.samplers.KSAMPLER(sampler),
        torch.stack([sigma, torch.zeros(())]),
        model.model_options,
        latent_image=torch.zeros_like(latent),
        disable_pbar=True,
        seed=0,
    )
