"""The mask of control nets that paint into a picture: part of what they look at, and no limit to where they act."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import comfy.utils
import torch
from comfy.controlnet import ControlNet

from .family import family_of_net
from .fit import Fit, cut_of, mask_with_map
from .model_patch.net import ModelPatchNet
from .signal import ControlSignal

# What a net that reads pixels wants to find in the place to paint, by its family: the layout says nothing of it. -1 is that of
# control_v11p_sd15_inpaint, black that of xinsir's nets for SDXL.
_MARKS = {
    "sd15": (-1.0, "marked with -1, as inpaint nets of SD 1.5 read it"),
    "sdxl": (0.0, "blackened, as nets of SDXL read it"),
}


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
    return _concatenates(net) or _mark(net) is not None


def _concatenates(net: Any) -> bool:
    return bool(getattr(net, "concat_mask", False))


def _mark(net: Any) -> tuple[float, str] | None:
    """How a mask is marked in the picture itself, for the host's ControlNets that read pixels; those with a mask read latents."""
    if type(net) is not ControlNet or net.latent_format is not None:
        return None
    return _MARKS.get(family_of_net(net) or "")


def needs_mask(net: Any) -> bool:
    """Whether it was made for inpainting alone, and so needs one."""
    if isinstance(net, ModelPatchNet):
        return net.kind.needs_inpaint_mask(net.patcher.model)
    return _concatenates(net)


def takes_image(net: Any) -> bool:
    """Whether it reads a map and, beside it, the picture that it paints into."""
    return isinstance(net, ModelPatchNet) and net.kind.takes_inpaint_image and takes_mask(net)


def told_mask(signal: ControlSignal) -> tuple[str, str]:
    """(what was done with mask and picture, what is wrong with them), each "" where there is nothing to say."""
    net, mask, image = signal.control_net, signal.inpaint_mask, signal.inpaint_image
    if mask is None and needs_mask(net):
        return "", (
            "this control net inpaints, and without inpaint_mask it takes the whole picture for the place to paint. Link the "
            "mask of that place to inpaint_mask."
        )
    if mask is not None and not takes_mask(net):
        return "", "inpaint_mask has no effect: this control net does not inpaint. Unlink it, or link it to mask."
    if image is not None and not takes_image(net):
        return "inpaint mask" if mask is not None else "", (
            "inpaint_image has no effect: this control net reads one picture alone, which is image. Unlink it."
        )
    if image is not None and mask is None:
        return "", "inpaint_image has no effect without inpaint_mask, which says where to paint. Link both or none."
    if mask is None:
        return "", ""
    mark = _mark(net)
    if mark is not None:
        return f"inpaint mask ({mark[1]})", ""
    return "inpaint mask and picture" if image is not None else "inpaint mask", ""


def inpainting(signal: ControlSignal, image: torch.Tensor, who: str) -> Inpainting:
    """The net and the image [B,H,W,C] of a signal as the host's own nodes for inpainting hand them over.

    For nets that concatenate a mask as `ControlNetInpaintingAliMamaApply` does: the place is cut out of the image, and the
    mask says 0 there. For those that read pixels alone, the place is marked in the image. Where one of image, mask and picture
    is a batch, the others are as many. ValueError, naming who, where they are batches of several sizes.
    """
    net, mask = signal.control_net, signal.inpaint_mask
    if mask is None or not takes_mask(net):
        return Inpainting(net, image, [])
    painted = signal.inpaint_image if takes_image(net) else None
    image, mask, painted = _as_many(image, mask, painted, who)
    if isinstance(net, ModelPatchNet):
        copied = net.copy()
        copied.inpaint_mask, copied.inpaint_image = mask, painted
        return Inpainting(copied, image, [])
    kept = 1.0 - mask.unsqueeze(1)
    over_image = comfy.utils.common_upscale(kept, image.shape[2], image.shape[1], "bilinear", "center").round()
    over_image = over_image.movedim(1, -1).to(image)
    mark = _mark(net)
    if mark is not None:
        return Inpainting(net, torch.where(over_image > 0, image, mark[0]), [])
    return Inpainting(net, image * over_image, [kept])


def _as_many(
    image: torch.Tensor, mask: torch.Tensor, painted: torch.Tensor | None, who: str
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    """Each of them for every picture of the batch: the host's patches join them to one tensor."""
    counts = [len(image), len(mask), 1 if painted is None else len(painted)]
    most = max(counts)
    if not {1, most}.issuperset(counts):
        also = "" if painted is None else f" and {counts[2]} of inpaint_image"
        raise ValueError(
            f"{who}: {counts[0]} control images came in with {counts[1]} masks of inpaint_mask{also}. Give one of each for all "
            "pictures, or one for each picture of the batch."
        )
    return _each(image, most), _each(mask, most), None if painted is None else _each(painted, most)


def _each(one: torch.Tensor, count: int) -> torch.Tensor:
    return one if len(one) == count else one.expand(count, *one.shape[1:])


def mask_follows(
    inner: Any, signal: ControlSignal, image: torch.Tensor, size: tuple[int, int] | None, rows: Sequence[int] | None
) -> None:
    """Give a net its mask as it lies over the maps of the next call.

    image: all maps [B,C,H,W] as they came; size: (height, width) of the picture where the maps are fitted to it in a way of the
    signal's own, or None; rows: those of the maps that the call sees. What `pad` leaves free is drawn anew.
    """
    mask = signal.inpaint_mask
    if mask is None or not (_concatenates(inner) or (isinstance(inner, ModelPatchNet) and takes_mask(inner))):
        return
    kept = _each(1.0 - mask, image.shape[0])
    painted = (
        _each(signal.inpaint_image, image.shape[0]) if signal.inpaint_image is not None and takes_image(inner) else None
    )
    if rows is not None:
        kept = kept[list(rows)]
        painted = None if painted is None else painted[list(rows)]
    if size is not None:
        kept = _over(kept[:, None], image, size, signal.fit, "nearest-exact")[:, 0]
        if painted is not None:
            painted = _over(painted.movedim(-1, 1), image, size, signal.fit, "area").movedim(1, -1)
    if isinstance(inner, ModelPatchNet):
        inner.inpaint_mask, inner.inpaint_image = 1.0 - kept, painted
        return
    inner.extra_concat_orig = [kept.unsqueeze(1)]
    if size is not None:  # cut out once more: fitting blurs the rim, and lays a ground where nothing is kept
        inner.cond_hint_original = inner.cond_hint_original * kept.unsqueeze(1).to(inner.cond_hint_original)


def _over(one: torch.Tensor, image: torch.Tensor, size: tuple[int, int], fit: Fit, how: str) -> torch.Tensor:
    """[B,C,h,w] over a picture of that size, as the map lies there; the host crops it to the map's aspect first."""
    top, left = cut_of((one.shape[-2], one.shape[-1]), (image.shape[-2], image.shape[-1]))
    as_map = one[..., top : one.shape[-2] - top, left : one.shape[-1] - left]
    laid = mask_with_map(as_map.flatten(0, 1), size, fit).unflatten(0, as_map.shape[:2])
    return comfy.utils.common_upscale(laid, size[1], size[0], how, "disabled")
