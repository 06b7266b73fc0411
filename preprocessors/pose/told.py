"""What people are told about poses that were drawn: who is to be seen, who is not and why, and who was stretched."""

from __future__ import annotations

from collections.abc import Sequence

from ...common.number_ranges import in_ranges
from .keypoints import Frame

_MOST = 16  # pictures whose counts are listed one by one
_ROUNDING = 0.01  # of the aspect, which a size in whole pixels may change


def people_in(missing: Sequence[Sequence[str]]) -> str:
    """How many people each picture shows, and why others are not to be seen.

    missing: for each picture and person the reason, empty for those who are drawn.
    """
    counts = [sum(not reason for reason in people) for people in missing]
    listed = f"{', '.join(map(str, counts[:_MOST]))}{', …' if len(counts) > _MOST else ''}"
    sentences = [f"People found: {listed}."]
    empty = [number for number, people in enumerate(missing) if not people]
    if empty:
        sentences.append(f"Nobody in picture {in_ranges(empty)}.")
    reasons: dict[str, list[int]] = {}
    for number, people in enumerate(missing):
        for reason in filter(None, people):
            reasons.setdefault(reason, []).append(number)
    for reason, pictures in reasons.items():
        who = f"{len(pictures)} {'person' if len(pictures) == 1 else 'people'}"
        sentences.append(f"Not drawn: {who} in picture {in_ranges(pictures)}: {reason}.")
    return " ".join(sentences)


def stretching(frames: Sequence[Frame], size: tuple[int, int]) -> list[str]:
    """Sentences about frames whose canvas has another aspect than (height, width), or is another than the first one's."""
    first = frames[0]["canvas_height"], frames[0]["canvas_width"]
    pictures: dict[tuple[int, int], list[int]] = {}
    for number, frame in enumerate(frames):
        pictures.setdefault((frame["canvas_height"], frame["canvas_width"]), []).append(number)
    told = []
    for canvas, numbers in pictures.items():
        down, across = size[0] / canvas[0], size[1] / canvas[1]
        away = abs(across / down - 1) > _ROUNDING
        if away:
            how = f"stretched to {size[1]}x{size[0]}, its width by {across:.2f} and its height by {down:.2f}"
            advice = " Set width or height to 0 to keep the figures' shape." if canvas == first else ""
        elif canvas != first:
            how, advice = f"scaled by {down:.2f}", ""
        else:
            continue
        told.append(f"Picture {in_ranges(numbers)} has a canvas of {canvas[1]}x{canvas[0]} and was {how}.{advice}")
    return told
