"""A small picture of each run, made once."""

import io
from pathlib import Path

from ...common.atomic_write import write_bytes
from ...common.picture_files import PictureError, read_picture
from ..record.record import RecordError
from .names import HistoryError
from .project import Project, maps_of

SIDE = 256  # pixels of the longer side
QUALITY = 80


def thumbnail(project: Project, run: str) -> Path:
    """The file of a run's thumbnail, made where it is missing. Raises HistoryError where the run has no picture to show."""
    record = project.read(run)
    path = project.folder / "thumbnails" / f"{run}.webp"
    if path.is_file():
        return path
    candidates = [record.picture(index) for index in range(len(record.data["pictures"]))]
    for file in (*candidates, *(record.file(name) for name in maps_of(record.data))):
        if file is not None and (content := _small(file)):
            write_bytes(path, content)
            return path
    raise HistoryError(f"The run {run} has no picture.")


def small_file(project: Project, name: str) -> Path:
    """The small one of a picture of a project. Raises HistoryError where there is none."""
    file = project.file(name)
    path = project.folder / "thumbnails" / f"{file.stem}.webp"
    if not path.is_file():
        content = _small(file)
        if content is None:
            raise HistoryError(f"{name} is no picture.")
        write_bytes(path, content)
    return path


def _small(file: Path) -> bytes | None:
    try:
        with read_picture(file) as picture:
            picture.thumbnail((SIDE, SIDE))
            buffer = io.BytesIO()
            picture.convert("RGB").save(buffer, "WEBP", quality=QUALITY)
    except (PictureError, RecordError, OSError):
        return None
    return buffer.getvalue()
