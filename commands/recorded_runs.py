"""What `replay` and `diff` do."""

import argparse
import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from ..common.atomic_write import write_bytes
from ..runs.client import Client
from ..runs.errors import BatchError, ClientError, fit_to_show
from ..runs.record.compare import difference_picture, differences, picture_differences, recorded_picture
from ..runs.record.hashes import HashCache
from ..runs.record.record import Record, RecordError, read_record
from ..runs.record.replay import Replay, replay
from .batch.options import parse_headers
from .contact_sheet import contact_sheet
from .private_host.files import cache_folder

EQUAL, DIFFERENT, IMPOSSIBLE = 0, 1, 2


def run_replay(arguments: argparse.Namespace) -> int:
    """Makes the picture again and prints what came out."""
    try:
        record = read_record(arguments.record)
        outcome = asyncio.run(_replay(arguments, record, parse_headers(arguments.header)))
    except (RecordError, BatchError, ClientError, OSError) as error:
        print(f"armature: {error}", file=sys.stderr)
        return IMPOSSIBLE
    for note in outcome.notes:
        print(note)
    for index, picture in enumerate(outcome.pictures):
        name = record.data["pictures"][index]["file"] if index < len(record.data["pictures"]) else f"picture {index}"
        unknown = "differs; the recorded picture is not at hand, so how far is not known"
        print(f"{name}: {'bit-equal' if picture.is_equal else picture.distance or unknown}")
        if arguments.out is not None:
            write_bytes(arguments.out / f"replay_{Path(name).name}", picture.content)
    _print_differences(outcome.differences, "What differs from the record:")
    return EQUAL if outcome.is_equal else DIFFERENT


def run_diff(arguments: argparse.Namespace) -> int:
    """Prints the differences; writes the pictures side by side where they are wanted."""
    try:
        first, second = read_record(arguments.first), read_record(arguments.second)
        lines = [*differences(first.data, second.data), *picture_differences(first, second)]
        if arguments.out is not None:
            _side_by_side(first, second, arguments.out)
    except (RecordError, OSError) as error:
        print(f"armature: {error}", file=sys.stderr)
        return IMPOSSIBLE
    _print_differences(lines, "")
    if not lines:
        print("Nothing differs.")
    return DIFFERENT if lines else EQUAL


async def _replay(arguments: argparse.Namespace, record: Record, headers: Mapping[str, str]) -> Replay:
    cache = HashCache(cache_folder() / "model_hashes.sqlite")
    async with Client(arguments.server, headers) as client:
        return await replay(client, record, arguments.models, cache)


def _side_by_side(first: Record, second: Record, out: Path) -> None:
    paths = [record.picture(0) if record.data["pictures"] else None for record in (first, second)]
    if None in paths:
        raise RecordError("The pictures are not beside their records, so they cannot be shown side by side.")
    before, after = (recorded_picture(path) for path in paths if path is not None)
    panels: list[tuple[str, Image.Image]] = [("A", before), ("B", after)]
    if before.size == after.size:
        panels.append(("difference", difference_picture(before, after)))
    out.parent.mkdir(parents=True, exist_ok=True)
    contact_sheet(panels).save(out, "PNG")
    print(f"Side by side: {out}")


def _print_differences(lines: list[str] | tuple[str, ...], heading: str) -> None:
    if lines and heading:
        print(heading)
    for line in lines:
        print(fit_to_show(f"  {line}" if heading else line))
