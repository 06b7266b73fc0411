"""One signal as a link of the host's control chain."""

from __future__ import annotations

from typing import Any

import torch

from ...preprocessors.images.tags import tag_of
from ..controlnext.control import ControlNeXt
from ..guidance.acting import HALF, PLACE
from ..guidance.batch_view import BatchView
from ..guidance.control_link import ControlLink
from ..guidance.layer_weights import Place, layers_of
from ..guidance.progress import Progress, in_range, progress_of
from ..guidance.regions import areas_of
from ..guidance.roles import told_unknown
from ..guidance.sampling_hooks import with_sampling_hooks
from ..host import tell
from .adaptive_weight import AdaptiveWeight
from .family import mismatch
from .guard import Watch
from .image_feed import Call, MapFeed
from .model_patch.net import ModelPatchNet
from .residuals import (
    Residuals,
    Shape,
    budget_factor,
    clip_factors,
    frame_factors,
    item_factors,
    mask_is_of_map,
    reads_clip,
    region,
)
from .savings import NONE, InnerCall, Savings
from .signal import ControlSignal
from .stack import ControlStack
from .union_net import UnionFeed, UnionNet
from .union_signal import UnionSignal


class SignalControl(ControlLink):
    """A ControlBase around a copy of the signal's own control net.

    The inner net computes and the host's own merge adds up, so a signal without extras gives bit for bit what the
    host's ControlNetApplyAdvanced gives. In between stands what the host has no place for: a weight that changes over
    the sampling, a mask, factors per layer, frame and half, the share that the stack leaves to this signal, and the fit.
    """

    def __init__(
        self,
        inner: Any,
        signal: ControlSignal,
        stack: ControlStack,
        watch: Watch,
        savings: Savings = NONE,
        follower: AdaptiveWeight | None = None,
    ) -> None:
        super().__init__()
        self.inner = inner
        self.signal = signal
        self.stack = stack
        self.watch = watch
        self.savings = savings
        self.follower = follower
        self.extra_hooks = with_sampling_hooks(inner.extra_hooks)  # the host collects them from the links themselves
        self._call = InnerCall(inner, savings)
        self._feed: MapFeed | UnionFeed
        if isinstance(inner, UnionNet) and isinstance(signal, UnionSignal):
            self._feed = UnionFeed(inner, signal.parts, watch.label)
        else:
            self._feed = MapFeed(inner, signal, watch.label)
        self._model: Any = None
        self._percent_to_sigma: Any = None
        self._is_left_out = False
        self._layers: dict[tuple[int, int], dict[Place, float]] = {}

    @property
    def label(self) -> str:
        """Who this is, in messages."""
        return self.watch.label

    # What the host asks of a control object ---------------------------------------------------------------------

    def copy(self) -> SignalControl:
        copied = SignalControl(self.inner.copy(), self.signal, self.stack, self.watch, self.savings, self.follower)
        self.copy_to(copied)
        return copied

    def set_cond_hint(self, *args: Any, **kwargs: Any) -> SignalControl:
        super().set_cond_hint(*args, **kwargs)
        self.strength = 1.0  # the inner net applies the weight; this link only adds up
        self.inner.set_cond_hint(*args, **kwargs)
        return self

    def deepclone_multigpu(self, load_device: torch.device, autoregister: bool = False) -> SignalControl:
        inner = self.inner.deepclone_multigpu(load_device)
        clone = SignalControl(inner, self.signal, self.stack, self.watch, self.savings, self.follower)
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
        self._check_family(model)
        if not self._is_left_out:
            self.inner.pre_run(model, percent_to_timestep_function)
        self._model = model
        self._percent_to_sigma = percent_to_timestep_function
        if self.follower is not None:
            self.follower.reset(percent_to_timestep_function)

    def abandon(self) -> None:
        """Let go of a sampling that ended by an error or an interrupt, and say nothing of it."""
        super().abandon()
        self.inner.cleanup()
        self._forget()
        self._model = self._percent_to_sigma = None
        self._is_left_out = False
        if self.follower is not None:
            self.follower.reset(None)

    def _check_family(self, model: Any) -> None:
        told = mismatch(self.inner, model, self.label, tag_of(self.signal.image))
        if told is not None and self.watch.policy == "error":
            raise ValueError(told)
        if told is not None and not self._is_left_out:  # the host prepares a link once for each conditioning
            tell(f"{told} It is left out.")
        self._is_left_out = told is not None

    def cleanup(self) -> None:
        """Let go of the sampling. ValueError when the signal was silent throughout and the guard says error."""
        to_sigma = self._percent_to_sigma
        try:
            super().cleanup()
        finally:
            self.inner.cleanup()
            self._forget()
            self._model = self._percent_to_sigma = None
        is_left_out, self._is_left_out = self._is_left_out, False
        if is_left_out:
            self.watch.record.finish()
            if self.follower is not None:
                self.follower.reset(None)
            return
        if self.follower is not None:
            self.follower.finish()
        limit = self.savings.until
        self.watch.finish(self.signal, limit if limit < 1.0 else None, to_sigma)

    def get_control(
        self,
        x_noisy: torch.Tensor,
        t: torch.Tensor,
        cond: dict[str, Any],
        batched_number: int,
        transformer_options: Any,
    ) -> Residuals | None:
        """Residuals of the chain up to this link, or None; called by the host for each run of the network."""
        previous = self.residuals_before(x_noisy, t, cond, batched_number, transformer_options)
        if self._is_left_out:
            return previous
        at = self._at(t, transformer_options)
        weight = self._weight(t, at)
        view = BatchView.of(x_noisy, batched_number, transformer_options)
        # ControlNeXt acts on both halves alike, whether the host runs them in one batch or apart.
        alike = isinstance(self.inner, ControlNeXt)
        items = None if alike else item_factors(self.signal, view, self.savings.conditional_only, self.label)
        half_missing = items is not None and not any(items)
        areas = areas_of(transformer_options, batched_number)
        frames = self._frames(view)
        acts = weight != 0.0 and not half_missing and (frames is None or any(frames))
        where = region(self.stack, self.signal, at, x_noisy, view, areas) if acts else None
        lacked = HALF if weight != 0.0 and half_missing else ""
        if where is not None and self._may_be_nowhere(x_noisy, areas) and not bool(where.any()):
            acts, lacked = False, PLACE
        self.watch.record.saw(float(t[0]), transformer_options, acts, lacked)
        if not acts:
            return previous
        self._tell_once(view, x_noisy, areas)
        self._feed.prepare(self._image, Call(x_noisy, view, areas, at))
        self.inner.strength = weight
        if self.follower is not None:
            self.follower.acts(weight)
        if isinstance(self.inner, ControlNeXt):  # it acts inside the network, so the mask must act there
            self.inner.mask = self._mask_inside(where, x_noisy, view)
        elif isinstance(self.inner, ModelPatchNet):
            self.inner.mask, self.inner.items, self.inner.frames = where, items, frames
            self.inner.saw = lambda added: self.watch.saw({"input": [added]})
        own = self._call.residuals((x_noisy, t, cond, batched_number, transformer_options), items)
        if own is None:
            return previous
        self.watch.check_shapes(own, self._model, x_noisy, transformer_options)
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

    def _may_be_nowhere(self, x_noisy: torch.Tensor, areas: Any) -> bool:
        """Whether nothing may be left of the place where it acts: then that is looked at."""
        strongest = self.stack.balance == "strongest" and len(self.stack.signals) > 1
        cut = any(areas) or mask_is_of_map(self.signal, (x_noisy.shape[-2], x_noisy.shape[-1]))
        return strongest or (self.signal.mask is not None and cut)

    def _frames(self, view: BatchView) -> tuple[float, ...] | None:
        """Factor of each frame of the latent, for nets that read a clip."""
        return (
            clip_factors(self.signal, view, self.inner.pictures_in_frame, self.label)
            if reads_clip(self.inner)
            else None
        )

    def _tell_once(self, view: BatchView, x_noisy: torch.Tensor, areas: Any) -> None:
        """What a person should know about this call, once in a sampling."""
        layers = self.signal.layer_weights
        halves_differ = self.savings.conditional_only or (
            layers is not None and layers.conditional != layers.unconditional
        )
        if view.unnamed and halves_differ:
            self._tell(told_unknown(self.label, view.unnamed))
        if any(areas) or self.signal.mask is None:
            return
        if mask_is_of_map(self.signal, (x_noisy.shape[-2], x_noisy.shape[-1])):
            height, width = self.signal.mask.shape[-2:]
            self._tell(
                f"{self.label}: its mask has the size of its map ({width}x{height}) and not the picture's shape, so it is taken "
                f"as drawn on the map, and fitted with it ({self.signal.fit})."
            )

    def _tell(self, told: str) -> None:
        if self.watch.record.first_time(told):
            tell(told)

    def _at(self, t: torch.Tensor, options: Any) -> Progress:
        """Where the sampling is; only asked for where something depends on it."""
        counts = any(one.counts_steps for one in (self.signal, *self.stack.signals, *getattr(self.signal, "parts", ())))
        steps = self.watch.record.step_share(float(t[0]), options) if counts else None
        if counts and steps is None:
            self._tell(
                f"{self.label}: range_of is steps, but this sampler does not tell its sigmas. The range is taken as one of "
                "the noise schedule."
            )
        if not (self._changes_over_time or counts) or self._percent_to_sigma is None:
            return Progress(self.signal.start, steps)
        return Progress(progress_of(float(t[0]), self._percent_to_sigma), steps)

    def _weight(self, t: torch.Tensor, at: Progress) -> float:
        if self.is_out_of_range(t):
            return 0.0
        if self.signal.counts_steps and not self.signal.has_in_range(at):  # the host knows no such range
            return 0.0
        if self.signal.strength_at(at) == 0.0 or not self._before_the_end(t):
            return 0.0
        factor = self.signal.schedule.value(at.noise) * budget_factor(self.stack, at)
        if self.follower is not None:
            factor *= self.follower.factor
        return self.signal.weight if factor == 1.0 else self.signal.weight * factor

    def _before_the_end(self, t: torch.Tensor) -> bool:
        """Whether the savings still let control act."""
        if self.savings.until == 1.0 or self._percent_to_sigma is None:
            return True
        return in_range(float(t[0]), 0.0, self.savings.until, self._percent_to_sigma)

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
