"""Places on the disk as a person names them."""

from pathlib import Path

from .terminal import LONGEST_PLACE, Unusable


def home_path(path: Path) -> Path:
    """The path with ~ followed. Raises Unusable for that of nobody."""
    try:
        return path.expanduser()
    except RuntimeError:
        raise Unusable(f"{_shown(path)}: there is no such home folder. Give the whole path.") from None


def whole_path(path: Path) -> Path:
    """The path with ~ and links followed; what is missing stays. Raises Unusable for a ~ of nobody, and links in a circle."""
    path = home_path(path)
    try:
        return path.resolve()
    except (RuntimeError, OSError):  # the first up to Python 3.12
        raise Unusable(f"{_shown(path)}: it is a link that leads to itself. Choose another place.") from None


def _shown(path: Path) -> str:
    return str(path)[:LONGEST_PLACE]
