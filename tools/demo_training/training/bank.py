"""Training scenes, rendered once: pictures, depth and edges in shards, so that a run goes on where it stopped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from ....preprocessors.canny import detect_canny
from ..scenes.layout import HELD_OUT, TRAINING, Scene, scene
from ..scenes.rendering import Rendered, render
from .files import read, write

SHARD = 500
# Canny's own defaults half of the time, so that a user's map looks like what was trained on; the exact edges now and then.
_THRESHOLDS = ((100, 200), (100, 200), (60, 120), (40, 90))


@dataclass(frozen=True)
class Bank:
    """Scenes as bytes: images [N,3,S,S], depth [N,1,S,S], edges [N,1,S,S] (0 or 1); the scenes themselves by number."""

    images: torch.Tensor
    depth: torch.Tensor
    edges: torch.Tensor

    def __len__(self) -> int:
        return len(self.images)

    def hints(self, kind: str, chosen: torch.Tensor) -> torch.Tensor:
        """Control images [B,3,S,S] in 0..1 of the chosen scenes; kind: canny or depth."""
        maps = self.edges[chosen].float() if kind == "canny" else self.depth[chosen].float() / 255
        return maps.expand(-1, 3, -1, -1)


def make_shards(folder: Path, scenes: int, device: torch.device) -> Iterator[str]:
    """Write the shards that are missing; yields a line after each."""
    for first in range(0, scenes, SHARD):
        path = _shard(folder, first)
        if not path.exists():
            write(path, _rendered(range(first, min(first + SHARD, scenes)), TRAINING, device))
            yield f"scenes: {min(first + SHARD, scenes)} of {scenes}"


def load(folder: Path, scenes: int, device: torch.device) -> Bank:
    """The first scenes of the shards, on a device."""
    parts = [read(_shard(folder, first))[0] for first in range(0, scenes, SHARD)]
    whole = {name: torch.cat([part[name] for part in parts])[:scenes].to(device) for name in parts[0]}
    return Bank(**whole)


def held_out(first: int, count: int, device: torch.device) -> tuple[list[Scene], Bank]:
    """Scenes of the split that training never sees, with their bank."""
    scenes = [scene(HELD_OUT, index) for index in range(first, first + count)]
    return scenes, Bank(**_rendered(range(first, first + count), HELD_OUT, device))


def _shard(folder: Path, first: int) -> Path:
    return folder / "scenes" / f"{first:06d}.safetensors"


def _rendered(numbers: range, split: str, device: torch.device) -> dict[str, torch.Tensor]:
    at_once = 1 if device.type == "cpu" else 64  # the processor is fastest where a scene fits its cache
    parts: dict[str, list[torch.Tensor]] = {"images": [], "depth": [], "edges": []}
    for first in range(numbers.start, numbers.stop, at_once):
        some = range(first, min(first + at_once, numbers.stop))
        drawn = render([scene(split, index) for index in some], device=device)
        parts["images"].append(_bytes(drawn.images))
        parts["depth"].append(_bytes(drawn.depth))
        parts["edges"].append(_edges(drawn, some, split))
    return {name: torch.cat(tensors) for name, tensors in parts.items()}


def _edges(drawn: Rendered, numbers: range, split: str) -> torch.Tensor:
    """Edges of each scene [B,1,S,S]: Canny of the picture, or in every fifth training scene the exact ones."""
    maps = []
    for row, index in enumerate(numbers):
        if split == TRAINING and index % 5 == 4:
            maps.append(drawn.edges[row].cpu())
            continue
        low, high = _THRESHOLDS[index % 4] if split == TRAINING else _THRESHOLDS[0]
        picture = drawn.images[row].movedim(0, -1)[None].cpu()
        options = {"thresholds": "fixed", "low_threshold": low, "high_threshold": high}
        maps.append(detect_canny(picture, options).maps[0, :, :, 0][None])
    return torch.stack(maps).round().to(torch.uint8)


def _bytes(values: torch.Tensor) -> torch.Tensor:
    return (values * 255).round().to(torch.uint8).cpu()
