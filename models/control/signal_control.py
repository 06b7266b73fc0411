"""One signal as a link of the host's control chain."""

from __future__ import annotations

from typing import Any

import torch
from comfy.controlnet import ControlBase

from ..controlnext.control import ControlNeXt
from ..guidance.batch_view import BatchView
from ..guidance.layer_weights import Place, layers_of
from ..guidance.progress import progress_of
from ..guidance.regions import area_hooks, areas_of
from .guard import Watch
from .image_feed import Call, MapFeed
from .residuals import Residuals, Shape, budget_factor, frame_factors, item_factors, needs_areas, region
from .savings import NONE, InnerCall, Savings
from .signal import ControlSignal
from .stack import ControlStack
from .union_net import UnionFeed, UnionNet
from .union_signal import UnionSignal


class SignalControl(ControlBase):
    """A ControlBase around a copy of the signal's own control net.

    The inner net computes and the host's own merge adds up, so a signal without extras gives bit for bit what the
    host's ControlNetApplyAdvanced gives. In between stands what the host has no place for: a weight that changes over
    the sampling, a mask, factors per layer, frame and half, the share that the stack leaves to this signal, and the fit.
    """

    def __init__(
        self, inner: Any, signal: ControlSignal, stack: ControlStack, watch: Watch, savings: Savings = NONE
    ) -> None:
        super().__init__()
        self.inner = inner
        self.signal = signal
        self.stack = stack
        self.watch = watch
        self.savings = savings
        self.extra_hooks = inner.extra_hooks  # the host collects them from the links themselves
        if needs_areas(stack, signal):
            self.extra_hooks = area_hooks(inner.extra_hooks)
        self._call = InnerCall(inner, savings)
        self._feed: MapFeed | UnionFeed
        if isinstance(inner, UnionNet) and isinstance(signal, UnionSignal):
            self._feed = UnionFeed(inner, signal.parts, watch.label)
        else:
            self._feed = MapFeed(inner, signal, watch.label)
        self._model: Any = None
        self._percent_to_sigma: Any = None
        self._layers: dict[tuple[int, int], dict[Place, float]] = {}

    @property
    def label(self) -> str:
        """Who this is, in messages."""
        return self.watch.label

    # What the host asks of a control object ---------------------------------------------------------------------

    def copy(self) -> SignalControl:
        copied = SignalControl(self.inner.copy(), self.signal, self.stack, self.watch, self.savings)
        self.copy_to(copied)
        return copied

    def set_cond_hint(self, *args: Any, **kwargs: Any) -> SignalControl:
        super().set_cond_hint(*args, **kwargs)
        self.strength = 1.0  # the inner net applies the weight; this link only adds up
        self.inner.set_cond_hint(*args, **kwargs)
        return self

    def deepclone_multigpu(self, load_device: torch.device, autoregister: bool = False) -> SignalControl:
        inner = self.inner.deepclone_multigpu(load_device)
        clone = SignalControl(inner, self.signal, self.stack, self.watch, self.savings)
        self.copy_to(clone)
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
        self._forget()  # an interrupted sampling is never cleaned up
        self.watch.reset()
        self.inner.pre_run(model, percent_to_timestep_function)
        self._model = model
        self._percent_to_sigma = percent_to_timestep_function

    def cleanup(self) -> None:
        """Let go of the sampling. ValueError when the signal was silent throughout and the guard says error."""
        try:
            super().cleanup()
        finally:
            self.inner.cleanup()
            self._forget()
            self._model = self._percent_to_sigma = None
        self.watch.finish()

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
        view = BatchView.of(x_noisy, batched_number, transformer_options)
        items = item_factors(self.signal, view, self.savings.conditional_only, self.label)
        if weight == 0.0 or (items is not None and not any(items)):
            return previous
        areas = areas_of(transformer_options, batched_number)
        self._feed.prepare(self._image, Call(x_noisy, view, areas, progress))
        self.inner.strength = weight
        where = region(self.stack, self.signal, progress, x_noisy, view, areas)
        if isinstance(self.inner, ControlNeXt):  # it adds its map inside the UNet, so the mask must act there
            self.inner.mask = self._mask_inside(where, x_noisy, view)
        own = self._call.residuals((x_noisy, t, cond, batched_number, transformer_options), items)
        if own is None:
            return previous
        self.watch.check_shapes(own, self._model, x_noisy)
        self.watch.saw(own)
        shaped = self._shape(own, items, x_noisy, where).on(own, x_noisy)
        return self.control_merge(shaped, previous, output_dtype=None)

    # What happens in between ------------------------------------------------------------------------------------

    @property
    def _image(self) -> torch.Tensor:
        """The control image [B,C,H,W] as it came."""
        assert self.cond_hint_original is not None, "the host sets the image before it samples"
        return self.cond_hint_original

    @property
    def _changes_over_time(self) -> bool:
        constant = self.signal.schedule.is_constant and not isinstance(self.signal, UnionSignal)
        return self.stack.balance != "none" or not constant or self.savings.until < 1.0

    def _forget(self) -> None:
        self._feed.reset(self.cond_hint_original)
        self._call.clear()
        self._layers.clear()

    def _progress(self, t: torch.Tensor) -> float:
        """Progress of the sampling; only asked for where something depends on it."""
        if not self._changes_over_time or self._percent_to_sigma is None:
            return self.signal.start
        return progress_of(float(t[0]), self._percent_to_sigma)

    def _weight(self, t: torch.Tensor, progress: float) -> float:
        if self.timestep_range is not None and (t[0] > self.timestep_range[0] or t[0] < self.timestep_range[1]):
            return 0.0
        if progress > self.savings.until or self.signal.strength_at(progress) == 0.0:
            return 0.0
        factor = self.signal.schedule.value(progress) * budget_factor(self.stack, progress)
        return self.signal.weight if factor == 1.0 else self.signal.weight * factor

    def _mask_inside(self, where: torch.Tensor | None, x_noisy: torch.Tensor, view: BatchView) -> torch.Tensor | None:
        """The mask for a net that acts inside the UNet; the weights of frames are part of it, as nothing else there can be."""
        if self.signal.frame_weights is None:
            return where
        frames = torch.tensor(frame_factors(self.signal, view, self.label), device=x_noisy.device).reshape(-1, 1, 1)
        if where is None:
            return frames
        repeats = where.shape[0] // view.pictures if where.shape[0] > view.pictures else 1
        return where.to(frames.device) * frames.repeat(repeats, 1, 1)

    def _shape(
        self, own: Residuals, items: tuple[float, ...] | None, x_noisy: torch.Tensor, where: torch.Tensor | None
    ) -> Shape:
        layers = self.signal.layer_weights
        factors = None
        if layers is not None and layers.acts_on_layers:
            size = (x_noisy.shape[-2], x_noisy.shape[-1])
            if size not in self._layers:
                pooled = self.inner.global_average_pooling
                self._layers[size] = layers.factors(layers_of(own, size[0]), self.label, pooled)
            factors = self._layers[size]
        each = None if items is None else torch.tensor(items, device=x_noisy.device)
        return Shape(factors, each, where)
