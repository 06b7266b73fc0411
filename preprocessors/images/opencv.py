"""Whether OpenCV is there: much looks with it, and without it says less."""

from __future__ import annotations


def has_opencv() -> bool:
    """Whether it can be imported: a package that is there may be broken all the same."""
    try:
        import cv2  # noqa: F401
    except ImportError:
        return False
    return True
