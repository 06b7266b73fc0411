"""ControlNeXt as a CONTROL_NET: works with the host's Apply nodes, anywhere in a chain of control nets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from ..guidance.batch_view import Window, window_of
from ..guidance.control_link import ControlLink
from ..guidance.roles import CONDITIONAL, chunk_roles, told_unknown
from ..guidance.sampling_hooks import with_sampling_hooks
from ..host import tell
from .addition import DEFAULT, Addition, fitting
from .cache import MapSigmas
from .hint import check_hint, hint_rows
from .injection import AfterInputBlock, AfterMiddleBlock, ControlAddition
from .network import ControlNeXtNetwork, Request
from .tokens import TokenAddition
from .variants import BASE_TITLES, Place, Variant, base_of, place_of, resolve, times_of

Residuals = dict[str, list[torch.Tensor | None]]


@dataclass(frozen=True)
class Run:
    """What is settled once the model of a sampling is known."""

    variant: Variant
    place: Place
    model_sampling: Any


class ControlNeXt(ControlLink):
    """A control link that changes the network's hidden state in one place instead of returning residuals.

    The host's residuals are added before the skip connection is stored and without sight of the hidden state, so the
    map is added by a patch that is put into the options of each single call and gone with them.

    mask: [1, images or chunks*images,H,W] in 0..1, where the map is added (at any size), or None for everywhere.
    sigmas: makes a new map on each step, unless it is set to hold one for several. told: what was to be said when the file
    was loaded, a sentence each.
    """

    def __init__(self, network: ControlNeXtNetwork, addition: Addition = DEFAULT, told: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.network = network
        self.addition: Addition = addition
        self.told = told
        self.mask: torch.Tensor | None = None
        self.sigmas = MapSigmas()
        self.extra_hooks = with_sampling_hooks()  # the host collects them from the links themselves
        self._run: Run | None = None
        self._told_unnamed = False

    # Life cycle -------------------------------------------------------------------------------------------------

    def copy(self) -> ControlNeXt:
        copied = ControlNeXt(self.network, self.addition, self.told)
        self.copy_to(copied)
        copied.mask = self.mask
        copied.sigmas = MapSigmas(self.sigmas.every)
        return copied

    def set_cond_hint(self, cond_hint: torch.Tensor, *args: Any, **kwargs: Any) -> ControlNeXt:
        """cond_hint: [B,3,H,W] in 0..1, as the host's Apply nodes give it."""
        check_hint(cond_hint, self.network.file_name)
        super().set_cond_hint(cond_hint, *args, **kwargs)
        return self

    def deepclone_multigpu(self, load_device: torch.device, autoregister: bool = False) -> ControlNeXt:
        clone = self.copy()
        clone.network = self.network.for_device(load_device)
        if autoregister:
            self.multigpu_clones[load_device] = clone
        return clone

    def get_models(self) -> list[Any]:
        return [*super().get_models(), self.network.patcher]

    def inference_memory_requirements(self, dtype: torch.dtype) -> float:
        return super().inference_memory_requirements(dtype) + self.network.memory_required(self.cond_hint_original)

    def pre_run(self, model: Any, percent_to_timestep_function: Any) -> None:
        """Settle the variant by the model; ValueError naming file, variant and model when they contradict."""
        super().pre_run(model, percent_to_timestep_function)
        self.network.cache.clear()
        self.sigmas.clear()
        self._told_unnamed = False
        network = self.network
        base = base_of(model, f"The ControlNeXt file '{network.file_name}'")
        variant = resolve(network.variants, base, network.setting, network.file_name)
        place = place_of(variant, model)
        channels = network.module.layout.out_channels
        if place.channels != channels:
            raise ValueError(
                f"The ControlNeXt file '{network.file_name}' ({variant.title}) makes maps of {channels} channels, but the "
                f"model being sampled has {place.channels} there. The two are of different sizes, as distilled relatives of "
                f"{BASE_TITLES[base]} are; load a checkpoint of the size the file was trained for."
            )
        self._run = Run(variant, place, model.model_sampling)

    def cleanup(self) -> None:
        super().cleanup()
        self.network.cache.clear()
        self.sigmas.clear()
        self._run = None

    # Each call of the model -------------------------------------------------------------------------------------

    def get_control(
        self,
        x_noisy: torch.Tensor,
        t: torch.Tensor,
        cond: dict[str, Any],
        batched_number: int,
        transformer_options: dict[str, Any],
    ) -> Residuals | None:
        """Put the patch for this call into `transformer_options`; returns the residuals of the links before.

        x_noisy: [chunks*images,4,h,w]; t: sigma of each; batched_number: chunks.
        """
        previous = self.residuals_before(x_noisy, t, cond, batched_number, transformer_options)
        if self.strength == 0.0 or self.is_out_of_range(t):
            return previous
        if self._run is None:
            raise ValueError(
                f"The ControlNeXt file '{self.network.file_name}' was asked for its control before the sampling was "
                "prepared. Sample with the host's samplers, which prepare every control net."
            )
        multipliers = self._multipliers(self._run.variant, batched_number, transformer_options)
        if not any(multipliers):
            return previous
        addition = self._addition(self._run, x_noisy, t, multipliers, transformer_options)
        addition.install(transformer_options)
        return previous

    def _multipliers(self, variant: Variant, chunks: int, transformer_options: dict[str, Any]) -> tuple[float, ...]:
        """A factor for each chunk, by the half of the guidance that it belongs to."""
        halves, unnamed = chunk_roles(transformer_options, chunks)
        of_halves = [variant.multiplier(self.network.scale, is_conditional) for is_conditional in (True, False)]
        if unnamed and of_halves[0] != of_halves[1] and not self._told_unnamed:
            self._told_unnamed = True
            tell(told_unknown(f"The ControlNeXt file '{self.network.file_name}'", unnamed))
        return tuple(self.strength * of_halves[half != CONDITIONAL] for half in halves)

    def _addition(
        self,
        run: Run,
        x_noisy: torch.Tensor,
        t: torch.Tensor,
        multipliers: tuple[float, ...],
        transformer_options: dict[str, Any],
    ) -> ControlAddition:
        images = x_noisy.shape[0] // len(multipliers)
        window = window_of(transformer_options, images)
        control = self.network.control_map(self._request(run, x_noisy, self.sigmas.at(t[:images]), window))
        how = fitting(self.addition, run.variant.cross_normalization)
        mask = self._mask_for(x_noisy, window)
        if run.place.patch:
            return TokenAddition(control, how, multipliers, run.place, run.variant.base, x_noisy, mask)
        kind = AfterMiddleBlock if run.place.block[0] == "middle" else AfterInputBlock
        return kind(control, how, multipliers, run.place.block, mask)

    def _request(self, run: Run, x_noisy: torch.Tensor, sigmas: torch.Tensor, window: Window | None) -> Request:
        hint, name = self.cond_hint_original, self.network.file_name
        if hint is None:
            raise ValueError(
                f"The ControlNeXt file '{name}' has no control image. Link it through an Apply ControlNet node."
            )
        rows = hint_rows(hint.shape[0], sigmas.shape[0], window, run.variant.pins_first_map, name)
        values = tuple(sigmas.tolist())
        if len(set(values)) == 1:
            sigmas = sigmas[:1]
        elif len(rows) == 1:
            rows = rows * len(values)  # one image, but times of their own
        height, width = x_noisy.shape[-2] * self.compression_ratio, x_noisy.shape[-1] * self.compression_ratio
        return Request(
            hint,
            rows,
            (height, width),
            times_of(run.variant, run.model_sampling, sigmas),
            (values, window),
            x_noisy.device,
            run.variant.stem_padding,
        )

    def _mask_for(self, x_noisy: torch.Tensor, window: Window | None) -> torch.Tensor | None:
        if self.mask is None:
            return None
        count = self.mask.shape[0]  # a mask of this very call comes before one of the whole clip
        of_clip = window is not None and count == window.total and count != x_noisy.shape[0]
        mask = self.mask[list(window.frames)] if window is not None and of_clip else self.mask
        return mask.unsqueeze(1).to(device=x_noisy.device, dtype=torch.float32)
