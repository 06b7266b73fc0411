"""One signal as a link of the host's control chain."""

from __future__ import annotations

from typing import Any

import torch
from comfy.controlnet import ControlBase

from ..controlnext.control import ControlNeXt
from ..tell import tell
from .balance import budget_factor, region
from .fit import aspects_differ, describe_fit, fitted
from .masking import masked
from .progress import progress_of
from .signal import ControlSignal
from .stack import ControlStack

Residuals = dict[str, list[torch.Tensor | None]]


class SignalControl(ControlBase):
    """A ControlBase around a copy of the signal's own control net.

    The inner net computes and the host's own merge adds up, so a signal without extras gives bit for bit what the
    host's ControlNetApplyAdvanced gives. In between stands what the host has no place for: a weight that changes over
    the sampling, a mask, a factor per layer, the share that the stack leaves to this signal, and the fit.
    """

    def __init__(self, inner: Any, signal: ControlSignal, stack: ControlStack, label: str) -> None:
        super().__init__()
        self.inner = inner
        self.signal = signal
        self.stack = stack
        self.label = label
        self.extra_hooks = inner.extra_hooks  # the host collects them from the links themselves
        self._percent_to_sigma: Any = None
        self._fitted_to: tuple[int, int] | None = None
        self._told = False

    # What the host asks of a control object ---------------------------------------------------------------------

    def copy(self) -> SignalControl:
        copied = SignalControl(self.inner.copy(), self.signal, self.stack, self.label)
        self.copy_to(copied)
        return copied

    def set_cond_hint(self, *args: Any, **kwargs: Any) -> SignalControl:
        super().set_cond_hint(*args, **kwargs)
        self.strength = 1.0  # the inner net applies the weight; this link only adds up
        self.inner.set_cond_hint(*args, **kwargs)
        return self

    def deepclone_multigpu(self, load_device: torch.device, autoregister: bool = False) -> SignalControl:
        clone = self.copy()
        clone.inner = self.inner.deepclone_multigpu(load_device)
        if autoregister:
            self.multigpu_clones[load_device] = clone
        return clone

    def get_models(self) -> list[Any]:
        return super().get_models() + self.inner.get_models()

    def inference_memory_requirements(self, dtype: torch.dtype) -> float:
        # Links run one after the other, so the largest need counts.
        return max(super().inference_memory_requirements(dtype), self.inner.inference_memory_requirements(dtype))

    def pre_run(self, model: Any, percent_to_timestep_function: Any) -> None:
        super().pre_run(model, percent_to_timestep_function)
        self.inner.pre_run(model, percent_to_timestep_function)
        self._percent_to_sigma = percent_to_timestep_function

    def cleanup(self) -> None:
        super().cleanup()
        self.inner.cleanup()
        self._percent_to_sigma = None
        self._fitted_to = None
        self._told = False

    def get_control(
        self,
        x_noisy: torch.Tensor,
        t: torch.Tensor,
        cond: dict[str, Any],
        batched_number: int,
        transformer_options: Any,
    ) -> Residuals | None:
        """Residuals of the chain up to this link, or None; called by the host for each run of the network."""
        previous = None
        chain: Any = self.previous_controlnet  # the host's base class does not declare get_control
        if chain is not None:
            previous = chain.get_control(x_noisy, t, cond, batched_number, transformer_options)
        progress = self._progress(t)
        weight = self._weight(t, progress)
        if weight == 0.0:
            return previous
        self._prepare_image(x_noisy, batched_number, transformer_options)
        self.inner.strength = weight
        if isinstance(self.inner, ControlNeXt):  # it adds its map inside the UNet, so the mask must act there
            self.inner.mask = region(self.stack, self.signal, progress, x_noisy)
        own = self.inner.get_control(x_noisy, t, cond, batched_number, transformer_options)
        if own is None:
            return previous
        return self.control_merge(self._shaped(own, progress, x_noisy), previous, output_dtype=None)

    # What happens in between ------------------------------------------------------------------------------------

    @property
    def _image(self) -> torch.Tensor:
        """The control image [B,C,H,W] as it came."""
        assert self.cond_hint_original is not None, "the host sets the image before it samples"
        return self.cond_hint_original

    @property
    def _changes_over_time(self) -> bool:
        return self.stack.balance != "none" or not self.signal.schedule.is_constant

    def _progress(self, t: torch.Tensor) -> float:
        """Progress of the sampling; only asked for where something depends on it."""
        if not self._changes_over_time or self._percent_to_sigma is None:
            return self.signal.start
        return progress_of(float(t[0]), self._percent_to_sigma)

    def _weight(self, t: torch.Tensor, progress: float) -> float:
        if self.timestep_range is not None and (t[0] > self.timestep_range[0] or t[0] < self.timestep_range[1]):
            return 0.0
        factor = self.signal.schedule.value(progress) * budget_factor(self.stack, progress)
        return self.signal.weight if factor == 1.0 else self.signal.weight * factor

    def _shaped(self, own: Residuals, progress: float, x_noisy: torch.Tensor) -> Residuals:
        mask = region(self.stack, self.signal, progress, x_noisy)
        layers = self.signal.layer_weights
        if mask is None and layers is None:
            return own
        latent_size = (x_noisy.shape[-2], x_noisy.shape[-1])
        shaped: Residuals = {}
        for group, residuals in own.items():
            shaped[group] = []
            for index, residual in enumerate(residuals):
                weighted = residual if residual is None or layers is None else residual * layers.factor(group, index)
                shaped[group].append(
                    weighted if weighted is None or mask is None else masked(weighted, mask, latent_size)
                )
        return shaped

    def _prepare_image(self, x_noisy: torch.Tensor, batched_number: int, transformer_options: Any) -> None:
        """Check the batch, tell about a differing aspect, and fit the image where the host would only crop."""
        self._check_batch(x_noisy.shape[0] // batched_number, transformer_options)
        scale = self.inner.compression_ratio
        if self.inner.vae is not None:
            scale *= self.inner.vae.spacial_compression_encode()
        size = (x_noisy.shape[-2] * scale, x_noisy.shape[-1] * scale)
        if size == self._fitted_to:
            return
        self._fitted_to = size
        image = self._image
        image_size = (image.shape[-2], image.shape[-1])
        if not aspects_differ(image_size, size):
            return
        if not self._told:
            self._told = True
            tell(f"{self.label}: {describe_fit(image_size, size, self.signal.fit)}.")
        if self.signal.fit != "crop":  # crop is what the inner net does by itself
            method = self.inner.upscale_algorithm
            self.inner.cond_hint_original = fitted(image, *size, self.signal.fit, method)
            self.inner.cond_hint = None

    def _check_batch(self, pictures: int, transformer_options: Any) -> None:
        images = self._image.shape[0]
        if images in (1, pictures) or "context_window" in transformer_options:
            return
        raise ValueError(
            f"{self.label}: {images} control images came in for a batch of {pictures} pictures. "
            "Give one control image for all, or exactly one for each picture of the batch."
        )
