"""A control signal: one control net, one control image, and how strongly, when and where it acts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch

from ...preprocessors.images.checks import check_choice, check_range, check_span, check_type
from ...preprocessors.images.tensors import check_image, check_mask, to_rgb
from ..guidance.curve import CONSTANT, Curve
from ..guidance.frame_weights import FrameWeights
from ..guidance.layer_weights import LayerWeights
from ..guidance.progress import Progress
from .adaptation import Adaptation
from .fit import FITS, Fit

OnInvalid = Literal["warn", "skip", "error"]
ON_INVALID: tuple[OnInvalid, ...] = get_args(OnInvalid)

RangeOf = Literal["noise", "steps"]
RANGES: tuple[RangeOf, ...] = get_args(RangeOf)

MAXIMUM_WEIGHT = 10.0

# The host compares sigmas, we compare progress that was found by halving: an edge of the range counts as inside.
_EDGE = 2e-6


@dataclass(frozen=True, eq=False)
class ControlSignal:
    """Immutable record of one signal.

    control_net: the host's ControlBase object; image: [B,H,W,C] in 0..1; weight: 0..10; start, end: share of the
    sampling, 0..1, counted by range_of: `noise`, the model's noise schedule (as the host counts), or `steps` of the sampling;
    schedule: factor on the weight over the whole noise schedule; mask: [B,H,W] or None; layer_weights and frame_weights:
    further factors per layer and half, and per frame; inpaint_mask: [B,H,W], 1 where a net that inpaints draws anew;
    inpaint_image: [B,H,W,C], what it paints into where `image` is a map; source: title of the node that gave the image;
    net_name: name of the net's file, both "" where nobody knows; adaptation: how the weight corrects itself while sampling.
    """

    control_net: Any
    image: torch.Tensor
    weight: float = 0.8
    start: float = 0.0
    end: float = 1.0
    fit: Fit = "crop"
    on_invalid: OnInvalid = "warn"
    schedule: Curve = CONSTANT
    mask: torch.Tensor | None = None
    layer_weights: LayerWeights | None = None
    frame_weights: FrameWeights | None = None
    range_of: RangeOf = "noise"
    inpaint_mask: torch.Tensor | None = None
    inpaint_image: torch.Tensor | None = None
    source: str = ""
    net_name: str = ""
    adaptation: Adaptation | None = None

    def __post_init__(self) -> None:
        if isinstance(getattr(self.control_net, "model", None), torch.nn.Module):  # a MODEL_PATCH, as the host loads it
            object.__setattr__(self, "control_net", _net_of_patch(self.control_net))
        _check_control_net(self.control_net)
        check_range("Control signal, input weight", self.weight, 0.0, MAXIMUM_WEIGHT)
        check_range("Control signal, input start_percent", self.start, 0.0, 1.0)
        check_range("Control signal, input end_percent", self.end, 0.0, 1.0)
        check_span("Control signal", self.start, self.end)
        check_choice("Control signal, input fit", self.fit, FITS)
        check_choice("Control signal, input on_invalid", self.on_invalid, ON_INVALID)
        check_choice("Control signal, input range_of", self.range_of, RANGES)
        if self.inpaint_mask is not None:
            checked = check_mask(self.inpaint_mask, "Control signal, input inpaint_mask")
            # Some packs give masks of booleans, from which nothing can be subtracted.
            object.__setattr__(self, "inpaint_mask", checked if checked.is_floating_point() else checked.float())
        if self.inpaint_image is not None:
            painted = to_rgb(check_image(self.inpaint_image, "Control signal, input inpaint_image"))
            object.__setattr__(self, "inpaint_image", painted)
        if self.mask is not None:
            object.__setattr__(self, "mask", check_mask(self.mask, "Control signal, input mask"))
        if self.layer_weights is not None:
            check_type("Control signal, input layer_weights", self.layer_weights, LayerWeights, "LAYER_WEIGHTS are")
        if self.frame_weights is not None:
            check_type("Control signal, input frame_weights", self.frame_weights, FrameWeights, "FRAME_WEIGHTS are")

    def weight_at(self, at: Progress) -> float:
        """Weight at a place in the sampling: zero outside the range."""
        return self.strength_at(at) if self.has_in_range(at) else 0.0

    def has_in_range(self, at: Progress) -> bool:
        """Whether a place lies in the range. A step belongs to a range of steps when its beginning does."""
        if self.counts_steps and at.steps is not None:
            return self.start - _EDGE <= at.steps < self.end - _EDGE
        return self.start - _EDGE <= at.noise <= self.end + _EDGE

    def strength_at(self, at: Progress) -> float:
        """Weight at a place inside the range."""
        return self.weight * self.schedule.value(at.noise)

    @property
    def counts_steps(self) -> bool:
        """Whether its range is one of steps."""
        return self.range_of == "steps"

    @property
    def has_mask(self) -> bool:
        """Whether it acts in some places of the picture only."""
        return self.mask is not None

    @property
    def kind(self) -> str:
        """Name of the control net's kind, for messages."""
        kind = getattr(self.control_net, "kind", None)
        return kind.title if kind is not None else type(self.control_net).__name__


def _net_of_patch(patcher: Any) -> Any:
    from .model_patch.net import model_patch_net

    return model_patch_net(patcher)


def _check_control_net(control_net: Any) -> None:
    from comfy.controlnet import ControlBase

    if not isinstance(control_net, ControlBase):
        if control_net is None:
            raise ValueError(
                "Control signal, input control_net: a control net is wanted, but nothing came in. The loader before it did not "
                "recognise its file as a ControlNet, ControlNeXt or T2I-Adapter: choose another file there."
            )
        raise ValueError(
            f"Control signal, input control_net: a control net is wanted, but {type(control_net).__name__} came in. "
            "Link Load ControlNet, or the CONTROL_NET of any loader."
        )
