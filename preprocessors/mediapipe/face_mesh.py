"""Which points of MediaPipe's face mesh make which line, and in which colour laion-face nets know it."""

from __future__ import annotations

Chains = tuple[tuple[int, ...], ...]
Colour = tuple[int, int, int]

_OVAL: Chains = (
    (
        10,
        109,
        67,
        103,
        54,
        21,
        162,
        127,
        234,
        93,
        132,
        58,
        172,
        136,
        150,
        149,
        176,
        148,
        152,
        377,
        400,
        378,
        379,
        365,
        397,
        288,
        361,
        323,
        454,
        356,
        389,
        251,
        284,
        332,
        297,
        338,
        10,
    ),
)
_RIGHT_EYE: Chains = ((7, 33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),)
_RIGHT_BROW: Chains = ((46, 53, 52, 65, 55), (70, 63, 105, 66, 107))
_LEFT_EYE: Chains = ((249, 263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249),)
_LEFT_BROW: Chains = ((276, 283, 282, 295, 285), (300, 293, 334, 296, 336))
_MOUTH: Chains = (
    (0, 37, 39, 40, 185, 61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0),
    (13, 82, 81, 80, 191, 78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13),
)

# Right and left are the person's own. The nets were trained on pictures with red and blue exchanged against the source.
PARTS: tuple[tuple[Colour, Chains], ...] = (
    ((10, 200, 10), _OVAL),
    ((180, 200, 10), _RIGHT_EYE),
    ((180, 220, 10), _RIGHT_BROW),
    ((10, 200, 180), _LEFT_EYE),
    ((10, 220, 180), _LEFT_BROW),
    ((10, 180, 10), _MOUTH),
)
# The mesh of 468 points has no pupils; the middle of the eye's outline stands for them.
PUPILS: tuple[tuple[Colour, tuple[int, ...]], ...] = (((250, 200, 10), _RIGHT_EYE[0]), ((10, 200, 250), _LEFT_EYE[0]))
