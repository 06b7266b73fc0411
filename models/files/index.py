"""The user's model files with what they are: read once, and again only where a file has changed."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG

from ...common.file_stamp import FileStamp, file_stamp
from ...common.short_text_cache import short_text_cache
from .container import SUFFIXES_READ, container_of
from .header import NOT_READ, BrokenFile
from .identify import UNKNOWN, forget_headers, identify_file
from .identity import Identity
from .kinds import find_kind

Folders = Mapping[str, Sequence[str | Path]]


@dataclass(frozen=True)
class ModelFile:
    """One file: its name inside a model folder (with forward slashes), and what it is, or why it cannot be read."""

    folder: str
    name: str
    path: Path
    size: int
    identity: Identity | None
    problem: str = ""

    @property
    def container(self) -> str:
        return container_of(self.path)

    @property
    def is_unread(self) -> bool:
        """Whether nothing is known of it because its header asks for too much; it may be sound."""
        return self.problem.startswith(NOT_READ)

    @property
    def misplaced(self) -> str:
        """The folder it belongs into when it lies in another one; "" when it is fine there, or unknown."""
        if self.identity is None or self.identity.kind == UNKNOWN:
            return ""
        kind = find_kind(self.identity.kind)
        also = [find_kind(name) for name in self.identity.traits.get("also", ())]
        right = {folder for one in (kind, *also) if one for folder in one.folders}
        return "" if kind is None or self.folder in right else kind.folders[0]


class ModelIndex:
    """Model folders by the host's names for them, with a cache of what each file is by path, size and time."""

    def __init__(self, folders: Folders):
        self.folders: dict[str, tuple[Path, ...]] = {
            name: tuple(Path(path) for path in paths) for name, paths in folders.items()
        }

    def find(self, folder: str, name: str) -> ModelFile | None:
        """The file that the host would load for this name; None when there is none.

        The host lists names with the separator of its own system, and refuses every other spelling: a name with a
        backslash is a missing file on Linux. Raises ValueError for a name that leads out of the model folder.
        """
        relative = _inside(name)
        if relative is None:
            raise ValueError(f"'{name}' leads out of the model folder {folder}. Give a name inside it.")
        for root in self.folders.get(folder, ()) if name == as_listed(relative) else ():
            if _is_file(root, relative):
                record = self._record(folder, relative, root / relative)
                if record is not None:
                    return record
        return None

    def respelt(self, folder: str, name: str) -> str | None:
        """The name as the host lists it, where it is spelt with another system's separator; None when it is not there."""
        spelling = as_listed(name.replace("\\", "/"))
        try:
            found = self.find(folder, spelling)
        except ValueError:
            return None
        return spelling if found is not None and spelling != name else None

    def files(self, folders: Sequence[str] | None = None) -> Iterator[ModelFile]:
        """Every weight file in these folders (by default all), sorted by name in each.

        Links are followed as the host does, out of the folder as well; into a folder around them they are not.
        """
        for folder in self.folders if folders is None else folders:
            seen: set[str] = set()
            for root in self.folders.get(folder, ()):
                for name, path in sorted(_walk(root)):
                    if name not in seen:  # the host, too, takes the first of two files of one name
                        seen.add(name)
                        record = self._record(folder, name, path)
                        if record is not None:
                            yield record

    def _record(self, folder: str, name: str, path: Path) -> ModelFile | None:
        try:
            status = path.stat()
        except OSError:
            return None  # deleted meanwhile
        if not S_ISREG(status.st_mode):
            return None  # a pipe or a device would be read for ever
        key = file_stamp(path, status)
        if key not in _VERDICTS:
            if len(_VERDICTS) >= _MOST:
                _VERDICTS.clear()
            _VERDICTS[key] = _verdict(path)
        identity, problem = _VERDICTS[key]
        return ModelFile(folder, name, path, status.st_size, identity, problem)


