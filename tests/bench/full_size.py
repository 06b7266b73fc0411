"""Full-size networks that need no files: their parameters are views of a storage that is far smaller than they are.

Views overlap, so a UNet of 3.4 GB takes a few hundred MB. They are contiguous, as real weights are: a processor spends
extra time on any other layout. Values have variance 1 / fan in, so activations keep their scale from layer to layer.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import comfy.cldm.cldm
import comfy.controlnet
import comfy.model_patcher
import comfy.ops
import torch

CPU = torch.device("cpu")


def fill(module: torch.nn.Module, seed: int = 0) -> None:
    """Give a module on the meta device its parameters."""
    shapes = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    largest: dict[int, int] = defaultdict(int)
    for shape in shapes.values():
        if len(shape) > 1:
            fan = math.prod(shape[1:])
            largest[fan] = max(largest[fan], math.prod(shape))
    generator = torch.Generator().manual_seed(seed)
    pools = {fan: torch.randn(size + 64, generator=generator) / fan**0.5 for fan, size in largest.items()}
    module.load_state_dict({name: _values(name, shape, pools) for name, shape in shapes.items()}, assign=True)


def _values(name: str, shape: tuple[int, ...], pools: dict[int, torch.Tensor]) -> torch.Tensor:
    if len(shape) <= 1:
        return torch.zeros(shape) if name.endswith("bias") else torch.ones(shape)
    pool = pools[math.prod(shape[1:])]
    start = hash_of(name) % 64
    return pool[start : start + math.prod(shape)].view(shape)


def hash_of(name: str) -> int:
    """A number from a name, the same in every run."""
    return sum(index * ord(character) for index, character in enumerate(name, start=1))


def parameters(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def base_model(name: str, seed: int = 0) -> Any:
    """MODEL (ModelPatcher) of a full-size UNet."""
    from unets import model_without_weights

    model = model_without_weights(name)
    fill(model.diffusion_model, seed)
    return comfy.model_patcher.ModelPatcher(model, CPU, CPU)


def controlnet(name: str) -> Any:
    """CONTROL_NET of the host with the layout that goes with a UNet."""
    from unets import unet_config

    config = {key: value for key, value in unet_config(name).items() if key not in ("out_channels", "image_size")}
    config.pop("transformer_depth_output")
    operations = comfy.ops.disable_weight_init
    model = comfy.cldm.cldm.ControlNet(image_size=32, hint_channels=3, operations=operations, device="meta", **config)
    fill(model)
    model.dtype = torch.float32
    return comfy.controlnet.ControlNet(model, load_device=CPU)
