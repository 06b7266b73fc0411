"""Finding the pictures that rows name: inside one folder, readable, looked at once."""

from pathlib import Path

from PIL import Image

from .errors import RowProblem

MOST_PIXELS = 2**28  # a picture of more is a mistake or an attack; PIL would warn at a third of it


class PictureFolder:
    """The folder that rows' pictures are named in. Nothing outside it is ever read."""

    def __init__(self, folder: Path):
        self._root = folder.resolve()
        self._seen: dict[str, Path | str] = {}

    def find(self, name: str) -> Path:
        """The file of a picture by its name inside the folder. Raises RowProblem: missing, outside, unreadable."""
        if name not in self._seen:
            try:
                self._seen[name] = self._check(name)
            except RowProblem as problem:
                self._seen[name] = str(problem)
        found = self._seen[name]
        if isinstance(found, str):
            raise RowProblem(found)
        return found

    def _check(self, name: str) -> Path:
        try:
            path = (self._root / name.replace("\\", "/")).resolve()
            is_file = path.is_file()
        except (OSError, ValueError, RuntimeError):
            raise RowProblem(f"{name[:200]!r} is no file name") from None
        if not path.is_relative_to(self._root):
            raise RowProblem(f"the picture {name!r} lies outside {self._root}; only pictures in that folder are read")
        if not is_file:
            raise RowProblem(f"there is no picture {name!r} in {self._root}")
        _look_at(path, name)
        return path


def _look_at(path: Path, name: str) -> None:
    try:
        with Image.open(path) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise RowProblem(f"the picture {name!r} has {picture.width} x {picture.height} pixels; scale it down")
            picture.verify()
    except RowProblem:
        raise
    except Exception:  # PIL raises nearly anything for damaged files
        raise RowProblem(f"{name!r} is not a picture that can be read; save it again as PNG or JPEG") from None
