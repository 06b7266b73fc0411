"""The desk's history in files: nothing is lost when several write, nothing from outside is believed."""

from __future__ import annotations

import copy
import io
import json
import os
import sys
import time
import zipfile
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from armature_pack.runs.history.archive import bring_in, export
from armature_pack.runs.history.comparing import compare
from armature_pack.runs.history.names import HistoryError, check_file, check_project, check_run
from armature_pack.runs.history.project import KEPT_SECONDS, Project, Projects
from armature_pack.runs.history.rows import Rows, row_of
from armature_pack.runs.history.taking import ended_run, take
from armature_pack.runs.history.thumbnails import SIDE, thumbnail
from armature_pack.runs.record.compare import pixels_of
from armature_pack.runs.record.host_facts import HostFacts
from armature_pack.runs.record.record import read_record
from armature_pack.runs.record.saving import picture_entry, pixel_hash
from armature_pack.tests.runs.record.schema import SCHEMA, check
from armature_pack.tests.runs.record.test_record import RECORD
from PIL import Image

HISTORY = {
    "prompt_id": "of the host",
    "status": "done",
    "graph": "control_signal",
    "name": "",
    "starred": False,
    "branch": "",
    "parent": "",
    "words": [{"title": "Prompt", "text": "a <b>cup</b>"}],
    "weights": [{"title": "Control signal", "value": 0.8}],
    "adherence": [{"title": "Adherence", "score": 0.5, "relative": 0.75}],
    "others": [],
}


def run_id(number: int) -> str:
    return f"20260101-{number // 3600:02}{number // 60 % 60:02}{number % 60:02}-{number:08x}"


