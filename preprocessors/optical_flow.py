"""Motion from each frame of a clip to the next, as colours."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch

from .backends import need_opencv
from .entry import Detected, MapConvention, Option, Options, Preprocessor
from .grey import luma
from .image_tensor import to_uint8

# Steps from one hue to the next on the wheel of Baker et al. 2011 (Middlebury), as (channel that changes, up or down).
_WHEEL = ((15, 1, 1), (6, 0, -1), (4, 2, 1), (11, 1, -1), (13, 0, 1), (6, 2, -1))


def detect_optical_flow(pictures: torch.Tensor, options: Options) -> Detected:
    """Dense flow (OpenCV's DIS) of a clip [B,h,w,3]; the last map repeats the one before. ValueError for one picture."""
    if len(pictures) < 2:
        raise ValueError("Optical Flow: one picture has no motion. Link a clip, a batch of at least two frames.")
    cv2 = need_opencv("Optical Flow")
    finder = cv2.DISOpticalFlow_create(getattr(cv2, f"DISOPTICAL_FLOW_PRESET_{options['quality'].upper()}"))
    frames = to_uint8(luma(pictures))
    pairs = pairwise(frames)
    flows = torch.from_numpy(np.stack([finder.calc(first, second, None) for first, second in pairs]))
    flows = torch.cat([flows, flows[-1:]])
    length = flows.norm(dim=-1)
    fastest = length.amax() if options["scale"] == "clip" else length.amax((1, 2)).view(-1, 1, 1, 1)
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


OPTICAL_FLOW = Preprocessor(
    method="optical_flow",
    node_id="ArmatureOpticalFlow",
    title="Optical Flow",
    summary="Motion from each frame of a clip to the next: direction as hue, speed as colour, white where nothing moves.",
    version=1,
    makes=MapConvention(map_type="flow", polarity="colour", background=(1.0, 1.0, 1.0), enlarge="bilinear"),
    wanted_by=("flow",),
    detect=detect_optical_flow,
    sees="clip",
    options=(
        Option("quality", "medium", "Finer is slower.", choices=("ultrafast", "fast", "medium")),
        Option(
            "scale",
            "clip",
            "What full colour is. clip: the fastest motion of the whole clip, which does not flicker; frame: of each frame.",
            choices=("clip", "frame"),
        ),
    ),
    search_aliases=("motion", "flow", "unimatch", "raft", "video motion"),
)
