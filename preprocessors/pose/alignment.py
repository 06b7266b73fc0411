"""Fitting the poses of a clip to the person in a reference image, as the authors of ControlNeXt SVD do.

Source: the reference repository's ControlNeXt-SVD-v2 preprocessing. Heights are fitted by least squares over all frames that
show one person; the same scale then holds for widths, and the mean distance gives the shift.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .keypoints import BODY, Frame, moved, visible, write_frames
from .reading import read_poses

# Nose, neck, shoulders, hips, knees, ankles, eyes and ears: what moves little. Elbows and wrists are left out.
STEADY_POINTS = (0, 1, 2, 5, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17)
_FEWEST = 2


def align_poses(poses: Any, reference: Any, stride: int = 1, reference_first: bool = True) -> tuple[list[Frame], str]:
    """(POSE_KEYPOINT frames, report): every `stride`-th frame of `poses`, moved and scaled onto the person in `reference`.

    The canvas becomes the reference's. With `reference_first` the reference's own pose stands in front, which is the
    map of the clip's first frame. Raises ValueError when nobody, or too little of a person, can be compared.
    """
    read, shown = read_poses(poses, "Align Poses, input poses"), read_poses(reference, "Align Poses, input reference")
    clip, target = read.frames[::stride], shown.frames[0]
    if not target["people"]:
        raise ValueError(
            "Align Poses, input reference: nobody was found in it. Choose a picture that shows the person."
        )
    scale, shift, used = _fit(clip, target["people"][0][BODY])
    size = target["canvas_height"], target["canvas_width"]
    aligned = [moved(frame, lambda points: points * scale + shift, size) for frame in clip]
    report = (
        f"{len(aligned)} poses scaled by {scale:.3f} and moved by {shift[0]:.0f}, {shift[1]:.0f} pixels, "
        f"fitted on {used} points, on a canvas of {size[1]}x{size[0]}."
    )
    if reference_first:
        aligned, report = [target, *aligned], report + f" With the reference in front: {len(aligned) + 1} maps."
    return write_frames(aligned), " ".join([report, *dict.fromkeys((*read.notes, *shown.notes))])


def _fit(clip: list[Frame], reference: np.ndarray) -> tuple[float, np.ndarray, int]:
    """(scale, shift [2], points used) with reference = scale * clip + shift."""
    steady = [index for index in STEADY_POINTS if visible(reference)[index]]
    alone = [frame["people"][0][BODY] for frame in clip if len(frame["people"]) == 1]
    pairs = [(body[i, :2], reference[i, :2]) for body in alone for i in steady if visible(body)[i]]
    if len(pairs) < _FEWEST:
        raise ValueError(
            "Align Poses: the poses and the reference share too few points (nose, neck, shoulders, hips, legs, eyes, ears) "
            "in frames that show exactly one person. Choose a reference that shows more of the body."
        )
    ours, theirs = (np.asarray(side, np.float64) for side in zip(*pairs, strict=True))
    if np.ptp(ours[:, 1]) < 1:
        raise ValueError(
            "Align Poses: all shared points of the clip lie at one height, so no size can be told from them."
        )
    scale, vertical = np.polyfit(ours[:, 1], theirs[:, 1], 1)
    if scale <= 0:
        raise ValueError(
            "Align Poses: the poses stand upside down against the reference. Turn the clip or the reference."
        )
    horizontal = float(np.mean(theirs[:, 0] - scale * ours[:, 0]))
    return float(scale), np.array([horizontal, vertical]), len(pairs)
