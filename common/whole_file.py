"""Files that a person names, of which nobody knows what they are."""

import errno
import stat
from pathlib import Path


def check_file(path: Path) -> None:
    """Raises OSError for what is no file: a pipe that nobody writes into is waited for, and a device never ends."""
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # a folder is refused by whoever opens it
        raise OSError(errno.EINVAL, "it is a pipe or a device, and no file", str(path))


def read_text(path: Path, most: int) -> str:
    """The text of a UTF-8 file, with or without a mark in front. Raises OSError, also for more than `most` bytes, ValueError."""
    check_file(path)
    with path.open("rb") as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it is larger than {most // 2**20} MiB", str(path))
    return content.decode("utf-8-sig")
