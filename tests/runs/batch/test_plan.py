"""Planning: columns find their inputs, values their types, pictures their folder; every row is judged beforehand."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from armature_pack.runs.batch.columns import check_classes, find_columns, picture_input
from armature_pack.runs.batch.job import Request, check_graph, read_graph
from armature_pack.runs.batch.plan import PlannedRow, plan_rows, prepare
from armature_pack.runs.batch.rows import Row
from armature_pack.runs.errors import BatchError
from armature_pack.runs.graph import describe_changes, with_changes
from armature_pack.tests.runs.batch.host_stub import GRAPH, OBJECT_INFO, huge_png, png
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo


def plan(folder: Path, *values: dict[str, Any], mapping: dict[str, str] | None = None, check=None) -> list[PlannedRow]:
    rows = [Row(f"row {number}", one) for number, one in enumerate(values, 1)]
    columns = find_columns(GRAPH, dict.fromkeys(name for one in values for name in one), OBJECT_INFO, mapping)
    return plan_rows(GRAPH, rows, columns, folder, check)


def test_texts_become_what_the_inputs_take(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(png())
    values = {
        "Sampler.seed": "18446744073709551615",
        "3.cfg": "6,5",
        "Sampler.tiled": "Yes",
        "prompt": "007",
        "Load Checkpoint.ckpt_name": "b.safetensors",
        "Picture.image": "x.png",
        "name": "blue",
    }
    (row,) = plan(tmp_path, values, mapping={"prompt": "Sampler.text"})
    assert not row.problem and row.name == "blue"
    assert row.changes == {
        "3.seed": 2**64 - 1,
        "3.cfg": 6.5,
        "3.tiled": True,
        "3.text": "007",
        "1.ckpt_name": "b.safetensors",
        "2.image": "x.png",
    }
    assert row.pictures == {"2.image": tmp_path / "x.png"}
    prompt = with_changes(GRAPH, row.changes)
    assert prompt["3"]["inputs"]["seed"] == 2**64 - 1 and GRAPH["3"]["inputs"]["seed"] == 1
    assert describe_changes(GRAPH, row.changes)["Sampler.cfg"] == 6.5


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("Sampler.seed", "1.5", "'Sampler.seed' is '1.5'; it takes a whole number"),
        ("Sampler.seed", True, "it takes a whole number"),
        ("Sampler.seed", "-1", "it must be a number from 0 to"),
        ("Sampler.cfg", "nan", "it takes a number"),
        ("Sampler.cfg", "much", "it takes a number"),
        ("Sampler.tiled", "perhaps", "it takes true or false"),
        ("Sampler.text", 5, "it takes text"),
        ("Sampler.text", ["x"], "is a list; give a plain value"),
        ("Load Checkpoint.ckpt_name", "c.safetensors", "did you mean"),
        ("Picture.image", "none.png", "there is no picture 'none.png'"),
        ("Picture.image", "broken.png", "not a picture that can be read"),
        ("Picture.image", "huge.png", "million pixels"),
        ("Picture.image", "../outside.png", "lies outside"),
        ("Picture.image", "\0", "is no file name"),
    ],
)
def test_a_wrong_value_is_the_problem_of_its_row_alone(tmp_path: Path, column: str, value: Any, told: str) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "broken.png").write_bytes(png()[:40])
    (folder / "huge.png").write_bytes(huge_png())
    (tmp_path / "outside.png").write_bytes(png())
    bad, good = sorted(plan(folder, {column: value}, {"Sampler.seed": 2}), key=lambda row: row.number)
    assert told in bad.problem
    assert not good.problem


@pytest.mark.skipif(sys.platform == "win32", reason="needs symbolic links")
def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "secret.png").write_bytes(png())
    (tmp_path / "in" / "x.png").symlink_to(tmp_path / "secret.png")
    (row,) = plan(tmp_path / "in", {"Picture.image": "x.png"})
    assert "lies outside" in row.problem and not row.pictures


def test_a_picture_that_only_the_server_has(tmp_path: Path) -> None:
    (row,) = plan(tmp_path, {"Picture.image": "there.png"})
    assert not row.problem and not row.pictures


@pytest.mark.parametrize(
    ("column", "told"),
    [
        ("Sample.seed", "did you mean 'Sampler'"),
        ("Sampler.sed", "has no input 'sed'; did you mean 'seed'"),
        ("seed", "'seed' names no input"),
        ("Sampler.model", "takes MODEL through a link"),
        ("Twin.text", "could be any of"),
    ],
)
def test_unknown_columns_are_named(column: str, told: str) -> None:
    twin = {"class_type": "Sampler", "inputs": {"text": ""}, "_meta": {"title": "Twin"}}
    with pytest.raises(BatchError, match=told) as caught:
        find_columns({**GRAPH, "8": twin, "9": twin}, [column], OBJECT_INFO)
    assert f"Column '{column}'" in str(caught.value)


def test_two_columns_for_one_input() -> None:
    with pytest.raises(BatchError, match="both set 'seed'"):
        find_columns(GRAPH, ["Sampler.seed", "3.seed"], OBJECT_INFO)


def test_an_input_left_to_its_default_may_be_set() -> None:
    bare = {**GRAPH, "3": {**GRAPH["3"], "inputs": {"model": ["1", 0]}}}
    assert find_columns(bare, ["Sampler.seed"], OBJECT_INFO)["Sampler.seed"].type == "INT"


def test_graphs() -> None:
    check_classes(GRAPH, OBJECT_INFO)
    assert picture_input(GRAPH, OBJECT_INFO) == "2.image"
    with pytest.raises(BatchError, match=r"'Load Checkpoint' \(node 1, Checkpoint\)"):
        check_classes(GRAPH, {name: info for name, info in OBJECT_INFO.items() if name != "Checkpoint"})
    with pytest.raises(BatchError, match="saves nothing"):
        check_classes({"1": GRAPH["1"]}, OBJECT_INFO)
    for data, told in (
        ({"nodes": []}, "graph for the front end"),
        ({}, "no API prompt"),
        ({"1": 5}, "'1' is not a node"),
    ):
        with pytest.raises(BatchError, match=told):
            check_graph(data, "g.json")


def test_graph_files(tmp_path: Path) -> None:
    for content, told in (
        (b"{", "no JSON"),
        (b"\xff", "no text"),
        (b"[" * 100_000, "nested too deeply"),
        (b"PK\x03\x04", "zip"),
    ):
        (tmp_path / "g.json").write_bytes(content)
        with pytest.raises(BatchError, match=told):
            read_graph(tmp_path / "g.json")
    with pytest.raises(BatchError, match="No such file"):
        read_graph(tmp_path / "none.json")
    (tmp_path / "g.json").write_text(json.dumps({"input": {"workflow": GRAPH}}), encoding="utf-8-sig")
    assert read_graph(tmp_path / "g.json") == GRAPH
    info = PngInfo()
    info.add_text("prompt", json.dumps(GRAPH))
    info.add_text("workflow", json.dumps({"nodes": [], "links": []}))
    Image.new("RGB", (8, 8)).save(tmp_path / "g.png", pnginfo=info)
    assert read_graph(tmp_path / "g.png") == GRAPH


@pytest.mark.parametrize(
    ("text", "number"),
    [("20.0", 20), ("20,0", 20), (" 7.00 ", 7), (20.0, 20), ("1.000", None), ("2.50", None)],
)
def test_whole_numbers_as_spreadsheets_write_them(tmp_path: Path, text: Any, number: int | None) -> None:
    (row,) = plan(tmp_path, {"Sampler.seed": text})
    assert bool(row.problem) is (number is None)  # 1.000 is a thousand in one country and one in another
    assert number is None or (row.changes["3.seed"] == number and isinstance(row.changes["3.seed"], int))


def test_rows_that_share_models_then_maps_stand_together(tmp_path: Path) -> None:
    for name in ("x.png", "y.png"):
        (tmp_path / name).write_bytes(png())
    product = [
        {"Sampler.seed": seed, "Picture.image": picture, "Load Checkpoint.ckpt_name": model}
        for seed in (1, 2)
        for picture in ("x.png", "y.png")
        for model in ("b.safetensors", "a.safetensors")
    ]
    order = [(row.changes["1.ckpt_name"][0], row.changes["2.image"][0]) for row in plan(tmp_path, *product)]
    assert order == [("b", "x")] * 2 + [("b", "y")] * 2 + [("a", "x")] * 2 + [("a", "y")] * 2


def test_equal_rows_are_two_rows_and_a_replaced_picture_is_a_new_one(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(png())
    first = plan(tmp_path, {"Picture.image": "x.png"}, {"Picture.image": "x.png"})
    assert len({row.key for row in first}) == 2
    assert [row.key for row in plan(tmp_path, {"Picture.image": "x.png"}, {"Picture.image": "x.png"})] == [
        row.key for row in first
    ]
    os.utime(tmp_path / "x.png", (1, 1))
    assert not {row.key for row in plan(tmp_path, {"Picture.image": "x.png"})} & {row.key for row in first}


def test_the_check_is_asked_once_per_combination_that_matters(tmp_path: Path) -> None:
    asked = []

    def check(prompt) -> str:
        asked.append(prompt["1"]["inputs"]["ckpt_name"])
        return "does not fit" if asked[-1].startswith("b") else ""

    product = [
        {"Sampler.seed": seed, "Sampler.text": f"t{seed}", "Load Checkpoint.ckpt_name": model}
        for seed in range(5)
        for model in ("a.safetensors", "b.safetensors")
    ]
    planned = plan(tmp_path, *product, check=check)
    assert sorted(asked) == ["a.safetensors", "b.safetensors"]
    assert [row.problem for row in planned] == [""] * 5 + ["does not fit"] * 5


CELLS = st.one_of(
    st.text(max_size=20),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.lists(st.integers(), max_size=2),
    st.binary(max_size=3).map(str),
)
NAMES = st.sampled_from(
    ["Sampler.seed", "Sampler.cfg", "Sampler.text", "Sampler.tiled", "Picture.image", "name", "2.image"]
)


def test_rows_run_in_spite_of_an_error_only_when_asked(tmp_path: Path) -> None:
    """The check's objection refuses a row; with despite_errors the row runs and the objection is kept. Other faults stay."""
    (tmp_path / "rows.csv").write_text("Sampler.seed\n1\nnone\n", encoding="utf-8")

    class Server:
        async def object_info(self, node: str | None = None) -> dict[str, Any]:
            return {name: info for name, info in OBJECT_INFO.items() if node in (None, name)}

        async def compatibility(self, prompt: Any) -> dict[str, Any]:
            return {"findings": [{"severity": "error", "text": "It does not fit.", "fix": ""}]}

    def planned(despite: bool) -> list[tuple[str, str]]:
        request = Request(tmp_path / "rows.csv", despite_errors=despite)
        rows = asyncio.run(prepare(Server(), GRAPH, request)).rows
        return sorted((row.problem[:16], row.objection) for row in rows)

    strict, despite = planned(False), planned(True)
    assert ("It does not fit.", "It does not fit.") in strict and ("", "It does not fit.") in despite
    assert sum(bool(problem) for problem, _ in despite) == 1


