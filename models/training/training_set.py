"""A set of examples that controls are trained on: pictures in a few sizes, their maps, captions and repeats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import torch

from ...common.digests import sha256_of_json
from ...common.picture_files import PictureError
from ...preprocessors.control_map import make_map
from ...preprocessors.entry import Preprocessor
from ...preprocessors.images.checks import check_choice, check_range
from ...preprocessors.images.map_check.classify import classify
from ...preprocessors.images.opencv import has_opencv
from ...preprocessors.images.tensors import to_uint8
from ...preprocessors.options import resolved_options
from .buckets import bucket_of
from .folder import Example, Found
from .named import counted, first_few
from .pictures import PictureFacts, Size, facts_of, map_at, picture_at
from .store import Store

FROM_FOLDER, NONE = "from folder", "none"
FROM_FILES, ONE_FOR_ALL, EMPTY = "from files", "one for all", "empty"
CAPTIONS = (FROM_FILES, ONE_FOR_ALL, EMPTY)
SMALLEST, LARGEST = 64, 2048
_WHO = "Training set"
_VERSION = 1  # of all that makes pixels of files; another makes other keys
_LOOKED_AT = 5

Captions = Literal["from files", "one for all", "empty"]
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """The value of a TRAINING_SET.

    name: for people; folder: from which files are named; examples: in the order of their numbers; sizes: (height, width) at which
    each is learned; facts, map_facts: of their files, the latter None where there is no map file. method: "from folder",
    "none" or the preprocessor's that makes the maps, which is then `entry`; options: all of that method's; captions: where they
    come from; size: the side of a square of the buckets' area; store: where what is made once is kept; notes: what was left out.

    key: a hash of all that is learned: contents of files, captions, repeats, sizes, method and options. Names and places do not
    count, so that the same folder has the same key on any machine.
    """

    name: str
    folder: Path
    examples: tuple[Example, ...]
    sizes: tuple[Size, ...]
    facts: tuple[PictureFacts, ...]
    map_facts: tuple[PictureFacts | None, ...]
    method: str
    options: Mapping[str, Any]
    size: int
    key: str
    store: Store
    captions: Captions = FROM_FILES
    entry: Preprocessor | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.examples)

    @property
    def has_maps(self) -> bool:
        """Whether `maps` gives any."""
        return self.method != NONE

    def file_name(self, index: int) -> str:
        """The picture of an example as people are told of it: its path in the folder."""
        return self.examples[index].picture.relative_to(self.folder).as_posix()

    def picture_key(self, index: int) -> str:
        """A hash of what `pictures` gives of an example: for what is made of it and kept, latents say."""
        return sha256_of_json(["picture", _VERSION, self.facts[index].digest, self.sizes[index]])

    def map_key(self, index: int) -> str:
        """A hash of what `maps` gives of an example."""
        if self.entry is None:
            facts = self.map_facts[index]
            return sha256_of_json(["map", _VERSION, facts and facts.digest, self.sizes[index]])
        made_by = [self.method, self.entry.version, dict(self.options)]
        return sha256_of_json(["map", _VERSION, self.picture_key(index), *made_by])

    def pictures(self, indices: Sequence[int]) -> torch.Tensor:
        """[N,H,W,3] in 0..1 of examples of one size: as large as covers it, and the middle. ValueError for several sizes, and for
        a file that has gone or can no longer be read.
        """
        size = self._one_size(indices)
        return torch.cat([self._of_file(index, self.examples[index].picture, size, picture_at) for index in indices])

    def maps(self, indices: Sequence[int]) -> torch.Tensor:
        """[N,H,W,3] in 0..1, the maps of the same parts of the pictures. Those of a method are made once and kept in the store,
        in 256 steps. ValueError as for `pictures`, where the set has no maps, and where the method cannot be run.
        """
        size = self._one_size(indices)
        if self.entry is not None:
            return torch.cat([self._made(index, self.entry) for index in indices])
        return torch.cat([self._of_file(index, self._map_file(index), size, map_at) for index in indices])

    def map_kind(self) -> str:
        """The name of the kind of its maps (see `preprocessors.images.kinds`): what the method makes, else what most of the first
        ones look like. Empty without maps, and without OpenCV to look with.
        """
        return self._kind

    @cached_property
    def _kind(self) -> str:
        if self.entry is not None:
            return self.entry.makes.name
        if not self.has_maps or not has_opencv():
            return ""
        first = range(len(self))[:_LOOKED_AT]
        seen = Counter(classify(to_uint8(self.maps([index])[0]), None).expected for index in first)
        del seen["blank"]
        return seen.most_common(1)[0][0] if seen else ""

    def _one_size(self, indices: Sequence[int]) -> Size:
        sizes = {self.sizes[index] for index in indices}
        if len(sizes) != 1:
            raise ValueError(f"{_WHO} {self.name}: examples of one size are wanted at a time, not {sorted(sizes)}.")
        return sizes.pop()

    def _map_file(self, index: int) -> Path:
        file = self.examples[index].map
        if not self.has_maps or file is None:
            raise ValueError(
                f"{_WHO} {self.name}: it was made without maps. Choose a method, or from folder, in `map` of Training Folder."
            )
        return file

    def _of_file(self, index: int, file: Path, size: Size, read: Callable[[Path, Size], torch.Tensor]) -> torch.Tensor:
        try:
            return read(file, size)
        except (OSError, PictureError) as error:
            raise ValueError(
                f"{_WHO} {self.name}: the file {file.name} of {self.file_name(index)} can no longer be read ({error}). Put it "
                "back, and run Training Folder again."
            ) from error

    def _made(self, index: int, entry: Preprocessor) -> torch.Tensor:
        def make() -> dict[str, torch.Tensor]:
            with torch.no_grad():
                made = make_map(entry, self.pictures([index]), self.options).maps
            return {"map": torch.from_numpy(np.array(to_uint8(made)))}

        return self.store.get(f"map-{self.map_key(index)}", make)["map"].float() / 255


@dataclass(frozen=True)
class Wanted:
    """What to make of a folder. entry: the method that makes maps, instead of `maps` ("from folder" or "none")."""

    size: int = 512
    captions: str = FROM_FILES
    caption: str = ""
    maps: str = FROM_FOLDER
    entry: Preprocessor | None = None
    options: Mapping[str, Any] | None = None


def training_set(name: str, found: Found, wanted: Wanted, store: Store) -> TrainingSet:
    """The set of what a folder holds. Looks at every file once; what cannot be read is left out and told in the notes. ValueError
    where nothing is left, and for a choice that cannot be.
    """
    check_range(f"{_WHO}, size", wanted.size, SMALLEST, LARGEST)
    method, options = _method(wanted)
    notes = list(found.notes)
    examples = [_captioned(one, wanted) for one in found.examples]
    if method == FROM_FOLDER:
        examples = _with_maps(examples, found)
        notes += found.map_notes
        if len(examples) < len(found.examples):
            notes.append(f"Left out for lack of a map: {counted(len(found.examples) - len(examples), 'picture')}.")
    else:
        examples = [replace(one, map=None) for one in examples]
    looked = list(_looked_at(examples, found.folder, notes))
    if not looked:
        raise ValueError(f"{_WHO} {name}: none of its pictures can be used. {' '.join(notes)}")
    kept = tuple(example for example, _, _ in looked)
    facts, map_facts = tuple(one for _, one, _ in looked), tuple(one for _, _, one in looked)
    sizes = tuple(bucket_of(*one.size, wanted.size) for one in facts)
    key = sha256_of_json([_VERSION, _counting(kept, facts, map_facts, sizes), method, _version(wanted), options])
    captions: Any = wanted.captions
    return TrainingSet(
        name,
        found.folder,
        kept,
        sizes,
        facts,
        map_facts,
        method,
        options,
        wanted.size,
        key,
        store,
        captions,
        wanted.entry,
        tuple(notes),
    )


def _method(wanted: Wanted) -> tuple[str, dict[str, Any]]:
    if wanted.entry is not None:
        return wanted.entry.method, resolved_options(wanted.entry, wanted.options or {})
    check_choice(f"{_WHO}, map", wanted.maps, (FROM_FOLDER, NONE))
    return wanted.maps, {}


def _captioned(example: Example, wanted: Wanted) -> Example:
    check_choice(f"{_WHO}, captions", wanted.captions, CAPTIONS)
    if wanted.captions == FROM_FILES:
        return example
    caption = " ".join(wanted.caption.split())
    if wanted.captions == ONE_FOR_ALL and not caption:
        raise ValueError(
            f'{_WHO}: captions is "{ONE_FOR_ALL}", and caption is empty. Write into caption what all pictures show, or choose '
            f'"{EMPTY}".'
        )
    return replace(example, caption=caption if wanted.captions == ONE_FOR_ALL else "")


def _with_maps(examples: list[Example], found: Found) -> list[Example]:
    """Those that have a map; the folder's notes name the others."""
    with_maps = [one for one in examples if one.map is not None]
    if not with_maps:
        raise ValueError(
            f"{_WHO}: the folder {found.folder} holds no maps for its pictures. Put them into it as maps/0001.png for 0001.png, "
            "or choose a method in map, which then makes them; for training without maps choose none."
            + "".join(f" {note}" for note in (*found.notes, *found.map_notes))
        )
    return with_maps


