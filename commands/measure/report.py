"""What a measurement leaves: measure.json, measure.md, and a contact sheet."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from ...common.atomic_write import write_bytes, write_text
from ...common.digests import sha256_of_file, sha256_of_json
from ...common.pack_version import PACK, pack_version
from ...common.picture_files import PictureError, read_picture
from ...models.compatibility.sheet import today
from ...runs.record.record import RecordError, read_record
from ..contact_sheet import contact_sheet
from .frontier import Point, as_rows, plotted
from .frontier import table_lines as savings_lines
from .graph import Measured
from .results import GIVEN, OWN, Line, Outcome, estimate_text
from .ways import OFF, TOGETHER, WRONG

SCHEMA = "armature.measure/1"
DATA, PAGE, SHEET = "measure.json", "measure.md", "contact_sheet.jpg"
SAVINGS_SCHEMA = "armature.measure_savings/1"
SAVINGS_DATA, SAVINGS_PAGE, SAVINGS_PLOT = "savings.json", "savings.md", "savings.png"
SAVINGS_SHEET = "savings_contact_sheet.jpg"
_SHOWN = 6  # pictures of the contact sheet
_SIDE = 320


@dataclass(frozen=True)
class Measurement:
    """All that came of it. graph: the user's file, prompt: what it holds; folder: of the pictures; rows: of the drawn ones.

    failed: (row, reason) of what did not come out.
    """

    graph: Path
    prompt: Mapping[str, Any]
    folder: Path
    pictures: Sequence[str]
    rows: Path
    measured: Measured
    lines: Sequence[Line]
    done: Sequence[Outcome]
    failed: Sequence[tuple[str, str]]


def write_report(found: Measurement, out: Path) -> list[Path]:
    """Writes the three files and returns their paths. Raises OSError."""
    data = as_json(found)
    write_text(out / DATA, json.dumps(data, indent=1, ensure_ascii=False) + "\n")
    write_text(out / PAGE, markdown(data))
    write_bytes(out / SHEET, _encoded(_sheet(found), "JPEG"))
    return [out / name for name in (PAGE, DATA, SHEET)]


def write_savings(found: Measurement, points: Sequence[Point], out: Path) -> list[Path]:
    """Writes the table of savings, the same as data and as a drawing, and a contact sheet. Raises OSError."""
    data = {**as_json(found), "schema": SAVINGS_SCHEMA, "rows": as_rows(points)}
    write_text(out / SAVINGS_DATA, json.dumps(data, indent=1, ensure_ascii=False) + "\n")
    write_text(out / SAVINGS_PAGE, _savings_page(data, points))
    pixels = (plotted(points)[0] * 255).round().byte().numpy()
    write_bytes(out / SAVINGS_PLOT, _encoded(Image.fromarray(pixels), "PNG"))
    write_bytes(out / SAVINGS_SHEET, _encoded(_sheet(found), "JPEG"))
    return [out / name for name in (SAVINGS_PAGE, SAVINGS_DATA, SAVINGS_PLOT, SAVINGS_SHEET)]


def _encoded(picture: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, quality=90)
    return buffer.getvalue()


def as_json(found: Measurement) -> dict[str, Any]:
    """The measurement with what it was made of, so that a figure can be quoted and made again."""
    records = _records(found)
    first = records[0] if records else {}
    return {
        "schema": SCHEMA,
        "date": today(),
        "armature": {"version": pack_version(), "commit": commit()},
        "hosts": [{"versions": one["versions"], "device": one["device"]} for one in records],
        "graph": {"file": found.graph.name, "sha256": sha256_of_json(found.prompt)},
        "models": [
            {name: one[name] for name in ("name", "folder", "bytes", "sha256") if name in one}
            for one in first.get("models", [])
        ],
        "sampling": first.get("sampling", []),
        "pictures": [{"name": name, "sha256": sha256_of_file(found.folder / name)} for name in found.pictures],
        "result": found.measured.result,
        "signals": [
            {"node": one.node, "title": one.label, "weight": one.weight, "method": one.method}
            for one in found.measured.signals
        ],
        "left_alone": list(found.measured.left_alone),
        "rows": [asdict(one) for one in found.lines],
        "each": [_each(one) for one in found.done],
        "failed": [{"row": name, "reason": reason} for name, reason in found.failed],
    }


def _each(one: Outcome) -> dict[str, Any]:
    readings = [
        {"signal": signal, "against": against, **asdict(reading)}
        for (signal, against), reading in one.readings.items()
        if against == GIVEN or one.case.way == WRONG
    ]
    case = {name: getattr(one.case, name) for name in ("picture", "map_of", "way", "signal", "values")}
    return {**case, "seconds": one.seconds, "file": one.picture, "readings": readings}


def _records(found: Measurement) -> list[Mapping[str, Any]]:
    """What Save Record wrote into a picture of each server; none where its host writes no metadata."""
    first: dict[str, Outcome] = {}
    for one in found.done:
        first.setdefault(one.server, one)
    records = []
    for one in first.values():
        try:
            records.append(read_record(found.rows / one.picture).data)
        except RecordError:
            continue
    return records


def commit() -> str | None:
    """The commit of this copy of the pack, with a + where files differ from it; None where it is no git checkout."""
    if not (PACK / ".git").exists():
        return None
    told = []
    for arguments in (("rev-parse", "HEAD"), ("status", "--porcelain", "--untracked-files=no")):
        try:
            command = ["git", "-C", str(PACK), *arguments]
            done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
        except (OSError, subprocess.SubprocessError):
            return None
        told.append(done.stdout.strip())
    return told[0] + "+" * bool(told[1])


# The page.


def markdown(data: Mapping[str, Any]) -> str:
    """The same as a page."""
    lines = [
        f"# What the controls of {_cell(data['graph']['file'])} do",
        "",
        _where(data),
        "",
        *table_lines(data["rows"]),
        "",
        "off: all signals at weight 0. A weight: this signal alone. wrong map: weight 1, with the map of the next picture. "
        "together: all signals as the graph says. Chance is the same picture against maps whose content has lost its place; "
        "relative is 0 at chance and 1 where the source picture is. Seconds are the server's median for a whole run, measuring "
        "included. The seeds below are those of the first picture; each further picture has them one higher.",
        "",
        *_made_of(data),
    ]
    return "\n".join(lines) + "\n"


def _savings_page(data: Mapping[str, Any], points: Sequence[Point]) -> str:
    lines = [
        f"# What savings of {_cell(data['graph']['file'])} gain and cost",
        "",
        _where(data),
        "",
        *savings_lines(points),
        "",
        f"![Obedience over seconds, one colour for each of the savings]({SAVINGS_PLOT})",
        "",
        "score: how well a picture follows its maps, mean over the signals, at the graph's own weights. lost: that of the same "
        "picture and seed with nothing left out, less this. Seconds are the server's median for a whole run: maps, decoding and "
        "measuring take the same in all, so of the sampling alone the share is smaller. *: no other is as fast and as obedient. "
        "The seeds below are those of the first picture; each further picture has them one higher.",
        "",
        *_made_of(data),
    ]
    return "\n".join(lines) + "\n"


def _where(data: Mapping[str, Any]) -> str:
    armature = data["armature"]
    made = f"Armature {armature['version']}" + (f" ({armature['commit'][:12]})" if armature["commit"] else "")
    hosts = "; ".join(map(_host, data["hosts"])) or "the host wrote no metadata"
    return (
        f"{len(data['pictures'])} pictures, {data['date']}, {made}, {hosts}. Mean ± standard error over the pictures, drawn by "
        f"{_cell(data['result'])}."
    )


_HEAD = (
    *("signal", "weight", "against", "measure", "pictures"),
    *("score", "chance", "gain over chance", "relative", "over off", "seconds"),
)


def _host(one: Mapping[str, Any]) -> str:
    versions = one["versions"]
    device = one["device"].get("name", "?")
    return f"ComfyUI {versions.get('comfyui', '?')}, torch {versions.get('torch', '?')}, {device}"


def table_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The table alone."""
    lines = ["| " + " | ".join(_HEAD) + " |", "|---" * len(_HEAD) + "|"]
    for row in rows:
        details = "".join(f", {name.replace('_', ' ')} {value:.3f}" for name, value in row["details"].items())
        seconds = "" if row["seconds"] is None else f"{row['seconds']:.1f}"
        weight = {WRONG: "1, wrong map"}.get(row["way"], row["way"])
        cells = [row["signal"], weight, row["against"], row["measure"] + details, str(row["pictures"])]
        cells += [estimate_text(row[name]) for name in ("score", "chance", "gain", "relative", "over_off")]
        lines.append("| " + " | ".join(map(_cell, [*cells, seconds])) + " |")
    return lines


