"""From a folder's name to its training set, a sheet of it, and what a person should know: all of the node Training Folder."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ...common.digests import sha256_of_json
from ...common.file_stamp import file_stamp
from ...common.report_lines import warning, warnings_first
from ...preprocessors.images.kinds import map_kind
from ..input_folders import folder_in_input, has_pictures_below, input_root
from .example_sets import EXAMPLES
from .folder import MAP_FOLDERS, read_folder
from .look import look_at
from .named import counted
from .set_sheet import set_sheet
from .store import Store, default_store
from .training_set import FROM_FILES, TrainingSet, Wanted, training_set

_WHO = "Training Folder"


@dataclass(frozen=True, eq=False)
class SetOfFolder:
    """set: the examples; sheet [1,H,W,3] of some of them; report in words, with what wants attention first."""

    set: TrainingSet
    sheet: torch.Tensor
    report: str


def folder_names() -> list[str]:
    """Folders of the host's input folder, and those in them, that hold pictures anywhere below: as slashed paths from it.

    Behind them the sets that come with the pack.
    """
    names = []
    for folder in _folders(input_root()):
        inner = [one for one in _folders(folder) if one.name.lower() not in MAP_FOLDERS and has_pictures_below(one)]
        if inner or has_pictures_below(folder):
            names += [folder.name, *(f"{folder.name}/{one.name}" for one in inner)]
    return [*names, *EXAMPLES]


def set_of_folder(name: str, wanted: Wanted, store: Store | None = None) -> SetOfFolder:
    """The set of a folder inside the host's input folder. ValueError for a name that leads out of it, and for a folder that
    cannot be trained on.
    """
    found = read_folder(_folder(name))
    made = training_set(name, found, wanted, store or default_store())
    lines = [*_summary(made), *look_at(made), *map(warning, made.notes)]
    return SetOfFolder(made, set_sheet(made), "\n".join(warnings_first(lines)))


def fingerprint(name: Any) -> Any:
    """Changes when a file in the folder does; None for a folder that is not known yet (a linked input)."""
    if not isinstance(name, str):
        return None
    folder = _folder(name)
    stamps = [file_stamp(Path(place) / file) for place, _, files in os.walk(folder) for file in files]
    return sha256_of_json(sorted(stamps))


def _folder(name: str) -> Path:
    return EXAMPLES[name] if name in EXAMPLES else folder_in_input(name, _WHO)


def _folders(folder: Path) -> list[Path]:
    """The folders in a folder that are not hidden, by name."""
    try:
        return sorted(one for one in folder.iterdir() if one.is_dir() and not one.name.startswith("."))
    except OSError:  # is not there, or is not ours to list
        return []


def _summary(made: TrainingSet) -> list[str]:
    repeated = sum(example.repeats for example in made.examples)
    counts = Counter(f"{width}x{height}" for height, width in made.sizes)
    sizes = ", ".join(f"{count} of {size}" for size, count in counts.most_common())
    more = f", {repeated} with their repeats" if repeated != len(made) else ""
    return [f"{made.name}: {counted(len(made), 'picture')}{more}; {sizes}.", _told_maps(made), _told_captions(made)]


def _told_maps(made: TrainingSet) -> str:
    if not made.has_maps:
        return "Maps: none."
    kind = made.map_kind()
    if made.entry is not None:
        return f"Maps: {map_kind(kind).in_words}, made by {made.entry.title}."
    return f"Maps: from the folder{kind and f'; most look like {map_kind(kind).looks_like}'}."


def _told_captions(made: TrainingSet) -> str:
    written = sum(bool(example.caption) for example in made.examples)
    if made.captions == FROM_FILES:
        return f"Captions: {written} of {len(made)} pictures have one."
    return f'Captions: "{made.examples[0].caption}" for all.' if written else "Captions: none."
