"""The mask of control nets that paint into a picture: part of what they look at, and no limit to where they act."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import comfy.utils
import torch

from .model_patch.net import ModelPatchNet
from .signal import ControlSignal


@dataclass(frozen=True, eq=False)
class Inpainting:
    """What is handed to the host with a signal. net: with its mask; image: [B,H,W,C] with the place cut out, where the net wants
    it so; extra: the host's `extra_concat`.
    """

    net: Any
    image: torch.Tensor
    extra: list[torch.Tensor]


def takes_mask(net: Any) -> bool:
    """Whether a control net reads a mask."""
    if isinstance(net, ModelPatchNet):
        return net.kind.takes_inpaint_mask(net.patcher.model)
    return bool(getattr(net, "concat_mask", False))


def needs_mask(net: Any) -> bool:
    """Whether it was made for inpainting alone, and so needs one."""
    if isinstance(net, ModelPatchNet):
        return net.kind.needs_inpaint_mask(net.patcher.model)
    return takes_mask(net)


def told_mask(signal: ControlSignal) -> tuple[str, str]:
    """(what was done with the mask, what is wrong with there being none or one), each "" where there is nothing to say."""
    if signal.inpaint_mask is None:
        if needs_mask(signal.control_net):
            return "", (
                "this control net inpaints, and without inpaint_mask it takes the whole picture for the place to paint. Link the "
                "mask of that place to inpaint_mask."
            )
        return "", ""
    if not takes_mask(signal.control_net):
        return "", "inpaint_mask has no effect: this control net does not inpaint. Unlink it, or link it to mask."
    return "inpaint mask", ""


def inpainting(signal: ControlSignal, image: torch.Tensor) -> Inpainting:
    """The net and the image [B,H,W,C] of a signal as the host's own nodes for inpainting hand them over.

    For nets that concatenate a mask as `ControlNetInpaintingAliMamaApply` does: the place is cut out of the image, and the
    mask says 0 there.
    """
    net, mask = signal.control_net, signal.inpaint_mask
    if mask is None or not takes_mask(net):
        return Inpainting(net, image, [])
    if isinstance(net, ModelPatchNet):
        copied = net.copy()
        copied.inpaint_mask = mask
        return Inpainting(copied, image, [])
    kept = 1.0 - mask.unsqueeze(1)
    over_image = comfy.utils.common_upscale(kept, image.shape[2], image.shape[1], "bilinear", "center").round()
    return Inpainting(net, image * over_image.movedim(1, -1).to(image), [kept])