def _made_of(data: Mapping[str, Any]) -> list[str]:
    lines = [f"Left alone: {_cell(one)}." for one in data["left_alone"]]
    if data["models"]:
        lines += ["", "| file | sha256 |", "|---|---|"]
        lines += [f"| {_cell(one['name'])} | {one['sha256'] or 'not found'} |" for one in data["models"]]
    for one in data["sampling"]:
        settings = ", ".join(f"{name} {value}" for name, value in one["settings"].items())
        lines += ["", f"{_cell(one['title'] or one['class_type'])}: {settings}."]
    if data["failed"]:
        lines += ["", f"{len(data['failed'])} did not come out:"]
        lines += [f"- {_cell(one['row'])}: {_cell(one['reason'])}" for one in data["failed"]]
    return lines


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


# The contact sheet.


def _sheet(found: Measurement) -> Image.Image:
    """The first pictures, a row each: the picture itself, then what was drawn of it, with what was measured."""
    ways = list(dict.fromkeys((one.case.way, one.case.signal) for one in found.done))
    ways.sort(key=lambda way: (way[0] == TOGETHER, way[0] != OFF))  # the order of the rows, where some are missing
    drawn = {(one.case.picture, one.case.way, one.case.signal): one for one in found.done}
    panels = []
    for name in found.pictures[:_SHOWN]:
        panels.append((name[:24], _small(found.folder / name)))
        for way, signal in ways:
            one = drawn.get((name, way, signal))
            picture = _blank() if one is None else _small(found.rows / one.picture)
            panels.append((_words(found.measured, way, signal, one), picture))
    return contact_sheet(
        panels,
        "Below: how well it follows the map that its signal got; own: the map of its own picture.",
        len(ways) + 1,
    )


def _words(measured: Measured, way: str, signal: str, one: Outcome | None) -> str:
    label = next((found.label for found in measured.signals if found.node == signal), "")
    readings = {} if one is None else one.readings
    scores = [f"{readings[key].score:.2f}" for key in readings if key[1] == GIVEN and signal in ("", key[0])]
    if way == WRONG and (signal, OWN) in readings:
        scores.append(f"(own {readings[signal, OWN].score:.2f})")
    return f"{label[:20]} {way}".strip() + "\n" + " ".join(scores)


def _small(path: Path) -> Image.Image:
    try:
        picture = read_picture(path).convert("RGB")
    except (OSError, PictureError):
        return _blank()  # removed since: the sheet is no reason to fail
    picture.thumbnail((_SIDE, _SIDE))
    return picture


def _blank() -> Image.Image:
    return Image.new("RGB", (_SIDE, _SIDE))
