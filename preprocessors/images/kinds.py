"""The kinds of control maps that the check tells apart."""

from __future__ import annotations

# The kinds of control maps that the check tells apart.

# What every kind looks like, in words, for messages.
KINDS: dict[str, str] = {
    "blank": "a blank picture",
    "canny": "a canny map (white lines one pixel wide on black)",
    "mlsd": "a map of straight lines",
    "scribble": "a scribble map (thick white strokes on black)",
    "lineart": "a line drawing (soft white lines on black)",
    "softedge": "a soft edge map",
    "depth": "a depth map",
    "normal": "a normal map",
    "openpose": "a pose map",
    "segmentation": "a segmentation map",
    "mask": "a mask",
    "qr": "a QR code",
    "flow": "an optical flow map",
    "colour_grid": "a colour grid",
    "tile": "a blurred picture",
    "grey_photo": "a grey photograph",
    "photo": "a photograph",
}
LINES = ("canny", "mlsd", "scribble", "lineart", "softedge")
BINARY = ("canny", "mlsd", "scribble")
