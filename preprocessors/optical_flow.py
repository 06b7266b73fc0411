"""Motion from each frame of a clip to the next, as colours."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch import nn

from .backends import need_opencv
from .entry import Detected, Option, Options, Preprocessor
from .grey import luma
from .images.kinds import MAP_KINDS
from .images.tensors import to_uint8
from .model_files import ModelFile
from .network import fill, load_network, ready
from .sizing import as_channels, padded
from .weights import find_weights

_DIS_LEAST = 16  # pixels, of a side
_RAFT_STRIDE, _RAFT_LEAST, _RAFT_BYTES = 8, 128, 4000

RAFT_WEIGHTS = ModelFile(
    "raft",
    "Comfy-Org/void-model",
    "optical_flow/raft_large_C_T_SKHT_V2-ff5fadd5.safetensors",
    "optical_flow",
    "BSD-3-Clause",
    21,
)

# Steps from one hue to the next on the wheel of Baker et al. 2011 (Middlebury), as (channel that changes, up or down).
_WHEEL = ((15, 1, 1), (6, 0, -1), (4, 2, 1), (11, 1, -1), (13, 0, 1), (6, 2, -1))


def detect_optical_flow(pictures: torch.Tensor, options: Options) -> Detected:
    """Dense flow (OpenCV's DIS) of a clip [B,h,w,3]; the last map repeats the one before. ValueError for one picture."""
    cv2 = need_opencv("Optical Flow")
    finder = cv2.DISOpticalFlow_create(getattr(cv2, f"DISOPTICAL_FLOW_PRESET_{options['quality'].upper()}"))

    height, width = pictures.shape[1:3]
    frames = padded(luma(pictures).unsqueeze(1), 1, _DIS_LEAST)[:, 0]

    def flow(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(finder.calc(to_uint8(first), to_uint8(second), None))[:height, :width]

    return coloured_flows("Optical Flow", frames, flow, options["scale"])


def detect_raft(pictures: torch.Tensor, options: Options) -> Detected:
    """The same by RAFT, torchvision's network, which is what the host itself finds motion with."""
    patcher = load_network("optical_flow_raft", find_weights("optical_flow_raft", RAFT_WEIGHTS), build_raft)
    height, width = pictures.shape[1:3]
    network, device = ready(patcher, _RAFT_BYTES * height * width)

    def flow(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        pair = [padded(as_channels(one[None], device) * 2 - 1, _RAFT_STRIDE, _RAFT_LEAST) for one in (first, second)]
        return network(*pair)[-1][0, :, :height, :width].movedim(0, -1).cpu()

    return coloured_flows("Optical Flow RAFT", pictures, flow, options["scale"])


def build_raft(weights: dict[str, Any]) -> nn.Module:
    """RAFT large."""
    from torchvision.models.optical_flow import raft_large

    return fill(raft_large(weights=None, progress=False), weights)


def coloured_flows(
    title: str,
    frames: torch.Tensor,
    flow: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    scale: str,
) -> Detected:
    """The flows [h,w,2] from each of the frames to the next as colours; `scale`: the clip's or each frame's fastest."""
    from comfy.model_management import throw_exception_if_processing_interrupted

    if len(frames) < 2:
        raise ValueError(f"{title}: one picture has no motion. Link a clip, a batch of at least two frames.")
    found = []
    for first, second in pairwise(frames):
        throw_exception_if_processing_interrupted()
        found.append(flow(first, second))
    flows = torch.stack([*found, found[-1]])
    length = flows.norm(dim=-1)
    fastest = length.amax() if scale == "clip" else length.amax((1, 2)).view(-1, 1, 1, 1)
    notes = (f"Motion of up to {float(length.amax()):.1f} pixels a frame; the last map repeats the one before.",)
    return Detected(flow_colours(flows / torch.as_tensor(fastest).clamp(min=1e-5)), notes)


def flow_colours(flows: torch.Tensor) -> torch.Tensor:
    """Flows [B,h,w,2] (right, down) of length 0..1 as colours [B,h,w,3]: direction is the hue, rest is white."""
    wheel = _wheel()
    angle = torch.atan2(-flows[..., 1], -flows[..., 0]) / torch.pi
    place = (angle + 1) / 2 * (len(wheel) - 1)
    below = place.floor().long()
    share = (place - below).unsqueeze(-1)
    hue = wheel[below] * (1 - share) + wheel[(below + 1) % len(wheel)] * share
    length = flows.norm(dim=-1, keepdim=True).clamp(0, 1)
    return 1 - length * (1 - hue)


def _wheel() -> torch.Tensor:
    colours, colour = [], torch.tensor([1.0, 0.0, 0.0])
    for steps, channel, direction in _WHEEL:
        for step in range(steps):
            now = colour.clone()
            now[channel] += direction * step / steps
            colours.append(now)
        colour[channel] += direction
    return torch.stack(colours)


MAKES = MAP_KINDS["flow"]
_SCALE = Option(
    "scale",
    "clip",
    "What full colour is. clip: the fastest motion of the whole clip, which does not flicker; frame: of each frame.",
    choices=("clip", "frame"),
)

OPTICAL_FLOW = Preprocessor(
    method="optical_flow",
    node_id="ArmatureOpticalFlow",
    title="Optical Flow",
    summary="Motion from each frame of a clip to the next: direction as hue, speed as colour, white where nothing moves.",
    version=2,
    makes=MAKES,
    wanted_by=("flow",),
    detect=detect_optical_flow,
    sees="clip",
    options=(Option("quality", "medium", "Finer is slower.", choices=("ultrafast", "fast", "medium")), _SCALE),
    search_aliases=("motion", "flow", "unimatch", "video motion"),
    sample="clip",
)
OPTICAL_FLOW_RAFT = Preprocessor(
    method="optical_flow_raft",
    node_id="ArmatureOpticalFlowRAFT",
    title="Optical Flow RAFT",
    summary="Motion from each frame of a clip to the next, by RAFT: finer than Optical Flow, with the same colours.",
    version=2,
    makes=MAKES,
    wanted_by=("flow",),
    detect=detect_raft,
    sees="clip",
    options=(_SCALE,),
    files=(RAFT_WEIGHTS,),
    search_aliases=("raft", "motion", "flow", "unimatch", "Unimatch_OptFlowPreprocessor"),
    mistakes=("**It runs out of memory.** It grows with the fourth power of the side: use `long_side` with 512.",),
)