@given(
    st.lists(st.dictionaries(NAMES.filter(lambda name: name != "2.image"), CELLS, max_size=5), min_size=1, max_size=6)
)
@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
def test_any_rows_are_planned_without_an_exception(tmp_path_factory: pytest.TempPathFactory, values: Any) -> None:
    planned = plan(tmp_path_factory.getbasetemp(), *values)
    assert sorted(row.number for row in planned) == list(range(1, len(values) + 1))
    for row in planned:
        if not row.problem:
            assert isinstance(row.changes.get("3.seed", 0), int) and 0 <= row.changes.get("3.seed", 0) < 2**64
            assert 0 <= row.changes.get("3.cfg", 0) <= 100
            assert isinstance(row.changes.get("3.tiled", False), bool)


@given(st.text(), st.sampled_from([".csv", ".jsonl"]))
@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
def test_any_text_is_read_or_refused_plainly(tmp_path_factory: pytest.TempPathFactory, text: str, suffix: str) -> None:
    from armature_pack.runs.batch.rows import read_rows

    path = tmp_path_factory.getbasetemp() / f"any{suffix}"
    path.write_text(text, encoding="utf-8", errors="surrogatepass", newline="")
    try:
        found = list(read_rows(path))
    except BatchError as error:
        assert path.name in str(error)
    else:
        assert all(row.where for row in found)
