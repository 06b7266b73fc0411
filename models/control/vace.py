"""VACE controls (Wan) with a weight over the sampling, per control, frame and place.

The host carries them in the conditioning, each with one strength for all (`WanVaceToVideo`), and its network multiplies what
a control adds to the tokens by that (`comfy.ldm.wan.model.VaceWanModel`): a factor per token serves as well as a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import comfy.patcher_extension as extension
import torch

from ...preprocessors.images.checks import check_range, check_span, check_type
from ...preprocessors.images.tensors import check_mask
from ..guidance.acting import ActingRecord, tell_acting
from ..guidance.batch_view import clip_of
from ..guidance.curve import CONSTANT, Curve
from ..guidance.frame_weights import FrameWeights
from ..guidance.progress import curve_at
from .model_patch.weighting import Weights
from .signal import MAXIMUM_WEIGHT

WHO = "VACE Weights"
_KEY = "armature_vace"
PICTURES_IN_FRAME = 4  # of a clip, in each frame of a Wan latent but the first


@dataclass(frozen=True, eq=False)
class VACEWeights:
    """Factors on the strength of VACE controls.

    number: of the control, from 1 in the order in which they are chained, 0 for all; weight: 0..10; start, end: shares of the
    noise schedule; schedule: factor over it; mask: [1,H,W] in 0..1 over the picture; frames: factor per picture of the clip.
    """

    number: int = 0
    weight: float = 1.0
    start: float = 0.0
    end: float = 1.0
    schedule: Curve = CONSTANT
    mask: torch.Tensor | None = None
    frames: FrameWeights | None = None

    def __post_init__(self) -> None:
        check_range(f"{WHO}, input number", self.number, 0, 32)
        check_range(f"{WHO}, input weight", self.weight, 0.0, MAXIMUM_WEIGHT)
        check_range(f"{WHO}, input start_percent", self.start, 0.0, 1.0)
        check_range(f"{WHO}, input end_percent", self.end, 0.0, 1.0)
        check_span(WHO, self.start, self.end)
        if self.frames is not None:
            check_type(f"{WHO}, input frame_weights", self.frames, FrameWeights, "FRAME_WEIGHTS are")
        if self.mask is not None:
            object.__setattr__(self, "mask", check_mask(self.mask, f"{WHO}, input mask"))
            _check_one(self.mask)

    @property
    def who(self) -> str:
        """Which control this is, for messages."""
        return f"{WHO} of {'every control' if self.number == 0 else f'control {self.number}'}"

    def at(self, sigma: float, percent_to_sigma: Any) -> float:
        """Factor at a sigma; 0 outside the range, whose ends are compared as the host compares those of a control net."""
        return self.weight * curve_at(sigma, self.start, self.end, self.schedule, percent_to_sigma)


def _check_one(mask: torch.Tensor) -> None:
    if len(mask) > 1:
        raise ValueError(
            f"{WHO}, input mask: {len(mask)} masks came in, and one holds for all frames of the clip. Link a single mask; what "
            "changes from frame to frame is for frame_weights."
        )


def with_vace_weights(model: Any, weights: VACEWeights) -> Any:
    """A clone of a MODEL with these weights; those of other controls that it has already stay.

    ValueError for a model that has no VACE.
    """
    if not hasattr(model.model.diffusion_model, "vace_blocks"):
        raise ValueError(
            f"{WHO}: the model ({type(model.model).__name__}) has no VACE. Load a Wan VACE model, or take this node out."
        )
    clone, apply = model.clone(), _Apply(weights, ActingRecord())
    wrappers: dict[str, Any] = {
        extension.WrappersMP.APPLY_MODEL: apply,
        extension.WrappersMP.OUTER_SAMPLE: _Record(apply),
    }
    for kind, wrapper in wrappers.items():
        extension.add_wrapper_with_key(kind, _KEY, wrapper, clone.model_options, is_model_options=True)
    return clone


class _Record:
    """One sampling, with a word at its end on the steps in which a control acted."""

    def __init__(self, apply: _Apply) -> None:
        self.apply = apply

    def __call__(
        self, executor: Any, noise: Any, latent: Any, sampler: Any, sigmas: Any, *rest: Any, **named: Any
    ) -> Any:
        guider, weights, record = executor.class_obj, self.apply.weights, self.apply.record
        record.begin(sigmas)
        self.apply.references = _references(guider)
        made = executor(noise, latent, sampler, sigmas, *rest, **named)
        to_sigma = guider.model_patcher.get_model_object("model_sampling").percent_to_sigma
        tell_acting(weights.who, record.finish(), weights.start, weights.end, to_sigma)
        return made


def _references(guider: Any) -> int:
    """Frames that stand before the clip: WanVaceToVideo puts its reference image there, with nothing to be made of it, which
    are zeros in the latent's format.
    """
    to_latent = guider.model_patcher.model.latent_format.process_out
    controls = (frames for own in guider.conds.values() for one in own or () for frames in one.get("vace_frames", ()))
    made = (frames[:, 16:32, :1] for frames in controls if frames.shape[2] > 1)
    return int(any(torch.allclose(one, to_latent(torch.zeros_like(one))) for one in made))


class _Apply:
    """One call of the network, with the strengths that hold now. references: see `_references`."""

    def __init__(self, weights: VACEWeights, record: ActingRecord) -> None:
        self.weights = weights
        self.record = record
        self.references = 0

    @torch.compiler.disable
    def __call__(
        self,
        executor: Any,
        x: torch.Tensor,
        t: torch.Tensor,
        c_concat: Any = None,
        c_crossattn: Any = None,
        control: Any = None,
        transformer_options: Any = None,
        **kwargs: Any,
    ) -> Any:
        strengths = kwargs.get("vace_strength")
        if strengths is not None:
            kwargs["vace_strength"] = self._weighted(strengths, x, float(t[0]), executor.class_obj, transformer_options)
        return executor(x, t, c_concat, c_crossattn, control, transformer_options, **kwargs)

    def _weighted(self, strengths: Any, x: torch.Tensor, sigma: float, model: Any, options: Any) -> list[Any]:
        wanted, number = self.weights, self.weights.number
        if number > len(strengths):
            raise ValueError(
                f"{WHO}: number is {number}, but the conditioning carries {len(strengths)} VACE "
                f"control{'s' if len(strengths) != 1 else ''}. Chain another WanVaceToVideo, or lower number."
            )
        factor = wanted.at(sigma, model.model_sampling.percent_to_sigma)
        self.record.saw(sigma, options or {}, factor != 0.0)
        shaped: Any = factor
        if factor != 0.0 and (wanted.mask is not None or wanted.frames is not None):
            shape = Weights(1.0, None, wanted.mask, self._frames(x, options or {}), x, lambda _added: None)
            rows, columns = (-(-side // 2) for side in x.shape[-2:])
            shaped = factor * shape.of(x.new_zeros(1, x.shape[2] * rows * columns, 1))
        chosen = range(len(strengths)) if number == 0 else (number - 1,)
        return [one * shaped if place in chosen else one for place, one in enumerate(strengths)]

    def _frames(self, x: torch.Tensor, options: Mapping[str, Any]) -> torch.Tensor | None:
        """Of the frames that this call sees: all, or those of the host's context window."""
        if self.weights.frames is None:
            return None
        seen = clip_of(dict(options), x.shape[2])
        of_clip = self.weights.frames.over_latent(seen.total - self.references, PICTURES_IN_FRAME, WHO)
        over = (*[1.0] * self.references, *of_clip)
        return torch.tensor([over[frame] for frame in seen.frames], device=x.device)
