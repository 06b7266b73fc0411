"""OpenCV's Canny in torch, for pictures that lie on a GPU: the same integers, so the same edges to the last pixel.

After opencv/modules/imgproc/src/canny.cpp, with aperture 3 and the L1 gradient.
"""

from __future__ import annotations

import torch
from torch.nn.functional import conv2d, max_pool2d, pad

_SHIFT = 15
_TAN_22 = round(0.4142135623730951 * (1 << _SHIFT))  # tan(22.5 degrees) in fixed point
_ROUNDS = 16  # of growth between two looks at whether anything still grows, each of which waits for the GPU


def canny_edges(pixels: torch.Tensor, low: int, high: int) -> torch.Tensor:
    """Edges [B,H,W] of bool of pictures [B,1|3,H,W] of whole numbers 0..255, thresholds in the same units."""
    across, down = _gradients(pixels.float())
    strength = across.abs() + down.abs()
    thin = _ridges(across, down, strength) & (strength > low)
    return _grown(thin & (strength > high), thin)


def _gradients(pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Sobel's derivatives [B,H,W] to the right and down, each of the channel that changes most; int32."""
    batch, channels, height, width = pixels.shape
    ramp, smooth = torch.tensor([[-1.0, 0, 1]]), torch.tensor([[1.0], [2], [1]])
    right = (smooth * ramp).to(pixels)
    kernels = torch.stack([right, right.T]).unsqueeze(1)
    framed = pad(pixels.reshape(-1, 1, height, width), (1, 1, 1, 1), mode="replicate")
    found = conv2d(framed, kernels).round().int().view(batch, channels, 2, height, width)
    # max gives no promise about equals; OpenCV takes the first, which argmax of a falling bonus does.
    order = torch.arange(channels, 0, -1, device=pixels.device).view(1, -1, 1, 1)
    best = (found.abs().sum(2) * channels + order).argmax(1, keepdim=True)
    chosen = found.gather(1, best.unsqueeze(2).expand(-1, -1, 2, -1, -1))[:, 0]
    return chosen[:, 0], chosen[:, 1]


def _ridges(across: torch.Tensor, down: torch.Tensor, strength: torch.Tensor) -> torch.Tensor:
    """Where the gradient is the largest along its own direction, one of four; [B,H,W] of bool."""
    framed = pad(strength, (1, 1, 1, 1))
    height, width = strength.shape[1:]

    def beside(rows: int, columns: int) -> torch.Tensor:
        return framed[:, 1 + rows : 1 + rows + height, 1 + columns : 1 + columns + width]

    wide, tall = across.abs(), down.abs() << _SHIFT
    flat_limit = wide * _TAN_22
    steep_limit = flat_limit + (wide << (_SHIFT + 1))
    falls = (across ^ down) < 0
    flat = (strength > beside(0, -1)) & (strength >= beside(0, 1))
    steep = (strength > beside(-1, 0)) & (strength >= beside(1, 0))
    rising = (strength > beside(-1, -1)) & (strength > beside(1, 1))
    falling = (strength > beside(-1, 1)) & (strength > beside(1, -1))
    slanted = torch.where(falls, falling, rising)
    return torch.where(tall < flat_limit, flat, torch.where(tall > steep_limit, steep, slanted))


def _grown(strong: torch.Tensor, thin: torch.Tensor) -> torch.Tensor:
    """`strong` and all of `thin` that hangs together with it, by corners too."""
    allowed = thin.unsqueeze(1).to(torch.float32)
    edges = strong.unsqueeze(1).to(torch.float32)
    while True:
        before = edges
        for _ in range(_ROUNDS):
            edges = max_pool2d(edges, 3, stride=1, padding=1) * allowed
        if torch.equal(edges, before):
            return edges[:, 0] > 0