def picture(colour: int, size: tuple[int, int] = (640, 400)) -> Image.Image:
    return Image.new("RGB", size, (colour % 256, colour // 256 % 256, 90))


def png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def add(project: Project, number: int, weight: float = 0.8, map_colour: int = 5) -> str:
    """Adds a run with one picture and one map."""
    run, made, seen = run_id(number), picture(number), picture(map_colour, (8, 8))
    name = f"{run}_1.png"

    def record(store: Path) -> dict[str, Any]:
        map_name = f"control_{pixel_hash(pixels_of(seen))[:16]}.png"
        if not (store / map_name).is_file():
            (store / map_name).write_bytes(png(seen)) if store.is_dir() else None
        data = copy.deepcopy(RECORD)
        data["prompt"]["3"]["inputs"]["cfg"] = weight
        data["sampling"] = [{"node": "3", "title": "", "class_type": "Sampler", "settings": {"seed": number}}]
        signal = {"label": "one", "weight": weight, "images": [map_name]}
        entry = picture_entry(name, pixels_of(made))
        return {**data, "pictures": [entry], "inputs": [], "signals": [signal], "history": copy.deepcopy(HISTORY)}

    project.records.mkdir(parents=True, exist_ok=True)
    assert project.add(run, {name: png(made)}, record)
    return run


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Projects(tmp_path / "projects").project("Winter, 2nd try")


def test_a_run_is_a_record_that_other_commands_read(project: Project) -> None:
    first, second = add(project, 1), add(project, 2, weight=0.5)
    for run in (first, second):
        record = read_record(project.records / f"{run}.json")
        check(record.data["history"], SCHEMA["properties"]["history"])
        assert record.picture(0) == project.folder / f"{run}_1.png"
        assert record.file(record.data["signals"][0]["images"][0]) is not None
    assert len(list(project.records.glob("control_*"))) == 1, "a map is kept once"
    told = compare(project, first, second)
    assert any("'cfg' 0.8 -> 0.5" in line for line in told["settings"])
    assert "of the pixels differ" in told["pictures"][0]
    assert compare(project, first, first) == {"settings": [], "pictures": []}


def test_rows_say_what_a_list_shows_and_are_read_anew_when_they_change(project: Project) -> None:
    rows = Rows()
    assert rows.table(project)["rows"] == []
    first, second = add(project, 1), add(project, 2)
    table = rows.table(project)
    assert [row["id"] for row in table["rows"]] == [second, first]
    row = table["rows"][1]
    assert row["seeds"] == [1] and row["weights"] == HISTORY["weights"] and row["words"] == HISTORY["words"]
    assert row["adherence"][0]["relative"] == 0.75 and row["pictures"] == [f"{first}_1.png"] and len(row["maps"]) == 1
    assert rows.table(project, table["version"]) == {"version": table["version"]}
    project.edit(first, name="  the good one ", starred=True)
    row = rows.table(project, table["version"])["rows"][1]
    assert (row["name"], row["starred"]) == ("the good one", True)
    (project.records / f"{run_id(3)}.json").write_text("{", encoding="utf-8")
    assert rows.table(project)["rows"][0]["status"] == "damaged", "and the others are still there"


def test_of_two_runs_of_one_second_the_last_one_comes_first(project: Project) -> None:
    runs = [add(project, number) for number in (1, 2, 3)]
    for run, saved in zip(runs, ("00:00:01.900", "00:00:01.100", "00:00:01.500"), strict=True):
        same_second = project.records / f"{runs[0][:-8]}{run[-8:]}.json"
        (project.records / f"{run}.json").rename(same_second)
        record = json.loads(same_second.read_text(encoding="utf-8"))
        record["times"] = {"saved": f"2026-01-01T{saved}+00:00"}
        same_second.write_text(json.dumps(record), encoding="utf-8")
    assert [row["seeds"] for row in Rows().table(project)["rows"]] == [[1], [3], [2]]


@pytest.mark.parametrize("targets", [("4", "3"), ("3", "4")])
def test_a_failed_run_is_told_of_the_node_that_came_after_the_most(targets: tuple[str, str], project: Project) -> None:
    prompt = {
        "1": {"class_type": "Sampler", "inputs": {"seed": 7, "steps": 2}},
        "2": {"class_type": "Edges", "inputs": {}},
        "3": {"class_type": "Save", "inputs": {"images": ["1", 0]}},
        "4": {"class_type": "Preview", "inputs": {"images": ["2", 0]}},
    }
    messages = [("execution_error", {"timestamp": 1_767_225_600_000, "node_id": "1", "exception_message": "no memory"})]
    entry = {
        "prompt": (1, "a", prompt, {"armature_desk": {"project": project.name}}, targets),
        "status": {"messages": messages},
        "outputs": {},
    }
    run = ended_run("a", entry)
    assert run is not None and take(project, run, HostFacts())
    (row,) = Rows().table(project)["rows"]
    assert (row["status"], row["seeds"]) == ("failed", [7])


@pytest.mark.parametrize("dead", [{"class_type": "X", "inputs": 5}, {"class_type": "X", "inputs": ["a"]}, {}, 7])
def test_a_run_is_kept_whatever_stands_beside_what_ran(dead: Any, project: Project) -> None:
    """The host looks at the nodes that it runs alone; the desk's own note may come from anybody."""
    prompt = {
        "1": {"class_type": "Sampler", "inputs": {"seed": 7, "model": ["2", 0], "text": "x" * 300 + ".png"}},
        "2": {"class_type": "Apply", "inputs": {"control_net": ["3", 0], "image": ["4", 0]}},
        "9": dead,
    }
    note = {"project": project.name, "weights": [{"title": "far", "value": 10**400}, {"title": "near", "value": 1}]}
    outputs = {"1": {"images": [{"filename": "x" * 300}], "adherence": [10**400, 0.5]}, "2": [5]}
    messages = [("execution_start", {"timestamp": 10**400}), ("execution_success", {"timestamp": 1_767_225_600_000})]
    entry = {
        "prompt": (1, "a", prompt, {"armature_desk": note}, ["1"]),
        "status": {"messages": messages},
        "outputs": outputs,
    }
    run = ended_run("a", entry)
    assert run is not None and take(project, run, HostFacts())
    (row,) = Rows().table(project)["rows"]
    assert (row["status"], row["seeds"]) == ("done", [7])
    assert row["weights"] == [{"title": "near", "value": 1}]


def test_numbers_beyond_all_floats_in_an_imported_run_do_not_end_the_list(project: Project) -> None:
    run = add(project, 1)
    path = project.records / f"{run}.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    far = 10**400
    record["times"] = {"seconds": far}
    record["history"] |= {
        "weights": [{"title": "a", "value": far}],
        "adherence": [{"title": "a", "score": far, "relative": far}],
    }
    path.write_text(json.dumps(record), encoding="utf-8")
    (row,) = Rows().table(project)["rows"]
    assert (row["id"], row["weights"], row["adherence"], row["seconds"]) == (run, [], [], None)


def test_files_older_than_the_zip_format_are_exported(project: Project, tmp_path: Path) -> None:
    run = add(project, 1)
    os.utime(project.records / f"{run}.json", (0, 0))
    export(project, tmp_path / "out.zip")
    assert bring_in(Projects(tmp_path / "elsewhere").project("other"), tmp_path / "out.zip") == (1, 0)


def test_a_strange_record_makes_a_row_that_a_page_can_draw() -> None:
    strange = {
        **RECORD,
        "created": "yesterday",
        "signals": [{"images": 5}, {"images": [1, "a.png", "a.png"]}, {}],
        "sampling": [5, {"settings": {"seed": "x"}}],
        "times": {"seconds": "long"},
        "history": {
            **HISTORY,
            "name": 5,
            "words": [{"title": 1, "text": 2}, 3],
            "weights": {"a": 1},
            "adherence": [{"score": "x"}],
        },
    }
    row = row_of("20260101-000000-00000000", strange)
    assert (row["created"], row["name"], row["words"], row["weights"], row["adherence"]) == ("", "", [], [], [])
    assert (row["maps"], row["seeds"], row["seconds"]) == (["a.png"], [], None)


def test_deleting_can_be_taken_back_and_is_cleared_after_days(project: Project) -> None:
    first, second = add(project, 1, map_colour=7), add(project, 2)
    thumbnail(project, first)
    project.delete(first)
    assert [row["id"] for row in Rows().table(project)["rows"]] == [second]
    assert project.deleted_runs() == [first] and project.has(first), "it does not come in a second time"
    with pytest.raises(HistoryError, match="may have been deleted"):
        project.read(first)
    project.bring_back(first)
    assert project.read(first).picture(0) is not None and project.deleted_runs() == []
    project.delete(first)
    long_ago = time.time() - KEPT_SECONDS - 9
    os.utime(project.deleted / f"{first}.json", (long_ago, long_ago))
    third = add(project, 3)
    project.delete(third)
    assert project.deleted_runs() == [third]
    assert not list(project.folder.glob(f"**/{first}*")) and len(list(project.records.glob("control_*"))) == 1
    assert project.file(f"{second}_1.png").is_file() and project.file(f"{third}_1.png").is_file()


def _write_many(folder: str, worker: int) -> None:
    """In a process of its own: adds runs, some of which others add too, and changes one that all change."""
    project = Project(Path(folder))
    for number in range(10):
        add(project, 100 * (worker + 1) + number)
    for number in range(10):
        run = run_id(9000 + number)
        project.add(run, {}, lambda _store: {**copy.deepcopy(RECORD), "pictures": [], "inputs": [], "signals": []})
    if worker % 2:
        project.edit(run_id(1), starred=True)
    else:
        project.edit(run_id(1), name="named")


def test_several_processes_and_threads_lose_nothing(project: Project) -> None:
    add(project, 1)
    with (
        ProcessPoolExecutor(2, get_context("fork")) if sys.platform != "win32" else ThreadPoolExecutor(2) as processes,
        ThreadPoolExecutor(2) as threads,
    ):
        jobs = [processes.submit(_write_many, str(project.folder), worker) for worker in (0, 1)]
        jobs += [threads.submit(_write_many, str(project.folder), worker) for worker in (2, 3)]
        for job in jobs:
            job.result()
    rows = Rows().table(project)["rows"]
    assert len(rows) == 1 + 4 * 10 + 10 and all(row["status"] == "done" for row in rows)
    assert (rows[-1]["name"], rows[-1]["starred"]) == ("named", True)
    assert not list(project.folder.glob("**/*.partial"))


def test_thumbnails_are_small_and_made_once(project: Project) -> None:
    run = add(project, 1)
    path = thumbnail(project, run)
    with Image.open(path) as made:
        assert made.size == (SIDE, 160) and made.format == "WEBP"
    written = path.stat().st_mtime_ns
    assert thumbnail(project, run) == path and path.stat().st_mtime_ns == written
    assert path.stat().st_size < 20_000


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        ".",
        "..",
        "../a",
        "a/b",
        "a\\b",
        "/etc",
        "a\0b",
        ".hidden",
        "_x",
        "con",
        "NUL.txt",
        "con .txt",
        "COM¹",
        "x" * 61,
        "a.",
        5,
        None,
        "a:b",
        "<b>",
    ],
)
def test_names_that_are_no_project(name: object, tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="cannot be a project's name"):
        Projects(tmp_path).project(name)
    assert list(tmp_path.iterdir()) == []


