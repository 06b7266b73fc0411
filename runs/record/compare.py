"""How far two pictures are apart."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ...common.node_names import name_node
from ...common.picture_files import PictureError, read_picture
from .prompt_facts import upstream
from .record import Record, RecordError


@dataclass(frozen=True)
class Distance:
    """Between two pictures of one size: largest and mean difference in steps of 0..255, share of pixels that differ.

    psnr: peak signal-to-noise ratio in dB, infinite for equal pictures.
    """

    largest: int
    mean: float
    share: float
    psnr: float

    @property
    def is_equal(self) -> bool:
        """Whether every pixel is the same."""
        return self.largest == 0

    def __str__(self) -> str:
        if self.is_equal:
            return "bit-equal"
        return (
            f"{self.share:.2%} of the pixels differ, by {self.mean:.3g} of 255 on average and {self.largest} at most "
            f"(PSNR {self.psnr:.1f} dB)"
        )


def distance(one: Image.Image, other: Image.Image) -> Distance | None:
    """The distance of two pictures; None when they differ in size."""
    if one.size != other.size:
        return None
    gap = np.abs(pixels_of(one).astype(np.int16) - pixels_of(other))
    squared = float(np.mean(gap.astype(np.float64) ** 2))
    psnr = float("inf") if squared == 0 else float(10 * np.log10(255**2 / squared))
    return Distance(int(gap.max()), float(gap.mean()), float((gap.max(axis=-1) > 0).mean()), psnr)


def difference_picture(one: Image.Image, other: Image.Image) -> Image.Image:
    """Where two pictures of one size differ: the largest difference is drawn white."""
    gap = np.abs(pixels_of(one).astype(np.int16) - pixels_of(other)).max(axis=-1)
    return Image.fromarray((gap * (255 / max(1, int(gap.max())))).astype(np.uint8))


def pixels_of(picture: Image.Image) -> np.ndarray:
    """[H,W,3] of 0..255."""
    return np.asarray(picture.convert("RGB"))


def picture_differences(first: Record, second: Record) -> list[str]:
    """How far the pictures of two records are apart, by number; a line for each that differs. Raises RecordError."""
    old, new = first.data["pictures"], second.data["pictures"]
    lines = [] if len(old) == len(new) else [f"The first has {len(old)} pictures, the second {len(new)}."]
    for index in range(min(len(old), len(new))):
        if old[index]["sha256"] != new[index]["sha256"]:
            lines.append(f"Picture {index + 1}: {_apart(first.picture(index), second.picture(index))}")
    return lines


def recorded_picture(path: Path) -> Image.Image:
    """A picture of a record. Raises RecordError."""
    try:
        return read_picture(path)
    except PictureError as error:
        raise RecordError(f"{path} {error}") from None


def _apart(first: Path | None, second: Path | None) -> str:
    if first is None or second is None:
        return "differs; one of them is not at hand, so how far is not known"
    with recorded_picture(first) as one, recorded_picture(second) as other:
        found = distance(one, other)
        return str(found) if found else f"of another size, {one.width}x{one.height} and {other.width}x{other.height}"


# What changed between two records, in words.

LONGEST = 120
QUIET = frozenset({"images"})


def differences(
    first: Mapping[str, Any], second: Mapping[str, Any], *, ignore: frozenset[str] = frozenset()
) -> list[str]:
    """A line per difference between two records' data; none when all that is recorded is the same.

    ignore: places 'node id.input' in the prompt that are not to be compared.
    """
    lines = [*_graph(first, second, ignore), *_models(first, second)]
    lines += _table("Version of", first["versions"], second["versions"])
    lines += _table("Device", first["device"], second["device"])
    return [*lines, *_signals(first, second), *_inputs(first, second)]


def _graph(one: Mapping[str, Any], other: Mapping[str, Any], ignore: frozenset[str]) -> Iterator[str]:
    old, new = (upstream(record["prompt"], record["node"]) for record in (one, other))
    for node_id in [*old, *(node_id for node_id in new if node_id not in old)]:
        if node_id not in new:
            yield f"{name_node(old, node_id)} is in the first graph only."
        elif node_id not in old:
            yield f"{name_node(new, node_id)} is in the second graph only."
        elif old[node_id]["class_type"] != new[node_id]["class_type"]:
            yield f"{name_node(old, node_id)} became {name_node(new, node_id)}."
        else:
            before, after = (graph[node_id].get("inputs", {}) for graph in (old, new))
            for name in sorted({*before, *after}):
                if f"{node_id}.{name}" not in ignore and before.get(name) != after.get(name):
                    yield f"{name_node(old, node_id)}: '{name}' {_change(before.get(name), after.get(name))}"


def _models(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    old, new = (
        {(entry.get("node"), entry.get("input")): entry for entry in record["models"]} for record in (one, other)
    )
    for place in old.keys() & new.keys():
        before, after = old[place], new[place]
        if before["name"] == after["name"] and before["sha256"] != after["sha256"]:
            yield (
                f"Model file {before['name']}: another file of the same name (sha256 {before['sha256'][:16] or 'unknown'}… "
                f"-> {after['sha256'][:16] or 'unknown'}…)."
            )


def _signals(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    for number, (before, after) in enumerate(zip_longest(one["signals"], other["signals"]), 1):
        if before is None or after is None:
            yield f"Control signal {number} is in the {'second' if before is None else 'first'} record only."
            continue
        yield from _table(f"Control signal {number},", before, after)
        if before.get("images") != after.get("images"):
            yield f"Control signal {number}: another control image."


def _inputs(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    old, new = (
        {(entry.get("node"), entry.get("input")): entry for entry in record["inputs"]} for record in (one, other)
    )
    for place in old.keys() & new.keys():
        if old[place]["file"] != new[place]["file"]:
            yield f"The picture {old[place]['name']} of node {place[0]} has other content."


def _table(label: str, first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted({*first, *second} - QUIET):
        if first.get(name) != second.get(name):
            yield f"{label} {name}: {_change(first.get(name), second.get(name))}"


def _change(before: Any, after: Any) -> str:
    return f"{_short(before)} -> {_short(after)}"


def _short(value: Any) -> str:
    text = "nothing" if value is None else repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
