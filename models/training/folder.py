"""Reading a folder of training pictures, in the forms in which people have them.

By names: `0001.png`, its text `0001.txt` or `0001.caption`, and its map `maps/0001.png`, at the top or beside the pictures, in
as many folders as one likes. As kohya's scripts read them: in `10_cat` each picture counts ten times, and `cat` is the caption of
those without a text. As diffusers and the datasets library have them: a `metadata.jsonl` (or `metadata.csv`) with a line for each
picture. Files are looked at by their names alone; whether they are pictures is seen when they are read.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath

from ..input_folders import ENDINGS, is_picture
from .metadata import NAMES as METADATA
from .metadata import Row, read_rows
from .named import counted, first_few, natural
from .texts import read_text

MAP_FOLDERS = ("maps", "conditioning", "conditioning_images", "control")
_TEXTS = (".txt", ".caption")
_OTHER_PICTURES = {".gif", ".tif", ".tiff", ".avif", ".heic", ".heif", ".jxl"}
_REPEATED = re.compile(r"(\d{1,4})_(.+)")
_MOST_REPEATS = 1000  # a folder 2024_holiday is named for a year
_WHAT_TO_DO = (
    f"Put pictures into it ({', '.join(sorted(ENDINGS))}), a text 0001.txt beside each picture 0001.png, and maps as "
    "maps/0001.png."
)


@dataclass(frozen=True)
class Example:
    """One picture to learn from. map: None where it has none; caption: may be empty; repeats: how often it counts, from 1."""

    picture: Path
    map: Path | None = None
    caption: str = ""
    repeats: int = 1


@dataclass(frozen=True)
class Found:
    """The examples of a folder, by relative path with numbers by their value, and in sentences what was left out and why.

    map_notes: the same of maps, which matter to those alone who train with them.
    """

    folder: Path
    examples: tuple[Example, ...]
    notes: tuple[str, ...] = ()
    map_notes: tuple[str, ...] = ()


def read_folder(folder: Path) -> Found:
    """What a folder of training pictures holds. ValueError, which says what to do, for one without any, and for metadata that is
    broken or leaves the folder.
    """
    if not folder.is_dir():
        what = "a file, and a folder is wanted" if folder.exists() else "not there"
        raise ValueError(f"Training folder: {folder} is {what}. Name the folder that holds the pictures.")
    files = _Files.below(folder)
    if not files.pictures and not (files.maps and files.metadata):
        raise ValueError(f"Training folder: {folder} {files.why_no_pictures()} {_WHAT_TO_DO}")
    rows, notes = _rows(folder, files)
    paired, unpaired = _paired(rows, files)
    examples, told = _examples(folder, files, paired, (*files.notes, *notes))
    absent = _absent_maps(rows, files)
    return Found(folder, examples, told, (*absent, *unpaired))


# What lies in the folder. Files are named by their path from it, with slashes.


@dataclass(frozen=True)
class _Files:
    """Pictures, maps (pictures in folders of maps), texts and metadata of a folder, sorted; notes on what is not looked at."""

    pictures: tuple[str, ...]
    maps: tuple[str, ...]
    texts: tuple[str, ...]
    metadata: tuple[str, ...]
    notes: tuple[str, ...]

    @cached_property
    def all_pictures(self) -> frozenset[str]:
        return frozenset((*self.pictures, *self.maps))

    @staticmethod
    def below(folder: Path) -> _Files:
        unread: list[str] = []
        names = sorted(_names(folder, unread), key=natural)
        pictures = [name for name in names if is_picture(PurePosixPath(name).name)]
        others = [name for name in names if PurePosixPath(name).suffix.lower() in _OTHER_PICTURES]
        notes = [*unread]
        if others:
            notes.append(
                f"Pictures of kinds that are not read, left out: {first_few(others)}. Save them as PNG or JPEG."
            )
        return _Files(
            tuple(name for name in pictures if _map_folder(name) is None),
            tuple(name for name in pictures if _map_folder(name) is not None),
            tuple(name for name in names if PurePosixPath(name).suffix.lower() in _TEXTS),
            tuple(name for name in names if PurePosixPath(name).name in METADATA),
            tuple(notes),
        )

    def why_no_pictures(self) -> str:
        if self.maps:
            return f"holds maps only: its pictures lie in folders that are for maps ({', '.join(MAP_FOLDERS)})."
        return f"holds {counted(len(self.texts), 'text')} and no picture." if self.texts else "holds no pictures."


def _names(folder: Path, unread: list[str]) -> Iterable[str]:
    """The files below a folder, without those that are hidden; what cannot be looked into is noted."""

    def note(error: OSError) -> None:
        unread.append(f"The folder {error.filename} cannot be opened ({error.strerror}), left out.")

    for place, folders, files in os.walk(folder, onerror=note):
        at = Path(place)
        folders[:] = [name for name in folders if not name.startswith((".", "__MACOSX"))]
        links = [name for name in folders if (at / name).is_symlink()]
        if links:
            unread.append(f"Links to folders are not followed: {first_few(sorted(links))}.")
        for name in files:
            if not name.startswith("."):
                yield (at / name).relative_to(folder).as_posix()


def _map_folder(name: str) -> int | None:
    """Which part of a file's path is a folder of maps."""
    folders = PurePosixPath(name).parts[:-1]
    return next((index for index, part in enumerate(folders) if part.lower() in MAP_FOLDERS), None)