class NameSearch:
    """Looks names up for one check: a file that is named again is the same file, and folders that are searched for many
    names are listed once.
    """

    def __init__(self, index: ModelIndex):
        self.index = index
        self._found: dict[tuple[str, str], ModelFile | None] = {}
        self._asked: Counter[str] = Counter()
        self._listed: dict[str, dict[str, list[str]]] = {}

    def find(self, folder: str, name: str) -> ModelFile | None:
        """The same as the index's, as it was at the first time."""
        if (folder, name) not in self._found:
            self._found[folder, name] = self.index.find(folder, name)
        return self._found[folder, name]

    def folders_with(self, name: str) -> list[str]:
        """The folders in which the host would find a file of this name."""
        relative = _inside(name)
        if relative is None or name != as_listed(relative):
            return []
        inner, _, last = relative.rpartition("/")
        self._asked[inner] += 1
        folders: Iterable[str] = self.index.folders
        if self._asked[inner] > _SINGLY:
            if inner not in self._listed:
                self._listed[inner] = self._folders_by_name(inner)
            folders = self._listed[inner].get(last, ())
        return [folder for folder in folders if any(_is_file(root, relative) for root in self.index.folders[folder])]

    def _folders_by_name(self, inner: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for folder, roots in self.index.folders.items():
            for name in {name for root in roots for name in _names(f"{root}/{inner}")}:
                found.setdefault(name, []).append(folder)
        return found


_SINGLY = 16  # looking for a name is quicker than listing a folder of thousands, but not thousands of times


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - text is several times as fast
    except (OSError, ValueError):
        return []


@short_text_cache  # a graph may name thousands of files, and each is looked for in a dozen folders
def _inside(name: str) -> str | None:
    """The path that a name means inside a model folder, with slashes; None for one that leads out of it."""
    slashed = name.replace("\\", "/")
    parts = slashed.split("/")
    if slashed.startswith("/") or ".." in parts or ":" in name.partition("/")[0] or "\0" in name:
        return None
    return "/".join(part for part in parts if part not in ("", "."))


def _is_file(root: Path, relative: str) -> bool:
    """False too for a name that the file system refuses, such as one far too long."""
    return os.path.isfile(f"{root}/{relative}")  # noqa: PTH113 - text is several times as fast


def as_listed(name: str) -> str:
    """A name with forward slashes as the host shows it on this system."""
    return name.replace("/", os.sep)


_MOST = 50_000
_VERDICTS: dict[FileStamp, tuple[Identity | None, str]] = {}


def verdicts() -> Mapping[FileStamp, tuple[Identity | None, str]]:
    """What is known, by path, size and time."""
    return _VERDICTS


def remember(known: Mapping[FileStamp, tuple[Identity | None, str]]) -> None:
    """Add verdicts of an earlier run."""
    _VERDICTS.update(known)


def forget() -> None:
    """Empty the cache of verdicts, for measurements."""
    _VERDICTS.clear()
    forget_headers()


def _verdict(path: Path) -> tuple[Identity | None, str]:
    try:
        return identify_file(path), ""
    except BrokenFile as error:
        return None, str(error).replace(
            str(path), path.name
        )  # reports go to browsers; the folders are nobody's business


_DEEPEST = 16  # folders within folders
_Place = tuple[int, int]  # a folder, by whatever name: device and number
_MOST_TIMES = 8  # that one folder is listed, under as many names


def _walk(root: Path) -> Iterator[tuple[str, Path]]:
    """(name, path) of the weight files below a folder. Links may lead anywhere, so a folder is met no more than a few times."""
    times: Counter[_Place] = Counter()
    waiting: list[tuple[Path, str, tuple[_Place, ...]]] = [(root, "", ())]
    while waiting:
        folder, prefix, around = waiting.pop()
        try:
            status = folder.stat()
            place = (status.st_dev, status.st_ino)
            times[place] += 1
            if place in around or len(around) > _DEEPEST or times[place] > _MOST_TIMES:
                continue
            entries = [entry for entry in os.scandir(folder) if not entry.name.startswith(".")]
        except OSError:  # no folder, or none that may be looked into
            continue
        for entry in entries:
            if _is_folder(entry):
                waiting.append((Path(entry.path), f"{prefix}{entry.name}/", (*around, place)))
            elif Path(entry.name).suffix.lower() in SUFFIXES_READ:
                yield f"{prefix}{entry.name}", Path(entry.path)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def standard_folders(models: Path) -> dict[str, tuple[Path, ...]]:
    """The folders below a models folder as the host lays them out."""
    folders: dict[str, tuple[Path, ...]] = {
        entry.name: (entry,) for entry in sorted(models.iterdir()) if entry.is_dir() and not entry.name.startswith(".")
    }
    for name, places in _SHARED.items():
        for place in places:
            folders.pop(place, None)
        present = tuple(models / place for place in places if (models / place).is_dir())
        if present:
            folders[name] = present
    return folders


# One name of the host, several folders.
_SHARED = {
    "controlnet": ("controlnet", "t2i_adapter"),
    "text_encoders": ("text_encoders", "clip"),
    "diffusion_models": ("unet", "diffusion_models"),
}
