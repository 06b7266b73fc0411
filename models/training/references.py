"""What a training of an IP-Adapter shows its adapter: for each picture another view of the same, as the encoder sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import comfy.model_management as management
import torch

from ...common.digests import sha256_of_json
from ..files.fingerprint import fingerprint
from ..ip_adapter.adapter import IPAdapter
from ..ip_adapter.embeds import ImageEmbeds
from ..ip_adapter.encoding import features, with_negative
from .training_set import TrainingSet


@dataclass(frozen=True, eq=False)
class Seen:
    """Embeddings of the kind that an adapter reads, on the processor.

    views: [1,...] of each picture of the set; nothing: [1,...], what stands for no picture, as in use and in the authors'
    training: zeros, or what the encoder says of a picture that is zero behind its normalisation. encoder_hash: of the encoder.
    """

    reads: Any
    views: tuple[torch.Tensor, ...]
    nothing: torch.Tensor
    encoder_hash: str

    def embeds(self, number: int) -> ImageEmbeds:
        """IP_ADAPTER_EMBEDS of a picture."""
        return ImageEmbeds(self.reads, self.views[number], self.nothing, source="the training set")

    def batch(self, numbers: Sequence[int | None]) -> torch.Tensor:
        """[B,...]; None for no picture."""
        return torch.cat([self.nothing if number is None else self.views[number] for number in numbers])


def look_at(chosen: TrainingSet, adapter: IPAdapter, clip_vision: Any) -> Seen:
    """What the encoder sees in the pictures of a set. Made once, by what Apply IP-Adapter reads with, and kept by its hash."""
    reads = adapter.layout.reads
    network = fingerprint(clip_vision.model)

    def kept(*what: str, make: Any) -> torch.Tensor:
        management.throw_exception_if_processing_interrupted()
        key = sha256_of_json([*what, network, clip_vision.image_size, reads])
        return chosen.store.get(f"seen-{key}", lambda: {"seen": make()})["seen"].clone()

    def view(number: int) -> torch.Tensor:
        with torch.inference_mode():
            return features(clip_vision, chosen.pictures([number])[..., :3], reads == "pooled")

    views = [
        kept("picture", chosen.picture_key(number), make=lambda number=number: view(number))
        for number in range(len(chosen))
    ]

    def nothing() -> torch.Tensor:
        with torch.inference_mode():
            made = with_negative(adapter, ImageEmbeds(reads, views[0]), clip_vision).negative
        assert made is not None
        return made

    return Seen(reads, tuple(views), kept("nothing", make=nothing), network)


class References:
    """Which view a picture is learned from. held_out: pictures that are no reference of any."""

    def __init__(self, count: int, held_out: Sequence[int]) -> None:
        self.views = [number for number in range(count) if number not in set(held_out)]

    def by_chance(self, number: int, chance: float) -> int:
        """Another view than the picture itself, where there is one; chance: in 0..1."""
        others = [one for one in self.views if one != number] or [number]
        return others[min(int(chance * len(others)), len(others) - 1)]

    def fixed(self, number: int) -> int:
        """Always the same one: the view half a set away, which is seldom alike in a set that turns around a thing."""
        others = [one for one in self.views if one != number] or [number]
        return others[(number + len(others) // 2) % len(others)]
