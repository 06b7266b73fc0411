"""Straight lines of a grey picture: segments of OpenCV's detector, joined, fitted to the edge itself, and each line once.

Where a segment of the detector ends, and how it lies, follows from the order in which the detector grows its regions, and noise
of one grey level changes that. So its segments only say where to look: a line is then fitted to the ridge of the gradient, and
reaches as far as that ridge lies on it. Segments are arrays [N,4] of x, y, x, y in pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .backends import need_opencv

_TITLE = "Straight Lines"
_CALM = 1.0  # sigma of the blur before all, against noise
_QUANTUM = 3.0  # the detector's bound on the error of gradients; its own 2 takes noise for edges
_CRUMB = 0.015  # of the short side: shorter segments are not even joined
_GAP = 0.03  # of the short side, and at least _LEAST_GAP pixels: what a line may be interrupted for
_LEAST_GAP = 3.0
_TURN, _ASIDE, _SHARE = (
    np.radians(4.0),
    1.5,
    0.3,
)  # of joined segments: angle, pixels beside, gap in shares of the longer one
_OFFSETS = np.arange(-3, 3.01, 0.5, dtype=np.float32)  # pixels across a line in which its ridge is looked for
_FAINTEST = 2.5  # levels a pixel, of a ridge
_BOW = 0.75  # pixels that a straight line's ridge may lie beside it
_FILLED = 0.75  # of a line that must have its ridge
_ROUNDS = 3  # of fitting
_BESIDE, _COVERED = 1.6, 0.6  # a line closer than this to a longer one, and covered by it to this share, is the same


@dataclass(frozen=True)
class Gradient:
    """across, down: [h,w] in levels a pixel."""

    across: np.ndarray
    down: np.ndarray


def straight_segments(grey: np.ndarray, minimum_length: float) -> np.ndarray:
    """Lines of a grey picture [h,w] of uint8, at least `minimum_length` of the short side long, the longest first."""
    cv2 = need_opencv(_TITLE)
    short = min(grey.shape)
    calm = cv2.GaussianBlur(grey, (0, 0), _CALM)
    found = cv2.createLineSegmentDetector(refine=cv2.LSD_REFINE_NONE, quant=_QUANTUM).detect(calm)[0]
    segments = np.empty((0, 4)) if found is None else found.reshape(-1, 4).astype(np.float64)
    gap = max(_LEAST_GAP, _GAP * short)
    joined = _joined(segments[_lengths(segments) >= _CRUMB * short], gap)
    calm = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), _CALM)
    gradient = Gradient(*(cv2.Sobel(calm, cv2.CV_32F, *way, ksize=3) / 8 for way in ((1, 0), (0, 1))))
    long_enough = joined[_lengths(joined) >= minimum_length * short / 2]
    fitted = [one for one in (_fitted(segment, gradient, gap) for segment in long_enough) if one is not None]
    lines = np.array(fitted).reshape(-1, 4)
    return _once(lines[_lengths(lines) >= minimum_length * short])


def _lengths(segments: np.ndarray) -> np.ndarray:
    return np.hypot(segments[:, 2] - segments[:, 0], segments[:, 3] - segments[:, 1])


def _longest_first(segments: np.ndarray) -> np.ndarray:
    return segments[np.argsort(-_lengths(segments), kind="stable")]


# Joining.


def _joined(segments: np.ndarray, gap: float) -> np.ndarray:
    """Segments that continue one another as one, from the longest on."""
    segments = _longest_first(segments)
    free = np.ones(len(segments), bool)
    lines = []
    for first in range(len(segments)):
        if free[first]:
            free[first] = False
            lines.append(_grown(segments, [first], free, gap))
    return np.array(lines).reshape(-1, 4)


def _grown(segments: np.ndarray, members: list[int], free: np.ndarray, gap: float) -> np.ndarray:
    while True:
        centre, way = _axis(segments[members])
        along = (segments[members].reshape(-1, 2) - centre) @ way
        low, high = along.min(), along.max()
        left = np.flatnonzero(free)
        more = left[_continue(segments[left] - np.tile(centre, 2), way, (low, high), gap)]
        if not len(more):
            return np.concatenate([centre + low * way, centre + high * way])
        free[more] = False
        members.extend(more.tolist())


def _axis(segments: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The middle of segments and the direction in which they lie, the longer ones counting more."""
    points, weights = segments.reshape(-1, 2), np.repeat(_lengths(segments), 2)
    centre = (points * weights[:, None]).sum(0) / weights.sum()
    around = points - centre
    return centre, np.linalg.eigh((around * weights[:, None]).T @ around)[1][:, 1]


