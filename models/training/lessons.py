"""What a step of training takes from a set: latents, texts and maps of some of its pictures, and noise at some moments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import comfy.model_management as management
import comfy.model_sampling
import comfy.sampler_helpers
import comfy.samplers
import torch

from .encoded import encoded_captions, encoded_pictures
from .training_set import TrainingSet

_LEAST, _MOST = 0.001, 0.999  # of the noise schedule: at its very ends nothing is to be learned


@dataclass(frozen=True, eq=False)
class Batch:
    """latents [B,C,h,w] (or [B,C,1,h,w]) as the sampler sees them, maps [B,3,H,W] in 0..1 or None, sigmas [B], noise like
    latents, conds: the further arguments of `apply_model`, numbers: of its pictures in the set;
    places: of these among the numbers that were asked for.
    """

    latents: torch.Tensor
    maps: torch.Tensor | None
    sigmas: torch.Tensor
    noise: torch.Tensor
    conds: Mapping[str, Any]
    numbers: tuple[int, ...] = ()
    places: tuple[int, ...] = ()

    def column(self, values: torch.Tensor) -> torch.Tensor:
        """[B] -> [B,1,1,1], to go with the latents."""
        return values.reshape(-1, *[1] * (self.latents.ndim - 1))


class Lessons:
    """A set prepared for one model: latents and texts are made once and kept in the set's store by their hash.

    model: a MODEL, loaded or not; its `extra_conds` make what the network takes beside the text. with_maps: whether batches
    have the set's maps, where it has any.
    """

    def __init__(self, chosen: TrainingSet, model: Any, clip: Any, vae: Any, with_maps: bool = True) -> None:
        self.set = chosen
        self._with_maps = with_maps and chosen.has_maps
        self._model = model
        process = model.get_model_object("latent_format").process_in
        self.latents = [process(one)[0] for one in encoded_pictures(chosen, vae)]
        self._texts = encoded_captions(chosen, clip)
        self._empty = self._texts[""]

    def sized(self) -> dict[tuple[int, int], list[int]]:
        """Size in pixels -> the pictures of that size, each as often as its repeats say."""
        groups: dict[tuple[int, int], list[int]] = {}
        for number, (example, size) in enumerate(zip(self.set.examples, self.set.sizes, strict=True)):
            groups.setdefault(size, []).extend([number] * max(1, example.repeats))
        return groups

    def text(self, caption: str) -> list[Any]:
        """A CONDITIONING of a caption of the set, or of none."""
        return self._texts[caption]

    def batch(
        self, numbers: Sequence[int], progress: Sequence[float], noise: torch.Tensor, wordless: Sequence[bool]
    ) -> Batch:
        """Pictures of one size, whose texts go together. progress: of each, where in the noise schedule it stands (0: all noise);
        wordless: of each, whether it comes with an empty text.
        """
        (batch,) = self.batches(numbers, progress, noise, wordless)
        return batch

    def batches(
        self, numbers: Sequence[int], progress: Sequence[float], noise: torch.Tensor, wordless: Sequence[bool]
    ) -> list[Batch]:
        """The same in as many batches as there are kinds of texts: those of another length are no text for a transformer."""
        device = management.get_torch_device()
        sampling = self._model.get_model_object("model_sampling")
        latents = torch.stack([self.latents[number] for number in numbers]).to(device)
        sigmas = torch.tensor([sigma_at(sampling, one) for one in progress], device=device)
        maps = None
        if self._with_maps:
            maps = self.set.maps(list(numbers))[..., :3].movedim(-1, 1).float().to(device)
        texts = [
            self._empty if empty else self._texts[self.set.examples[number].caption]
            for number, empty in zip(numbers, wordless, strict=True)
        ]
        noise = noise.to(device)
        conds = [self._conds(text, one) for text, one in zip(texts, latents, strict=True)]
        groups: dict[str, list[int]] = {}
        for place, one in enumerate(conds):
            groups.setdefault(_form(one), []).append(place)
        return [
            Batch(
                latents[group],
                None if maps is None else maps[group],
                sigmas[group],
                noise[group],
                comfy.samplers.cond_cat([conds[place] for place in group]),
                tuple(numbers[place] for place in group),
                tuple(group),
            )
            for group in groups.values()
        ]

    def _conds(self, text: list[Any], latent: torch.Tensor) -> dict[str, Any]:
        """What the network takes with one picture, as the host's sampler makes it."""
        network, latent = self._model.model, latent[None]
        conds = comfy.sampler_helpers.convert_cond(text)
        made = comfy.samplers.encode_model_conds(
            network.extra_conds,
            conds,
            latent,
            latent.device,
            "positive",
            latent_image=latent,
            denoise_mask=None,
            seed=0,
        )
        return {name: cond.process_cond(batch_size=1, area=None) for name, cond in made[0]["model_conds"].items()}


def _form(conds: Mapping[str, Any]) -> str:
    """What must be alike in two of them to be one batch: shapes, and numbers that hold for all of it."""
    forms = {}
    for name, cond in conds.items():
        is_number = not isinstance(cond.cond, (torch.Tensor, list, tuple))
        forms[name] = cond.cond if is_number else cond.size()
    return repr(sorted(forms.items()))


def mean_error(parts: Sequence[Batch], error_of: Callable[[Batch], torch.Tensor]) -> torch.Tensor:
    """Over all pictures of some batches."""
    if len(parts) == 1:
        return error_of(parts[0])
    total = torch.stack([error_of(part) * len(part.latents) for part in parts]).sum()
    return total / sum(len(part.latents) for part in parts)


def sigma_at(sampling: Any, progress: float) -> float:
    """The noise at a place in the schedule of a model: 0 is all noise, 1 none."""
    return float(sampling.percent_to_sigma(min(max(progress, _LEAST), _MOST)))


def noisy(sampling: Any, batch: Batch) -> torch.Tensor:
    """The latents with their noise."""
    return sampling.noise_scaling(batch.column(batch.sigmas), batch.noise.clone(), batch.latents)


def error(sampling: Any, batch: Batch, found: torch.Tensor) -> torch.Tensor:
    """Mean square error of what the network says, from the clean latents `found` that the host makes of it.

    Of the noise for networks that predict it, of the velocity for those that predict that.
    """
    sigmas = batch.column(batch.sigmas)
    scale = sigmas
    predicts_velocity = isinstance(sampling, comfy.model_sampling.V_PREDICTION)  # as does EDM, which is one of them
    if predicts_velocity:
        data = float(vars(sampling)["sigma_data"])
        scale = sigmas * data / (sigmas**2 + data**2).sqrt()
    return ((found.float() - batch.latents) / scale).square().mean()