def test_names_that_are() -> None:
    assert [check_project(name) for name in ("Winter 2026", " café ", "プロジェクト (1)")] == [
        "Winter 2026",
        "café",
        "プロジェクト (1)",
    ]


@pytest.mark.parametrize("name", ["../x", "20260101-000001-0000000", "20260101-000001-00000001/..", "", 7, "*"])
def test_names_that_are_no_run_and_no_file(name: Any, project: Project) -> None:
    for ask in (check_run, project.read, project.delete, project.bring_back, check_file, project.file):
        with pytest.raises(HistoryError):
            ask(name)
    with pytest.raises(HistoryError, match="is no picture"):
        project.file("../.lock")


def test_a_project_goes_through_a_zip_file(project: Project, tmp_path: Path) -> None:
    runs = [add(project, number) for number in (1, 2, 3)]
    project.edit(runs[0], name="kept")
    project.delete(runs[2])
    thumbnail(project, runs[0])
    export(project, tmp_path / "out.zip")
    other = Projects(tmp_path / "elsewhere").project("Taken over")
    assert bring_in(other, tmp_path / "out.zip") == (2, 0)
    assert Rows().table(other)["rows"] == Rows().table(project)["rows"]
    for run in runs[:2]:
        assert other.file(f"{run}_1.png").read_bytes() == project.file(f"{run}_1.png").read_bytes()
        assert other.read(run).file(other.read(run).data["signals"][0]["images"][0]) is not None
    other.edit(runs[0], name="changed since")
    assert bring_in(other, tmp_path / "out.zip") == (0, 2)
    assert other.read(runs[0]).data["history"]["name"] == "changed since", "what is there stays"
    assert [one.name for one in other.folder.parent.iterdir()] == ["Taken over"]
    with pytest.raises(HistoryError, match="no runs to export"):
        export(Projects(tmp_path).project("empty"), tmp_path / "none.zip")


