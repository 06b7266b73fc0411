"""Running a network on pictures: the same four steps for every one of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from .model_files import ModelFile
from .network import Build, load_network, ready
from .sizing import as_channels, padded
from .weights import find_weights

IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def network_output(
    method: str,
    file: ModelFile,
    build: Build,
    pictures: torch.Tensor,
    *,
    bytes_per_pixel: int,
    stride: int = 1,
    feed: Callable[[torch.Tensor], torch.Tensor] = lambda values: values,
) -> Any:
    """What the network of `file` makes of pictures [B,h,w,3] in 0..1, padded to its stride, in the values `feed` makes."""
    patcher = load_network(method, find_weights(method, file), build)
    network, device = ready(patcher, bytes_per_pixel * pictures[..., 0].numel())
    return network(feed(padded(as_channels(pictures, device), stride)))


def as_bytes(pictures: torch.Tensor) -> torch.Tensor:
    """0..1 -> whole numbers 0..255, what networks saw that were trained on files."""
    return (pictures * 255).round()


def by_imagenet(pictures: torch.Tensor) -> torch.Tensor:
    """[B,3,h,w] in 0..1 with ImageNet's mean and deviation taken out."""
    mean = torch.tensor(IMAGENET_MEAN).view(-1, 1, 1).to(pictures)
    return (pictures - mean) / torch.tensor(IMAGENET_DEVIATION).view(-1, 1, 1).to(pictures)


def unwrapped(weights: dict[str, Any], *keys: str) -> dict[str, torch.Tensor]:
    """The state dict inside of what was saved: below one of `keys`, without the "module." of parallel training."""
    for key in keys:
        weights = weights.get(key, weights)
    return {name.removeprefix("module."): value for name, value in weights.items() if isinstance(value, torch.Tensor)}
