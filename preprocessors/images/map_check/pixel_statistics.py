"""Measuring a control map: numbers from which its kind can be read.

The measures and the limits in `classify` come from a study of 1,227 maps of 17 kinds; on 649 maps that were kept apart, such
rules told nine kinds of ten right, and never confused depth, normal, pose and line maps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LONG_SIDE = 768  # larger maps are looked at in this size, nearest pixel, so that lines stay lines
_SAMPLE = 4000

# Colours of the limbs of an OpenPose figure, at full brightness.
POSE_COLOURS = np.array(
    [(255, 85 * i, 0) for i in range(4)]
    + [(255 - 85 * i, 255, 0) for i in range(1, 4)]
    + [(0, 255, 85 * i) for i in range(1, 4)]
    + [(0, 255 - 85 * i, 255) for i in range(1, 4)]
    + [(85 * i, 0, 255) for i in range(1, 4)]
    + [(255, 0, 255 - 85 * i) for i in range(1, 3)],
    dtype=np.float32,
)


@dataclass(frozen=True)
class Tones:
    """Brightness and colour, as shares of the picture unless said otherwise.

    brightest: largest value 0..255; chroma: mean difference of the channels where it is not black; hues: how many of twelve hues
    appear among the vivid pixels; even: pixels equal to their neighbour; colours: exact colours that make up 95 % of the picture.
    """

    brightest: float
    black: float
    white: float
    mid: float
    binary: float
    levels: int
    chroma: float
    vivid: float
    hues: int
    pose: float
    even: float
    colours: int
    full_value: float
    changing_columns: float
    changing_rows: float


@dataclass(frozen=True)
class Lines:
    """The bright foreground: its share, half thickness (pixels), straightness, pieces per 100,000 pixels and the largest
    piece's share; inverted: bright was the larger part, so dark was taken for the foreground; peaks: share of the foreground's
    local maxima that are nearly full; halo: half-lit pixels for each nearly full one.
    """

    share: float
    thickness: float
    straight: float
    pieces: float
    largest: float
    inverted: bool
    peaks: float = 0.0
    halo: float = 99.0

    @property
    def clear(self) -> bool:
        """Whether the foreground is black and white but for the noise of lossy coding: JPEG down to quality 40 leaves 97 % of the
        peaks and a halo of 0.12, while lines that were resized smoothly have 0.3 and more, soft line drawings 1.4 and more.
        """
        return self.peaks > 0.95 and self.halo < 0.25


@dataclass(frozen=True)
class Surface:
    """Gradients (median and 99th percentile, 0..255 per pixel), Laplacian over gradient, and how much of the picture reads
    as unit vectors that face the viewer, with the front in blue and with the front in red.
    """

    gradient_median: float
    gradient_high: float
    detail: float
    unit: float
    front_in_blue: float
    front_in_red: float


@dataclass(frozen=True)
class Measures:
    """All measures of one map."""

    tones: Tones
    lines: Lines
    surface: Surface


def measure(picture: np.ndarray) -> Measures:
    """picture: uint8 RGB [H,W,3]. Needs OpenCV."""
    small = _in_size(picture)
    grey = _grey(small)
    return Measures(_tones(small, grey), lines_of(grey), _surface(small, grey))


def _in_size(picture: np.ndarray) -> np.ndarray:
    import cv2

    scale = LONG_SIDE / max(picture.shape[:2])
    if scale >= 1:
        return np.ascontiguousarray(picture)
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    return cv2.resize(picture, size, interpolation=cv2.INTER_NEAREST)


def _grey(picture: np.ndarray) -> np.ndarray:
    import cv2

    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)


def _tones(picture: np.ndarray, grey: np.ndarray) -> Tones:
    values = picture.astype(np.int16)
    high, low = values.max(2), values.min(2)
    seen = high > 24
    columns = np.abs(np.diff(values, axis=1)).max(2)
    rows = np.abs(np.diff(values, axis=0)).max(2)
    histogram = np.bincount(grey.ravel(), minlength=256) / grey.size
    return Tones(
        brightest=float(high.max()),
        black=float((high < 10).mean()),
        white=float((low > 245).mean()),
        mid=float(((grey >= 32) & (grey <= 223)).mean()),
        binary=float(((grey < 16) | (grey > 239)).mean()),
        levels=int((histogram > 1e-4).sum()),
        chroma=float((high - low)[seen].mean()) if seen.sum() > 20 else 0.0,
        vivid=_share_of_seen(values, lambda colours: (colours.max(1) - colours.min(1)) > 90),
        hues=_hues(picture, high - low),
        pose=_share_of_seen(values, _pose_coloured),
        even=float(((columns == 0).mean() + (rows == 0).mean()) / 2) if columns.size and rows.size else 1.0,
        colours=_colours(picture),
        full_value=float((high > 245).mean()),
        changing_columns=float(((columns > 2).mean(0) > 0.01).mean()) if columns.size else 0.0,
        changing_rows=float(((rows > 2).mean(1) > 0.01).mean()) if rows.size else 0.0,
    )


def _hues(picture: np.ndarray, chroma: np.ndarray) -> int:
    import cv2

    hue = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV)[..., 0][chroma > 90]
    shares = np.bincount(hue // 15, minlength=12) / max(1, hue.size)
    return int((shares > 0.03).sum())


def _share_of_seen(values: np.ndarray, test) -> float:
    """Share of the pixels brighter than 40 that pass a test on their colours [N,3]; a fixed sample of large pictures."""
    seen = values.reshape(-1, 3)[values.max(2).ravel() > 40].astype(np.float32)
    if len(seen) <= 50:
        return 0.0
    return float(test(seen[:: max(1, len(seen) // _SAMPLE)]).mean())


def _pose_coloured(colours: np.ndarray) -> np.ndarray:
    """Limb colours at any brightness, and white (faces)."""
    bright = colours / np.maximum(colours.max(1, keepdims=True), 1) * 255
    distance = np.abs(bright[:, None] - POSE_COLOURS[None]).max(2).min(1)
    return (distance < 26) | (colours.min(1) > 200)


def _colours(picture: np.ndarray) -> int:
    """How many exact colours it takes to make up 95 % of the picture."""
    codes = picture.astype(np.int32) @ np.array([65536, 256, 1])
    counts = np.sort(np.unique(codes, return_counts=True)[1])[::-1]
    return int(np.searchsorted(counts.cumsum(), 0.95 * codes.size) + 1)


def lines_of(grey: np.ndarray) -> Lines:
    """Measures of the foreground of a grey map, uint8 [H,W]."""
    import cv2

    foreground = (grey > 100).astype(np.uint8)
    share = float(foreground.mean())
    inverted = share > 0.5
    if inverted:
        foreground = 1 - foreground
    count = int(foreground.sum())
    peaks, halo = _peaks(255 - grey if inverted else grey)
    if count <= 20:
        return Lines(share, 0.0, 0.0, 0.0, 0.0, inverted, peaks, halo)
    distance = cv2.distanceTransform(np.pad(foreground, 1), cv2.DIST_L2, 3)[1:-1, 1:-1]
    pieces, _, sizes, _ = cv2.connectedComponentsWithStats(foreground, connectivity=8)
    return Lines(
        share=share,
        thickness=float(distance[foreground > 0].mean()),
        straight=_straight(foreground, count),
        pieces=(pieces - 1) / grey.size * 1e5,
        largest=float(sizes[1:, cv2.CC_STAT_AREA].max() / count),
        inverted=inverted,
        peaks=peaks,
        halo=halo,
    )


def _peaks(grey: np.ndarray) -> tuple[float, float]:
    """(share of the local maxima above a quarter that are above three quarters, pixels in between for each pixel above)."""
    import cv2

    tops = grey[(grey == cv2.dilate(grey, np.ones((3, 3), np.uint8))) & (grey > 64)]
    full = int((grey > 191).sum())
    if not len(tops) or not full:
        return 0.0, 99.0
    return float((tops > 191).mean()), float(((grey >= 64) & (grey <= 191)).sum() / full)


def _straight(foreground: np.ndarray, count: int) -> float:
    """Share of the foreground that lies on long straight segments."""
    import cv2

    shortest = max(18, min(foreground.shape) // 16)
    found = cv2.HoughLinesP(foreground * 255, 1, np.pi / 180, 30, minLineLength=shortest, maxLineGap=2)
    covered = np.zeros_like(foreground)
    for x1, y1, x2, y2 in np.asarray([] if found is None else found).reshape(-1, 4)[:800]:
        cv2.line(covered, (int(x1), int(y1)), (int(x2), int(y2)), 1, 3)
    return float((covered & foreground).sum() / count)


def _surface(picture: np.ndarray, grey: np.ndarray) -> Surface:
    import cv2

    gradient = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)) / 8
    vectors = picture.reshape(-1, 3).astype(np.float32) / 127.5 - 1
    return Surface(
        gradient_median=float(np.median(gradient)),
        gradient_high=float(np.percentile(gradient, 99)),
        detail=float(np.abs(cv2.Laplacian(grey, cv2.CV_32F)).mean() / (gradient.mean() + 1e-3)),
        unit=float((np.abs(np.linalg.norm(vectors, axis=1) - 1) < 0.08).mean()),
        front_in_blue=float((vectors[:, 2] > 0.2).mean()),
        front_in_red=float((vectors[:, 0] > 0.2).mean()),
    )
