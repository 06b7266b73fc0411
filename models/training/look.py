"""Looking at a training set as a person would before spending hours on it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from ...common.report_lines import warning
from ...preprocessors.images.kinds import map_kind
from ...preprocessors.images.map_check.classify import classify
from ...preprocessors.images.map_check.findings import Finding, findings, told_together
from ...preprocessors.images.opencv import has_opencv
from ...preprocessors.images.tensors import to_uint8
from .named import counted, first_few
from .pictures import PictureFacts
from .training_set import EMPTY, FROM_FILES, TrainingSet

FEWEST, FEWEST_FOR_CONTROL = 10, 60
_ALIKE_BITS = 2  # of the 64 of an outline
_ALIKE_COLOURS = 0.03  # mean difference on the grid of 16x16, of the whole range
_BLURRED, _OF_MEDIAN = 60.0, 0.15  # variances of the Laplacian: photographs in focus have 200 to 3000
_FLAT = 4  # of 255
_ENLARGED = 1.5
_OTHER_ASPECT = 0.03
_MAPS = 24  # are looked at closely, a second or two of work


def look_at(training_set: TrainingSet) -> list[str]:
    """What a person should know of a set, in lines, with the files named. Pictures were looked at when the set was made; of the
    maps a sample is made and looked at closely. Raises what `TrainingSet.maps` raises.
    """
    lines = [*_count(training_set), *_doubles(training_set), *_pictures(training_set), *_captions(training_set)]
    return [*lines, *_map_files(training_set), *_maps(training_set)]


def _count(one: TrainingSet) -> Iterator[str]:
    count = len(one)
    if count == 1:
        yield warning(
            "There is one picture only. It will be learned by heart, whatever is asked for; 10 to 20 views are the least."
        )
    elif count < FEWEST:
        yield warning(
            f"{counted(count, 'picture')} are few: below {FEWEST}, pictures are learned by heart. Add others of the same."
        )
    elif one.has_maps and count < FEWEST_FOR_CONTROL:
        yield warning(
            f"{counted(count, 'picture')} with maps are few for a control: from {FEWEST_FOR_CONTROL} on it learns to follow maps "
            "that it has not seen."
        )


# Doubles.


def _doubles(one: TrainingSet) -> Iterator[str]:
    files = {one.examples[index].picture: index for index in range(len(one))}
    indices = list(files.values())
    groups = _groups([one.facts[index] for index in indices])
    told = [" = ".join(one.file_name(indices[member]) for member in group) for group in groups]
    if told:
        yield warning(
            f"The same picture more than once: {first_few(told)}. Each counts again; keep one of them, or set repeats on purpose."
        )


def _groups(facts: list[PictureFacts]) -> list[list[int]]:
    """Which pictures show the same, each group with the first in front."""
    found: dict[int, list[int]] = {}
    taken: set[int] = set()
    by_digest: dict[str, list[int]] = defaultdict(list)
    for index, one in enumerate(facts):
        by_digest[one.digest].append(index)
    outlines = np.array([one.outline for one in facts], dtype=np.uint64)
    for index, one in enumerate(facts):
        if index in taken:
            continue
        same = {other for other in by_digest[one.digest] if other > index}
        if one.contrast >= _FLAT:
            near = np.flatnonzero(_bits(outlines[index + 1 :] ^ outlines[index]) <= _ALIKE_BITS) + index + 1
            same |= {int(other) for other in near if _same_colours(one, facts[int(other)])}
        if same - taken:
            found[index] = [index, *sorted(same - taken)]
            taken |= same
    return list(found.values())


_BITS = np.array([bin(value).count("1") for value in range(256)], dtype=np.uint8)


def _bits(values: np.ndarray) -> np.ndarray:
    """How many bits of each 64-bit number are set."""
    return _BITS[values.view(np.uint8).reshape(-1, 8)].sum(1)


def _same_colours(one: PictureFacts, other: PictureFacts) -> bool:
    first, second = (np.frombuffer(facts.small, dtype=np.uint8).astype(int) for facts in (one, other))
    return float(np.abs(first - second).mean()) <= _ALIKE_COLOURS * 255


# Single pictures.


def _pictures(one: TrainingSet) -> Iterator[str]:
    flat = [index for index, facts in enumerate(one.facts) if facts.contrast < _FLAT]
    if flat:
        yield warning(f"Blank pictures, of one single colour: {_named(one, flat)}. Remove them.")
    median = float(np.median([facts.sharpness for facts in one.facts]))
    limit = min(_BLURRED, _OF_MEDIAN * median)
    blurred = [index for index, facts in enumerate(one.facts) if facts.sharpness < limit and index not in flat]
    if blurred:
        yield warning(
            f"Blurred beside the others: {_named(one, blurred)}. Blur is learned too; replace or remove them."
        )
    tiny = [
        index
        for index, facts in enumerate(one.facts)
        if max(one.sizes[index][0] / facts.height, one.sizes[index][1] / facts.width) > _ENLARGED
    ]
    if tiny:
        yield warning(
            f"Small pictures, enlarged more than {_ENLARGED:g} times: {_named(one, tiny)}. What is made of them is soft; use "
            f"larger ones, or a smaller size than {one.size}."
        )


def _captions(one: TrainingSet) -> Iterator[str]:
    if one.captions == EMPTY:
        return
    missing = [index for index, example in enumerate(one.examples) if not example.caption]
    if len(missing) == len(one):
        yield warning(
            "No picture has a caption. Write one into 0001.txt beside 0001.png, or one for all in the node: without words the "
            "prompt has nothing to hold on to."
        )
    elif missing:
        yield warning(f"Without a caption: {_named(one, missing)}.")
    elif one.captions == FROM_FILES and len(one) > 1 and len({example.caption for example in one.examples}) == 1:
        yield warning(
            f'All captions are alike ("{one.examples[0].caption[:60]}"): what differs between the pictures is then learned as '
            "belonging to those words. Say in each what it shows."
        )


# Maps.


def _map_files(one: TrainingSet) -> Iterator[str]:
    """What is wrong with map files, whatever their kind."""
    facts = {index: found for index, found in enumerate(one.map_facts) if found is not None}
    flat = [index for index, found in facts.items() if found.contrast < _FLAT]
    if flat:
        yield warning(f"Blank maps, of one single colour, of {_named(one, flat)}. Such a map teaches to ignore maps.")
    other = [index for index, found in facts.items() if _aspects_apart(found, one.facts[index]) > _OTHER_ASPECT]
    if other:
        yield warning(
            f"Maps of another aspect than their picture, cut apart from it, of {_named(one, other)}. Make them at the size of "
            "the picture."
        )
    shared = [index for index, found in facts.items() if found.digest == one.facts[index].digest]
    if shared:
        yield warning(
            f"The map is the picture itself: {_named(one, shared)}. Put maps into maps, or choose a method in map."
        )


def _aspects_apart(one: PictureFacts, other: PictureFacts) -> float:
    return abs(math.log(one.width / one.height) - math.log(other.width / other.height))


def _maps(one: TrainingSet) -> Iterator[str]:
    """Whether a sample of the maps, spread over the set, is of one kind that a control can follow."""
    if not one.has_maps:
        return
    if not has_opencv():
        yield "The maps were not looked at: that needs OpenCV, which is not installed."
        return
    flat = {index for index, found in enumerate(one.map_facts) if found is not None and found.contrast < _FLAT}
    told: dict[str, dict[int, Finding]] = defaultdict(dict)
    wanted = one.map_kind()
    expected = wanted if map_kind(wanted).looks_like else None
    sample = spread(len(one), _MAPS)
    for index in sample:
        seen = classify(to_uint8(one.maps([index])[0]), expected, "maker" if one.entry else "person")
        for finding in findings(seen) if index not in flat else ():
            told[finding.words][index] = finding
    for found in told.values():
        yield warning(f"Maps of {_named(one, list(found))}: {told_together(list(found.values()))}.")
    if map_kind(wanted).photograph:
        yield warning("The maps look like photographs, not like maps. Put maps into maps, or choose a method in map.")
    if len(sample) < len(one):
        yield f"{len(sample)} of {len(one)} maps were looked at closely."


def spread(count: int, most: int) -> list[int]:
    """At most so many of the first numbers, evenly spread."""
    return list(range(count)) if count <= most else [index * count // most for index in range(most)]


def _named(one: TrainingSet, indices: list[int]) -> str:
    return first_few(list(dict.fromkeys(one.file_name(index) for index in indices)))