def _continue(segments: np.ndarray, way: np.ndarray, span: tuple[float, float], gap: float) -> np.ndarray:
    """Which segments, as seen from a line's middle, continue the line from span[0] to span[1] along `way`."""
    ends = segments.reshape(-1, 2, 2)
    normal = np.array([-way[1], way[0]])
    along = np.sort(ends @ way, 1)
    steps = ends[:, 1] - ends[:, 0]
    turn = np.arctan2(np.abs(steps @ normal), np.abs(steps @ way))
    apart = np.maximum(along[:, 0] - span[1], span[0] - along[:, 1])
    longer = np.maximum(span[1] - span[0], along[:, 1] - along[:, 0])
    allowed = np.maximum(_LEAST_GAP, np.minimum(gap, _SHARE * longer))
    return (np.abs(ends @ normal).max(1) <= _ASIDE) & (turn <= _TURN) & (apart <= allowed)


# Fitting.


@dataclass(frozen=True)
class _Ridge:
    """Along a segment: where (pixels from its start), how far beside it the gradient is greatest, how great, whether it is."""

    along: np.ndarray
    beside: np.ndarray
    height: np.ndarray
    there: np.ndarray


def _fitted(segment: np.ndarray, gradient: Gradient, gap: float) -> np.ndarray | None:
    """The segment as its edge lies and as far as it reaches; None where it is no straight edge."""
    for turn in range(_ROUNDS):
        start, step = segment[:2], segment[2:] - segment[:2]
        length = float(np.hypot(*step))
        if length < _LEAST_GAP:
            return None
        way = step / length
        normal = np.array([-way[1], way[0]])
        ridge = _ridge(segment, way, normal, gradient, gap)
        line = _line_of(ridge, length)
        if line is None:
            return None
        on_it = ridge.there & (np.abs(ridge.beside - np.polyval(line, ridge.along)) <= _BOW)
        run = _longest_run(np.flatnonzero(on_it), gap)
        if not len(run) or (turn == _ROUNDS - 1 and len(run) < _FILLED * (run[-1] - run[0] + 1)):
            return None
        ends = ridge.along[[run[0], run[-1]]]
        segment = (start + ends[:, None] * way + np.polyval(line, ends)[:, None] * normal).ravel()
    return segment


def _ridge(segment: np.ndarray, way: np.ndarray, normal: np.ndarray, gradient: Gradient, gap: float) -> _Ridge:
    cv2 = need_opencv(_TITLE)
    length = float((segment[2:] - segment[:2]) @ way)
    along = np.arange(-gap, length + gap + 0.5)
    x, y = (
        (segment[axis] + along[:, None] * way[axis] + _OFFSETS * normal[axis]).astype(np.float32) for axis in (0, 1)
    )
    across, down = (
        cv2.remap(one, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        for one in (gradient.across, gradient.down)
    )
    slope = across * normal[0] + down * normal[1]
    inside = (along >= 0) & (along <= length)
    middle = slice(len(_OFFSETS) // 2 - 1, len(_OFFSETS) // 2 + 2)
    slope *= 1.0 if slope[inside, middle].sum() >= 0 else -1.0  # one side of a line is the bright one, all along
    top = slope[:, 1:-1].argmax(1) + 1
    rows = np.arange(len(along))
    before, height, after = (slope[rows, top + shift] for shift in (-1, 0, 1))
    bend = np.minimum(before - 2 * height + after, -1e-6)
    beside = _OFFSETS[top] + 0.5 * np.clip(0.5 * (before - after) / bend, -0.5, 0.5)
    there = (height >= _FAINTEST) & (height >= before) & (height >= after)
    return _Ridge(along, beside, height, there)


def _line_of(ridge: _Ridge, length: float) -> np.ndarray | None:
    """(slope, offset) of the line along the ridge, the steep places counting more; None where there is hardly any ridge."""
    use = ridge.there & (ridge.along >= 0) & (ridge.along <= length)
    weight = np.sqrt(ridge.height.clip(0, 20))
    line = None
    for _ in range(3):  # each time without what lies beside the last line
        if use.sum() < 5:
            return line
        line = np.polyfit(ridge.along[use], ridge.beside[use], 1, w=weight[use])
        use = use & (np.abs(ridge.beside - np.polyval(line, ridge.along)) <= _ASIDE)
    return line


def _longest_run(places: np.ndarray, gap: float) -> np.ndarray:
    """Of rising numbers those between two gaps, where they are most."""
    if len(places) < 5:
        return places[:0]
    return max(np.split(places, np.flatnonzero(np.diff(places) > gap) + 1), key=len)


# Each line once.


def _once(lines: np.ndarray) -> np.ndarray:
    kept: list[np.ndarray] = []
    for line in _longest_first(lines):
        if not any(_covers(one, line) for one in kept):
            kept.append(line)
    return np.array(kept).reshape(-1, 4)


def _covers(longer: np.ndarray, line: np.ndarray) -> bool:
    step = longer[2:] - longer[:2]
    length = float(np.hypot(*step))
    way = step / length
    ends = line.reshape(2, 2) - longer[:2]
    if np.abs(ends @ np.array([-way[1], way[0]])).max() > _BESIDE:
        return False
    low, high = np.sort(ends @ way)
    return bool(min(high, length) - max(low, 0) > _COVERED * (high - low))
