"""OpenPose's figure: which points belong together and in which colour control nets know them."""

from __future__ import annotations

import colorsys

# Pairs of body points, in the order of drawing and of the colours: 12 of the body, then 5 of the head.
LIMBS = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13),
    (1, 0), (0, 14), (14, 16), (0, 15), (15, 17),
)  # fmt: skip
COLOURS = (
    (255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0),
    (0, 255, 0), (0, 255, 85), (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255),
    (0, 0, 255), (85, 0, 255), (170, 0, 255), (255, 0, 255), (255, 0, 170), (255, 0, 85),
)  # fmt: skip
HAND_BONES = tuple((0 if joint == 0 else 4 * finger + joint, 4 * finger + joint + 1) for finger in range(5) for joint in range(4))  # fmt: skip  # noqa: E501
HAND_JOINT = (0, 0, 255)
FACE_POINT = (255, 255, 255)


def bone_colour(index: int) -> tuple[int, int, int]:
    """The colour of a hand's bone: the hue circle in as many steps as there are bones."""
    red, green, blue = colorsys.hsv_to_rgb(index / len(HAND_BONES), 1.0, 1.0)
    return int(red * 255), int(green * 255), int(blue * 255)