GOOD = f"{run_id(1)}_1.png"
RECORDED = f"records/{run_id(1)}.json"
ONE = {**RECORD, "pictures": [picture_entry(GOOD, pixels_of(picture(1)))], "inputs": [], "signals": []}


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"../../climbs.png": b""}, "which no project has"),
        ({"/etc/passwd": b""}, "which no project has"),
        ({"records/../x.json": b""}, "which no project has"),
        ({"C:\\x.png": b""}, "which no project has"),
        ({"page.html": b"<script>"}, "which no project has"),
        ({GOOD.replace(".png", ".svg"): b"<svg>"}, "which no project has"),
        ({GOOD: b"<script>alert(1)</script>"}, "is not a picture"),
        ({GOOD.replace(".png", ".mp4"): b"<script>alert(1)"}, "not what its name says"),
        ({f"records/input_{'0' * 16}.png": png(picture(1))}, "not what its name says"),
        ({f"records/control_{'0' * 16}.png": png(picture(1))}, "not what its name says"),
        ({GOOD: b"\0" * (64 * 2**20)}, "would unpack to"),
        ({RECORDED: b"{"}, "no readable record"),
        (
            {RECORDED: json.dumps({**ONE, "pictures": [{"file": "../../x", "sha256": ""}]}).encode()},
            "not a plain file name",
        ),
        (
            {RECORDED: json.dumps({**ONE, "pictures": [{"file": f"{run_id(2)}_1.png", "sha256": ""}]}).encode()},
            "of another run",
        ),
        ({RECORDED: None}, "holds no runs"),
    ],
    ids=range(15),
)
def test_archives_that_are_refused_leave_nothing(
    files: dict[str, bytes | None], told: str, project: Project, tmp_path: Path
) -> None:
    whole = {RECORDED: json.dumps(ONE).encode(), GOOD: png(picture(1)), **files}
    with zipfile.ZipFile(tmp_path / "bad.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in whole.items():
            if content is not None:
                archive.writestr(name, content)
    with pytest.raises(HistoryError, match=told):
        bring_in(project, tmp_path / "bad.zip")
    assert Rows().table(project)["rows"] == []
    assert {one.name for one in project.folder.parent.iterdir()} <= {project.folder.name}
    assert not list(tmp_path.parent.glob("climbs*"))


def test_an_archive_that_says_less_than_it_holds_and_one_that_is_none(project: Project, tmp_path: Path) -> None:
    (tmp_path / "none.zip").write_bytes(b"PK nothing")
    with pytest.raises(HistoryError, match="no zip file"):
        bring_in(project, tmp_path / "none.zip")
    with zipfile.ZipFile(tmp_path / "lies.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(RECORDED, json.dumps(ONE))
        archive.writestr(GOOD, b"\0" * (80 * 2**20))
        archive.infolist()[1].file_size = 1000  # what the directory at the end says
    with pytest.raises(HistoryError):
        bring_in(project, tmp_path / "lies.zip")
    assert Rows().table(project)["rows"] == []