def _looked_at(
    examples: list[Example], folder: Path, notes: list[str]
) -> Iterator[tuple[Example, PictureFacts, PictureFacts | None]]:
    """Each example with the facts of its files; a sentence about those that cannot be read goes to the notes."""
    import comfy.model_management
    import comfy.utils

    bar, unread = comfy.utils.ProgressBar(len(examples)), []
    for example in examples:
        comfy.model_management.throw_exception_if_processing_interrupted()
        bar.update(1)
        file = example.picture
        try:
            facts = facts_of(file)
            file = example.map or file
            yield example, facts, facts_of(file) if example.map else None
        except (OSError, PictureError) as error:
            unread.append(f"{file.relative_to(folder).as_posix()} {_reason(error)}")
    if unread:
        notes.append(f"Left out, because they cannot be used: {first_few(unread)}")


def _reason(error: Exception) -> str:
    if isinstance(error, PictureError):
        return str(error).rstrip(".")
    return f"cannot be read ({getattr(error, 'strerror', None) or error})"


def _version(wanted: Wanted) -> int:
    return wanted.entry.version if wanted.entry else 0


def _counting(
    examples: tuple[Example, ...],
    facts: tuple[PictureFacts, ...],
    map_facts: tuple[PictureFacts | None, ...],
    sizes: tuple[Size, ...],
) -> list[Any]:
    """What of each example is learned."""
    rows = zip(examples, facts, map_facts, sizes, strict=True)
    return [[one.digest, of_map and of_map.digest, ex.caption, ex.repeats, size] for ex, one, of_map, size in rows]
