"""`batch` on a Ray cluster of two machines, with server stubs in ComfyUI's place: rows shared out, one machine lost midway."""

from __future__ import annotations

import argparse
import json
import lzma
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from armature_pack.commands import batch
from armature_pack.commands.batch import screen
from armature_pack.commands.batch.ray import cluster, lanes
from armature_pack.commands.batch.ray.cluster import count_servers, options_of, packed_code, parse_resources
from armature_pack.commands.batch.servers import run_on_servers
from armature_pack.commands.private_host.host import VARIABLE
from armature_pack.commands.private_host.server import free_port
from armature_pack.runs.batch.ledger import Ledger
from armature_pack.runs.errors import BatchError
from armature_pack.tests.commands.batch.batch_process import STUB, hold, release, stub_process, summary, write_batch
from armature_pack.tests.commands.private_host.fake_host import write_comfyui

ROWS = 24


@pytest.fixture(scope="module")
def ray() -> Any:
    return pytest.importorskip("ray", reason="the package ray is not installed: pip install ray")


@pytest.fixture
def comfyui(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that passes for a person's ComfyUI, whose main.py is the stub."""
    folder = write_comfyui(tmp_path / "ComfyUI")
    (folder / "main.py").write_bytes((STUB.parents[2] / "commands" / "batch" / "stub_main.py").read_bytes())
    (folder / "stub_place.txt").write_text(str(STUB.parent), encoding="utf-8")
    record = {"comfyui": str(folder), "python": sys.executable, "version": "0.30.0", "private": False}
    monkeypatch.setenv(VARIABLE, json.dumps(record))
    return folder


class Machines:
    """The cluster, with its second machine while there is one."""

    def __init__(self, cluster: Any, second: Any) -> None:
        self.cluster, self.second = cluster, second

    def lose_second(self) -> None:
        """As if its power went."""
        if self.second is not None:
            self.cluster.remove_node(self.second, allow_graceful=False)
            self.second = None


@pytest.fixture
def machines(ray: Any) -> Iterator[Machines]:
    """A Ray cluster of two machines, each with room for one server."""
    from ray.cluster_utils import Cluster

    machine = {"num_cpus": 1, "resources": {"room": 1}, "object_store_memory": 100 * 2**20}
    made = Cluster(initialize_head=True, head_node_args={**machine, "include_dashboard": False})
    yield Machines(made, made.add_node(**machine))
    ray.shutdown()
    made.shutdown()


def arguments(folder: Path, comfyui: Path, *more: str) -> argparse.Namespace:
    """The options of `batch` as the front door reads them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--comfyui", type=Path)
    batch.add_arguments(parser)
    files = [str(folder / "graph.json"), str(folder / "rows.csv"), "--out", str(folder / "out")]
    return parser.parse_args([*files, "--comfyui", str(comfyui), *more])


def ran(comfyui: Path) -> dict[str, Counter[str]]:
    """How often each server ran each row, by the server's log."""
    return {
        path.name: Counter(json.loads(line)["text"] for line in path.read_text(encoding="utf-8").splitlines())
        for path in comfyui.glob("ran-*.jsonl")
    }


def test_two_machines_share_the_rows_and_one_is_lost_midway(
    tmp_path: Path,
    comfyui: Path,
    machines: Machines,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_batch(tmp_path, ROWS)
    hold(comfyui, 4)  # rows for each server: eight are through when both have worked, however late one started
    done = 0

    class Losing(screen.BatchBar):
        """Takes the second machine away once eight rows are through."""

        def show(self, step: Any) -> None:
            nonlocal done
            done += step.entry is not None and step.state == "done"
            if done == 8:
                machines.lose_second()
                release(comfyui)
            super().show(step)

    monkeypatch.setattr(screen, "BatchBar", Losing)
    options = ("--ray", machines.cluster.address, "--resources", "room=1", "--server-arguments", "--cpu --seconds 0.15")
    status = run_on_servers(arguments(tmp_path, comfyui, *options))
    told = capsys.readouterr()
    assert status == 0, told
    assert "2 server(s) on" in told.out and "the machine of server" in told.out
    by_server = ran(comfyui)
    assert len(by_server) == 2 and all(by_server.values()), "both machines worked"
    together = sum(by_server.values(), Counter())
    assert set(together) == {f"text {number}" for number in range(ROWS)}, "nothing is lost"
    # What the lost machine had in hand is made again, and nothing else: two rows at most, and two that came out unseen.
    assert sum(together.values()) <= ROWS + 4
    rows = summary(tmp_path / "out")
    assert [row["state"] for row in rows] == ["done"] * ROWS
    assert Counter(row["attempts"] for row in rows)["1"] >= ROWS - 4
    assert len([*(tmp_path / "out" / "pictures").glob("*.png")]) == ROWS, "nothing is doubled"
    # The same command again has nothing to do.
    with Ledger(tmp_path / "out") as ledger:
        assert ledger.counts()["done"] == ROWS


def hold_until_all_work(folder: Path, logs: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """No server runs more than three rows before each has run one, however late one of them was asked."""
    hold(folder, 3)

    class Waiting(screen.BatchBar):
        def show(self, step: Any) -> None:
            if all(log.exists() for log in logs):
                release(folder)
            super().show(step)

    monkeypatch.setattr(screen, "BatchBar", Waiting)


def test_several_servers_without_a_cluster(
    tmp_path: Path, comfyui: Path, ray: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ray's local mode: the rows are shared out to the servers given; a bad row and a server that is down are told."""
    monkeypatch.setattr(lanes, "SLOW", 0.0)
    write_batch(tmp_path, 10)
    with (tmp_path / "rows.csv").open("a", encoding="utf-8") as stream:
        stream.write("\nfail,1\nfail twice,2")
    ports = [free_port(), free_port()]
    logs = [tmp_path / f"{port}.jsonl" for port in ports]
    hold_until_all_work(tmp_path, logs, monkeypatch)
    with stub_process(ports[0], logs[0], 0.05), stub_process(ports[1], logs[1], 0.05):
        servers = [part for port in (*ports, 9) for part in ("--server", f"http://ann:hush-hush-1@127.0.0.1:{port}")]
        # Each server has its own account of what failed: "fail twice" may do so twice on either.
        assert run_on_servers(arguments(tmp_path, comfyui, "--retry", "4", *servers)) == 1
    out = capsys.readouterr().out
    assert "3 server(s) on this machine" in out and "12 rows: 12 fit to run" in out
    assert "http://127.0.0.1:9 is not up; the others go on" in out
    lines = [log.read_text(encoding="utf-8").splitlines() for log in logs]
    assert all(lines), "both servers worked"
    states = [row["state"] for row in summary(tmp_path / "out")]
    assert states == ["done"] * 10 + ["failed", "done"]
    kept = b"".join(path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert b"hush-hush-1" not in kept and "hush-hush-1" not in out


@pytest.mark.parametrize("other", [(), ("lies",)], ids=["one lies", "both lie"])
def test_rows_that_a_server_answers_wrongly_about_go_to_another(
    tmp_path: Path, comfyui: Path, ray: Any, monkeypatch: pytest.MonkeyPatch, other: tuple[str, ...]
) -> None:
    """The one that lies is the faster one; where all lie, each row fails once it was everywhere."""
    write_batch(tmp_path, 12)
    ports, logs = [free_port(), free_port()], [tmp_path / "first.jsonl", tmp_path / "second.jsonl"]
    hold_until_all_work(tmp_path, logs, monkeypatch)
    servers = [part for port in ports for part in ("--server", f"http://127.0.0.1:{port}")]
    with stub_process(ports[0], logs[0], 0.0, "lies"), stub_process(ports[1], logs[1], 0.05, *other):
        assert run_on_servers(arguments(tmp_path, comfyui, *servers)) == (2 if other else 0)
    assert [row["state"] for row in summary(tmp_path / "out")] == ["failed" if other else "done"] * 12
    ran = [Counter(json.loads(line)["text"] for line in log.read_text(encoding="utf-8").splitlines()) for log in logs]
    assert ran[0] and len(ran[1]) == 12 and max([*ran[0].values(), *ran[1].values()]) == 1, "each at most once on each"


def test_what_one_server_takes() -> None:
    assert parse_resources(["GPU=1", "room = 0.5"]) == {"GPU": 1.0, "room": 0.5}
    assert options_of({"GPU": 1.0, "room": 0.5}) == {"num_cpus": 0, "resources": {"room": 0.5}, "num_gpus": 1.0}
    assert options_of({"CPU": 4.0}) == {"num_cpus": 4.0}
    assert count_servers({"GPU": 4.0, "CPU": 9.0}, {"GPU": 1.0, "CPU": 4.0}) == 2
    with pytest.raises(BatchError, match="no room for a server that takes GPU=1; it has CPU=2"):
        count_servers({"CPU": 2.0, "node:10.0.0.1": 1.0}, {"GPU": 1.0})
    for text in ("GPU", "GPU=x", "=1", "GPU=0", "GPU=-1"):
        with pytest.raises(BatchError, match="--resources"):
            parse_resources([text])


def test_a_machine_that_cannot_run_the_code_is_given_up_at_once(
    tmp_path: Path, comfyui: Path, ray: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_batch(tmp_path, 1)
    monkeypatch.setattr(cluster, "FOLDERS", ("commands/batch/ray",))
    assert run_on_servers(arguments(tmp_path, comfyui, "--server", "127.0.0.1:9", "--server", "127.0.0.1:10")) == 2
    assert "Its machine cannot run it: ModuleNotFoundError: " in capsys.readouterr().err


def test_the_code_that_travels_is_whole(tmp_path: Path) -> None:
    for name, text in json.loads(lzma.decompress(packed_code())).items():
        (tmp_path / "sent" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "sent" / name).write_text(text, encoding="utf-8")
    begin = "import sent.commands.batch.ray.worker, sent.commands.batch.ray.actor"
    done = subprocess.run([sys.executable, "-c", begin], check=False, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_code_that_travels_is_small_enough_to_travel_with_the_actor() -> None:
    assert len(packed_code()) < 100 * 1024


def test_without_ray_the_advice_is_plain(
    tmp_path: Path, comfyui: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_batch(tmp_path, 1)
    monkeypatch.setitem(sys.modules, "ray", None)
    assert run_on_servers(arguments(tmp_path, comfyui, "--ray", "auto")) == 2
    assert "python -m pip install ray" in capsys.readouterr().err
    given = arguments(tmp_path, comfyui, "--ray", "auto")
    given.comfyui = None
    assert run_on_servers(given) == 2
    assert "name yours with --comfyui PATH" in capsys.readouterr().err
