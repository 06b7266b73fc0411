"""An image prompt: tokens of pictures with all that says how strongly, where and when they act on a model."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from einops import rearrange

from ..guidance.acting import ActingRecord
from ..guidance.batch_view import BatchView
from ..guidance.bounded_cache import BoundedCache
from ..guidance.curve import CONSTANT, Curve
from ..guidance.frame_weights import FrameWeights
from ..guidance.progress import curve_at
from ..guidance.roles import UNCONDITIONAL
from .adapter import IPAdapter
from .layers import Place
from .weight_types import Role

CACHE_BYTES = 512 * 1024**2


@dataclass(frozen=True, eq=False)
class Tokens:
    """Projected pictures, float32: image and composition [N,T,C], negative [1 or N,T,C] (for the negative prompt's half).

    For adapters that follow the timestep: what is projected in every step, the encoder's features.
    per_picture: picture i of the batch follows token row i; otherwise all pictures follow all rows together.
    """

    image: torch.Tensor
    negative: torch.Tensor
    composition: torch.Tensor | None = None
    per_picture: bool = False


@dataclass(frozen=True)
class Strength:
    """What weighs all layers alike: a schedule between start and end (shares of the sampling); halves: factors on the
    prompt's half and on the negative prompt's; frames: factor per picture of a batch.
    """

    start: float = 0.0
    end: float = 1.0
    schedule: Curve = CONSTANT
    halves: tuple[float, float] = (1.0, 1.0)
    frames: FrameWeights | None = None

    def at(self, sigma: float, percent_to_sigma: Callable[[float], Any]) -> float:
        """Factor at a sigma; 0 outside the range, whose ends are compared as the host compares those of a control net."""
        return curve_at(sigma, self.start, self.end, self.schedule, percent_to_sigma)


@dataclass(frozen=True, eq=False)
class ImagePrompt:
    """One application of an IP-Adapter.

    roles: (index of the file's layer, its role) by the layer's place in the UNet; the factors hold the weight.
    mask: [1 or pictures,H,W] in 0..1 over the whole picture, or None for everywhere. scaling: one of `scaling.SCALINGS`.
    sampled_mask: see `behaviour`.

    Never changed once it is in a model; what it computes during a sampling is kept in `kept`, and in `latest` what holds for
    one timestep (that, tokens, embedding), and dropped after it. record: the steps it acts in; query_rows: see `query_rows`.
    """

    adapter: IPAdapter
    tokens: Tokens
    strength: Strength
    roles: Mapping[Place, tuple[int, Role]]
    mask: torch.Tensor | None = None
    scaling: str = "V only"
    sampled_mask: bool = False
    kept: BoundedCache = field(default_factory=lambda: BoundedCache(CACHE_BYTES), repr=False)
    latest: dict[Hashable, tuple[float, torch.Tensor, torch.Tensor]] = field(default_factory=dict, repr=False)
    record: ActingRecord = field(default_factory=ActingRecord, repr=False)
    query_rows: dict[Any, tuple[int, ...]] = field(default_factory=dict, repr=False)

    # The host's protocol for objects among a model's patches ------------------------------------------------------

    def models(self) -> list[Any]:
        """What the host must load before sampling."""
        return [self.adapter.patcher]

    def cleanup(self) -> None:
        """Called by the host behind a sampling."""
        self.kept.clear()
        self.latest.clear()
        self.query_rows.clear()

    # Keys and values ----------------------------------------------------------------------------------------------

    def keys_values(self, place: Place, view: BatchView, like: torch.Tensor, timestep: float = 0.0) -> torch.Tensor:
        """Keys and values [2,B,T,D] of a layer for the whole batch, of the device and type of `like`.

        Computed once; for adapters that follow the timestep once for each.
        """
        rows = self._rows(view)
        layer, role = self.roles[place]

        def assemble() -> torch.Tensor:
            chunks = (self._chunk(layer, role, half, view.pictures, rows, like, timestep) for half in view.halves)
            return torch.cat(list(chunks), dim=1)

        if self.adapter.layout.follows_timestep:
            return assemble()
        key = ("batch", place, view.halves, view.pictures, rows, like.device, like.dtype)
        return self.kept.get(key, assemble)

    def _rows(self, view: BatchView) -> tuple[int, ...] | None:
        if not self.tokens.per_picture:
            return None
        return view.rows_of(self.tokens.image.shape[0], self.adapter.who, "reference picture")

    def _chunk(
        self,
        layer: int,
        role: Role,
        half: int,
        pictures: int,
        rows: tuple[int, ...] | None,
        like: torch.Tensor,
        timestep: float,
    ) -> torch.Tensor:
        """Keys and values [2,pictures,T,D] of one half of the guidance."""
        is_negative = half == UNCONDITIONAL
        key_value = self._projected(layer, role, is_negative and not role.inverted, like, timestep)
        if role.inverted and not is_negative:
            key_value = torch.zeros_like(key_value)  # no picture at all: the attention of zeros is zero
        if rows is not None and key_value.shape[1] > 1:
            key_value = key_value[:, list(rows)]
        return key_value.expand(-1, pictures, -1, -1)

    def _projected(self, layer: int, role: Role, negative: bool, like: torch.Tensor, timestep: float) -> torch.Tensor:
        if self.adapter.layout.follows_timestep:
            tokens = self._at(timestep, role, negative, like)
            return torch.stack(self.adapter.key_value(layer, *tokens)).to(like.dtype)

        def project() -> torch.Tensor:
            tokens = self._in_rows(self._tokens(role, negative)).to(device=like.device, dtype=torch.float32)
            return torch.stack(self.adapter.key_value(layer, tokens)).to(like.dtype)

        return self.kept.get(("layer", layer, role.source, negative, like.device, like.dtype), project)

    def _at(self, timestep: float, role: Role, negative: bool, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(tokens [rows,T,C], embedding of the timestep [1,D]); the resampler runs once for all layers of a step."""
        key = (role.source, negative, like.device)
        if key not in self.latest or self.latest[key][0] != timestep:
            features = self._tokens(role, negative).to(device=like.device, dtype=torch.float32)
            tokens, time = self.adapter.tokens_at(features, timestep)
            self.latest[key] = (timestep, self._in_rows(tokens), time[:1])
        return self.latest[key][1:]

    def _in_rows(self, tokens: torch.Tensor) -> torch.Tensor:
        """[N,T,C] -> one row with the tokens of all pictures, or a row for each."""
        return tokens if self.tokens.per_picture else rearrange(tokens, "n t c -> 1 (n t) c")

    def _tokens(self, role: Role, negative: bool) -> torch.Tensor:
        """Tokens [N,T,C] of each picture.

        The negative ones are repeated to the number of the positive: equal tokens more than once change no attention.
        """
        tokens = self.tokens
        image = tokens.composition if role.source == "composition" and tokens.composition is not None else tokens.image
        if negative:
            image = tokens.negative[[i % tokens.negative.shape[0] for i in range(image.shape[0])]]
        return image