# Metadata speaks for all pictures of its folder, and for those below.


def _rows(folder: Path, files: _Files) -> tuple[list[Row], list[str]]:
    """A row for each picture, whether metadata names it or not, and notes on what is left out."""
    there, notes = files.all_pictures, []
    told = [row for name in _chosen(files.metadata, notes) for row in read_rows(folder, name)]
    rows = [row for row in told if row.picture in there]
    absent = [f"{row.picture} ({row.where})" for row in told if row.picture not in there]
    if absent:
        notes.append(f"Metadata names pictures that are not there, left out: {first_few(absent)}.")
    named = {row.picture for row in rows} | {row.map for row in rows}
    others = [name for name in files.pictures if name not in named]
    covered = {name: None for name in others if any(_lies_in(name, metadata) for metadata in files.metadata)}
    if covered:
        notes.append(f"Pictures that the metadata beside them does not name, left out: {first_few(list(covered))}.")
    rows += [Row(name) for name in others if name not in covered]
    return sorted(rows, key=lambda row: natural(row.picture)), notes


def _absent_maps(rows: list[Row], files: _Files) -> list[str]:
    absent = [f"{row.map} ({row.where})" for row in rows if row.map and row.map not in files.all_pictures]
    return [f"Metadata names maps that are not there: {first_few(absent)}."] if absent else []


def _chosen(metadata: Iterable[str], notes: list[str]) -> list[str]:
    """One metadata file for each folder, the first of their forms."""
    of: dict[PurePosixPath, list[str]] = defaultdict(list)
    for name in metadata:
        of[PurePosixPath(name).parent].append(name)
    chosen = []
    for names in of.values():
        first, *others = sorted(names, key=lambda name: METADATA.index(PurePosixPath(name).name))
        chosen.append(first)
        notes += [f"{other} is not read: {first} lies beside it." for other in others]
    return chosen


def _lies_in(name: str, metadata: str) -> bool:
    return PurePosixPath(metadata).parent in PurePosixPath(name).parents


# Pairs: a map has the path of its picture, but for the folder of maps; or the same without the picture's own folder.

_Key = tuple[str, ...]


