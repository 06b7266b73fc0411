"""Sizes for pictures of any aspect, so that those of one size can be learned together and little is cut off."""

from __future__ import annotations

import math
from functools import lru_cache

_ASPECTS = (2, 16 / 9, 3 / 2, 4 / 3, 5 / 4, 1)  # the longer side over the shorter; both ways round
_STEP, _FINE_STEP, _FINE_BELOW = 64, 32, 256


@lru_cache
def bucket_sizes(size: int) -> tuple[tuple[int, int], ...]:
    """(height, width) of all buckets whose area is about size * size, in multiples of 64, or of 32 for sizes below 256."""
    step = _FINE_STEP if size < _FINE_BELOW else _STEP

    def side(length: float) -> int:
        return max(step, round(length / step) * step)

    shorter = [side(size / math.sqrt(aspect)) for aspect in _ASPECTS]
    longer = [side(size * math.sqrt(aspect)) for aspect in _ASPECTS]
    wide = [(short, min(long, 2 * short)) for short, long in zip(shorter, longer, strict=True)]
    return tuple(sorted({*wide, *((width, height) for height, width in wide)}))


def bucket_of(height: int, width: int, size: int) -> tuple[int, int]:
    """The bucket in which the least of a picture is cut off; of two that are alike the one nearer to size * size."""

    def distance(bucket: tuple[int, int]) -> tuple[float, float]:
        aspect, area = math.log(bucket[1] / bucket[0]), bucket[0] * bucket[1]
        return round(abs(aspect - math.log(width / height)), 9), abs(area / size**2 - 1)

    return min(bucket_sizes(size), key=distance)
