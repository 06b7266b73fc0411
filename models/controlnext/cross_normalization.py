"""Cross Normalization: fitting the control map to the statistics of the hidden state it is added to.

Two forms exist; that a map can be added without any is in `addition`.

"code", the default, is what the reference code computes and what every published weight was trained with. With h the
hidden state, c the control map, and mean and std (unbiased, N-1) taken per sample over channels and space together:

    CN(h, c) = (c - mean(c)) * std(h) / (std(c) + eps) + mean(h)          h' = h + multiplier * CN(h, c)

The map is standardised with its own statistics and then given those of h (adaptive instance normalisation over whole
samples). It therefore adds mean(h) as well, and a map of one colour is not "no control": whatever contrast the network
leaves in it is stretched to std(h). The adaptive average pool to the size of h stands before the statistics in the
image models for SD1.5, and behind them in SDXL and SVD, where the statistics are those of the map's own resolution.

"paper" is equation (10) of arXiv 2408.06070, with the statistics of the main branch m = h and the biased variance (1/N):

    CN(h, c) = (c - mean(h)) / sqrt(var(h) + eps)                         h' = h + gamma * CN(h, c)

Here the map is shifted and divided by h's statistics and never standardised by its own, so its strength depends on its
raw scale. Equations (8) and (9) of the paper define statistics of the control that (10) does not use; the authors
confirmed errors in the formulas (issue 14 of the reference repository). It is kept for study and for networks that
were trained with it.

Statistics are float32 whatever the dtype of h: in float16 an eps of 1e-12 is zero, and a constant map would give inf.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch.nn.functional import adaptive_avg_pool2d

Form = Literal["code", "paper"]
_SAMPLE = (1, 2, 3)  # channels and space jointly
_ROUNDING = 4 * torch.finfo(torch.float32).eps


@dataclass(frozen=True)
class CrossNormalization:
    """One variant's Cross Normalization.

    pool_first: the map is pooled to the size of h before its statistics are taken, else behind them. eps is added to
    the standard deviation in the code's form, to the variance in the paper's.
    """

    pool_first: bool
    eps: float
    form: Form = "code"

    def __call__(self, control: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        """CN(h, c) in float32; control: [B or 1,C,h,w], hidden: [B,C,H,W], result: [B,C,H,W]."""
        return self.match(self.prepare(control, (hidden.shape[-2], hidden.shape[-1])), hidden)

    def prepare(self, control: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        """The part that does not depend on h: pooled to `size` (height, width) and, in the code's form, standardised."""
        control = control.float()
        if self.form == "paper" or self.pool_first:
            control = adaptive_avg_pool2d(control, size)
            return control if self.form == "paper" else self._standardised(control)
        # Pooling is linear, so it may come before the scaling to h; only its place behind map statistics matters.
        return adaptive_avg_pool2d(self._standardised(control), size)

    def match(self, prepared: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        """Give a prepared map the statistics of `hidden`."""
        hidden = hidden.float()
        mean = hidden.mean(dim=_SAMPLE, keepdim=True)
        if self.form == "paper":
            variance = hidden.var(dim=_SAMPLE, keepdim=True, correction=0)
            return (prepared - mean) / (variance + self.eps).sqrt()
        return prepared * hidden.std(dim=_SAMPLE, keepdim=True) + mean

    def _standardised(self, control: torch.Tensor) -> torch.Tensor:
        mean = control.mean(dim=_SAMPLE, keepdim=True)
        std = control.std(dim=_SAMPLE, keepdim=True)
        # Below float32's resolution the deviation is rounding of the mean, and dividing it by eps would blow it up.
        flat = std <= mean.abs() * _ROUNDING
        return torch.where(flat, 0.0, (control - mean) / (std + self.eps))
