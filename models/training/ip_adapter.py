"""Learning an IP-Adapter: its image projection, and keys and values of the image tokens in each cross-attention."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ..guidance.batch_view import BatchView
from ..guidance.bounded_cache import BoundedCache
from ..ip_adapter.adapter import IPAdapter
from ..ip_adapter.call import Moment
from ..ip_adapter.image_prompt import ImagePrompt, Strength, Tokens
from ..ip_adapter.layers import CrossAttention, check_fit, cross_attentions
from ..ip_adapter.loading import adapter_from_state_dict
from ..ip_adapter.patching import laid_around, prompts_of
from ..ip_adapter.query_rows import QueryRows
from ..ip_adapter.weight_types import Role
from .checkpointing import checkpointed
from .ip_adapter_weights import LAYOUTS, Weights, weights_of
from .lessons import Batch, Lessons, error, mean_error, noisy
from .loop import Dice, Learner, Pace
from .references import References, Seen
from .trainee import Trainee

WHO = "Train IP-Adapter"
FAMILIES = {"sd15": 768, "sdxl": 2048}  # and the width of their text

__all__ = ["FAMILIES", "LAYOUTS", "WHO", "IPAdapterLearner", "Plan", "layers_of"]


@dataclass(frozen=True)
class Plan:
    """layout: one of LAYOUTS; tokens: of each picture, 0 for as many as published files have. without_image: share of pictures
    that are learned with no picture to follow. patience: looks without a lower error on held-out pictures behind which it
    stops, 0 for never. checkpointing: of gradients.
    """

    layout: str = "base"
    tokens: int = 0
    rate: float = 1e-4
    without_image: float = 0.1
    patience: int = 3
    checkpointing: bool = False


def layers_of(model: Any, family: str) -> tuple[CrossAttention, ...]:
    """The cross-attentions of a MODEL that learn; ValueError for a base that has none, or is of another family."""
    layers, name = cross_attentions(model.model), type(model.model).__name__
    if not layers or {layer.context for layer in layers} != {FAMILIES.get(family)}:
        raise ValueError(
            f"{WHO}, input model: {name} is no UNet of SD 1.5 or SDXL, for which these adapters are trained. Load a checkpoint "
            "of one of these families."
        )
    if prompts_of(model):
        raise ValueError(
            f"{WHO}, input model: an IP-Adapter is applied to it already, and the new one would learn what that one leaves out. "
            "Link the model as it is before Apply IP-Adapter."
        )
    return layers


class IPAdapterLearner(Learner):
    """Learns from a set by the error of what the base predicts for a picture while it is shown another view.

    adapter: whose module learns (see `ip_adapter_weights.trainable`).

    What runs is what Apply IP-Adapter runs, at weight 1 in every layer, with the module that learns in its place.
    """

    def __init__(
        self,
        lessons: Lessons,
        trainee: Trainee,
        adapter: IPAdapter,
        seen: Seen,
        plan: Plan,
        pace: Pace,
        held_out: Sequence[int],
    ) -> None:
        self.trainee, self.plan, self.seen = trainee, plan, seen
        self._lessons, self._pace = lessons, pace
        self.references = References(len(lessons.latents), held_out)
        self.adapter = adapter
        layers = cross_attentions(trainee.network)
        check_fit(self.adapter, layers, trainee.network)
        self._roles = {layer.place: (index, Role()) for index, layer in enumerate(layers)}
        held = set(held_out)
        groups = [[one for one in numbers if one not in held] for numbers in lessons.sized().values()]
        self._sizes = [numbers for numbers in groups if numbers]

    def groups(self) -> list[tuple[str, float, Mapping[str, nn.Parameter]]]:
        """All of the adapter."""
        return [("adapter", self.plan.rate, dict(self.adapter.module.named_parameters()))]

    def load(self) -> None:
        """Base and adapter onto the device."""
        self.trainee.load()
        self.adapter.module.to(self.trainee.device)

    def loss(self, dice: Dice) -> torch.Tensor:
        """Of a batch of one size; sizes come as often as they have pictures."""
        pace = self._pace
        chosen = dice.choose(dice.one_of(self._sizes), pace.batch)
        count = len(chosen)
        wordless = [one < pace.without_text for one in dice.numbers(count)]
        blind = [one < self.plan.without_image for one in dice.numbers(count)]
        views = [self.references.by_chance(*one) for one in zip(chosen, dice.numbers(count), strict=True)]
        progress = [1 - one**pace.noisy_times for one in dice.numbers(count)]
        noise = dice.noise((count, *self._lessons.latents[chosen[0]].shape))
        shown = [None if no else view for view, no in zip(views, blind, strict=True)]
        parts = self._lessons.batches(chosen, progress, noise, wordless)
        return mean_error(parts, lambda part: self._error(part, [shown[place] for place in part.places]))

    def error(self, batch: Batch) -> torch.Tensor:
        """Of a batch, each picture with the reference that is always its own."""
        return self._error(batch, [self.references.fixed(number) for number in batch.numbers])

    def _error(self, batch: Batch, views: Sequence[int | None]) -> torch.Tensor:
        sampling = self.trainee.network.model_sampling
        return error(sampling, batch, self.predicted(batch, views))

    def predicted(self, batch: Batch, views: Sequence[int | None]) -> torch.Tensor:
        """The clean latents [B,C,h,w] that the base makes of a batch, shown these pictures of the set, or None."""
        network = self.trainee.network
        options = self.trainee.options(batch.sigmas)
        options["patches_replace"] = self._attentions(batch, views, options)
        with checkpointed(network.diffusion_model, self.plan.checkpointing):
            return network.apply_model(
                noisy(network.model_sampling, batch), batch.sigmas, transformer_options=options, **batch.conds
            )

    def _attentions(self, batch: Batch, views: Sequence[int | None], options: dict[str, Any]) -> dict[str, Any]:
        """`patches_replace` of a call."""
        network = self.trainee.network
        tokens = self.adapter.module.image_proj(self.seen.batch(views).to(self.trainee.device))
        prompt = ImagePrompt(
            self.adapter,
            Tokens(tokens, tokens, per_picture=True),
            Strength(),
            self._roles,
            kept=BoundedCache(sys.maxsize),
        )
        view = BatchView.of(batch.latents, 1, options)
        # All of them before the network runs: a layer that is computed again on the way back is to do what it did before.
        like = torch.empty(0, dtype=network.get_dtype_inference(), device=self.trainee.device)
        for place in self._roles:
            prompt.keys_values(place, view, like)
        moment = Moment(prompt, view, 1.0, (None,))
        rows = QueryRows([], view, {}, WHO)
        return laid_around(options.get("patches_replace", {}), (moment,), (0, 0), network, rows)

    # What came of it -------------------------------------------------------------------------------------------

    def tensors(self) -> Weights:
        """The file's."""
        return weights_of(self.adapter)

    def parameters(self) -> Weights:
        """By their names, as they are now."""
        return {name: one.detach() for name, one in self.adapter.module.named_parameters()}

    @torch.no_grad()
    def restore(self, parameters: Weights) -> None:
        """Put parameters back that `parameters` gave."""
        for name, one in self.adapter.module.named_parameters():
            one.copy_(parameters[name])

    def made(self, name: str) -> IPAdapter:
        """An IP_ADAPTER of what has been learned so far, which further steps do not change: as its file would be loaded."""
        return adapter_from_state_dict(self.tensors(), f"{name}.safetensors")