def _paired(rows: list[Row], files: _Files) -> tuple[list[Row], list[str]]:
    """The rows with their maps, and notes on what has no partner."""
    rows = [replace(row, map=row.map if row.map in files.all_pictures else None) for row in rows]
    named = {row.map for row in rows} | {row.picture for row in rows}
    maps: dict[_Key, list[str]] = defaultdict(list)
    for name in files.maps:
        if name not in named:
            maps[_key_of_map(name)].append(name)
    taken = {row.picture: _best(maps[_key(row.picture)], row.picture) for row in rows if _key(row.picture) in maps}
    claims: dict[_Key, set[str]] = defaultdict(set)
    for row in rows:
        if not row.map and row.picture not in taken:
            claims[_key_without_folder(row.picture)].add(row.picture)
    for key, pictures in claims.items():
        if len(pictures) == 1 and key in maps and not set(maps[key]) & set(taken.values()):
            (picture,) = pictures
            taken[picture] = _best(maps[key], picture)
    paired = [replace(row, map=row.map or taken.get(row.picture)) for row in rows]
    return paired, _without_partner(paired, files, named)


def _without_partner(paired: list[Row], files: _Files, named: set[str | None]) -> list[str]:
    used = {row.map for row in paired} | named
    alone = [name for name in files.maps if name not in used]
    bare = [row.picture for row in paired if not row.map]
    notes = [f"Maps without a picture of their name, left out: {first_few(alone)}."] if alone else []
    if bare and len(bare) < len(paired):
        notes.append(f"Pictures without a map: {first_few(bare)}.")
    return notes


def _key(name: str) -> _Key:
    path = PurePosixPath(name)
    return (*path.parts[:-1], path.stem)


def _key_of_map(name: str) -> _Key:
    key, place = _key(name), _map_folder(name)
    return key if place is None else (*key[:place], *key[place + 1 :])


def _key_without_folder(name: str) -> _Key:
    key = _key(name)
    return (*key[:-2], key[-1])


def _best(maps: list[str], picture: str) -> str:
    """The map of the picture's own ending, where there are several."""
    ending = PurePosixPath(picture).suffix
    return next((name for name in maps if PurePosixPath(name).suffix == ending), maps[0])


# Captions and repeats.


def _examples(
    folder: Path, files: _Files, rows: list[Row], notes: tuple[str, ...]
) -> tuple[tuple[Example, ...], tuple[str, ...]]:
    texts = {_key(name): name for name in sorted(files.texts, key=_rank_of_text, reverse=True)}
    pictures = {_key(row.picture) for row in rows}
    alone = [name for key, name in texts.items() if key not in pictures and _map_folder(name) is None]
    examples, never = [], []
    for row in rows:
        repeats, name = _by_folder(row.picture)
        if not repeats:
            never.append(row.picture)
            continue
        map_of_it = folder / row.map if row.map else None
        caption = row.caption or _written(folder, texts, row.picture) or name
        examples.append(Example(folder / row.picture, map_of_it, caption, repeats))
    told = [f"Texts without a picture of their name: {first_few(sorted(alone, key=natural))}."] if alone else []
    if never:
        told.append(f"Left out, because their folder's name says 0 times: {first_few(never)}.")
    if not examples:
        raise ValueError(f"Training folder: of {folder} nothing is left. {' '.join((*notes, *told))} {_WHAT_TO_DO}")
    return tuple(examples), (*notes, *told)


def _rank_of_text(name: str) -> int:
    return _TEXTS.index(PurePosixPath(name).suffix.lower())


def _written(folder: Path, texts: Mapping[_Key, str], picture: str) -> str:
    """The caption in the text beside a picture, on one line."""
    name = texts.get(_key(picture))
    return "" if name is None else " ".join(read_text(folder / name, name).split())


def _by_folder(picture: str) -> tuple[int, str]:
    """(repeats, caption) by the nearest folder that is named for them, as kohya's scripts read it."""
    for part in reversed(PurePosixPath(picture).parts[:-1]):
        named = _REPEATED.fullmatch(part)
        if named and int(named[1]) <= _MOST_REPEATS:
            return int(named[1]), named[2].strip()
    return 1, ""
