"""How alike embeddings are, and which of them stand apart."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn.functional import normalize

_DEVIATIONS = 3.5  # of the robust z-score (Iglewicz and Hoaglin)
_LEAST_GAP = 0.05  # of a cosine: a set of near-copies has no outliers


def similarities(rows: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """Cosines [N,M] of rows [N,...] and others [M,...]; hidden states are compared by their mean over the patches."""
    return _flat(rows) @ _flat(others).T


def to_the_rest(rows: torch.Tensor) -> torch.Tensor:
    """Cosine [N] of each row to the mean of the others; ones for a single row."""
    flat = _flat(rows)
    if flat.shape[0] == 1:
        return torch.ones(1)
    rest = normalize(flat.sum(0, keepdim=True) - flat, dim=-1)
    return (flat * rest).sum(-1)


def outliers(scores: Sequence[float]) -> tuple[int, ...]:
    """Which scores lie far below the others, by their distance from the median in median deviations."""
    values = torch.tensor(list(scores), dtype=torch.float64)
    if len(values) < 3:
        return ()
    median = values.median()
    spread = (values - median).abs().median().clamp_min(1e-9)
    far = (0.6745 * (median - values) / spread > _DEVIATIONS) & (median - values > _LEAST_GAP)
    return tuple(int(index) for index in far.nonzero().flatten())


def _flat(rows: torch.Tensor) -> torch.Tensor:
    return normalize((rows.mean(1) if rows.ndim == 3 else rows).float(), dim=-1)
