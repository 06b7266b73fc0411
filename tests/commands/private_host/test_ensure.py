"""The private host on demand: half-made ones, two runs at once, killed builders."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from armature_pack.commands.private_host import ensure
from armature_pack.commands.private_host.definition import Request, define
from armature_pack.commands.private_host.files import HOST_MARK
from armature_pack.commands.terminal import Problem, Unusable
from armature_pack.tests.commands.private_host.fake_host import quick_build, run_builder, write_comfyui

PROBED = ("json",)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ARMATURE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("JOURNAL", str(tmp_path / "journal"))
    return tmp_path / "cache"


def make(**options) -> ensure.Host:
    return ensure.ensure_private_host(Request(), builder=quick_build, probed=PROBED, **options)


def builds(cache: Path) -> int:
    journal = cache.parent / "journal"
    return journal.read_text().count("begin") if journal.exists() else 0


def wait_for(condition) -> None:
    deadline = time.monotonic() + 120  # only bounds a hang
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def test_makes_once_and_reuses(cache):
    first, second = make(), make()
    assert first == second and builds(cache) == 1
    assert first.private and first.python.is_file() and first.comfyui.parent == ensure.host_folder(define(Request()))


def test_second_use_is_quick(cache, monkeypatch):
    """One look into the host's Python, however long a process takes to start here, and next to nothing besides."""
    make()
    commands, run = [], subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda command, **how: commands.append(command) or run(command, **how))
    start = time.process_time()  # of this process alone: a busy machine does not count
    make()
    assert time.process_time() - start < 1
    assert [command[1:] for command in commands] == [["-c", ensure.PROBE, *PROBED]]


def test_folder_without_mark_is_made_again(cache, capsys):
    folder = ensure.host_folder(define(Request()))
    write_comfyui(folder / "ComfyUI")
    (folder / "leftover").write_text("x")
    make()
    assert builds(cache) == 1 and not (folder / "leftover").exists()
    assert "half-made" in capsys.readouterr().out


@pytest.mark.parametrize(
    "damage", ["mark of another key", "broken mark", "python gone", "comfyui gone", "package gone"]
)
def test_damage_is_detected(cache, damage):
    folder = make().comfyui.parent
    mark = folder / HOST_MARK
    if damage == "mark of another key":
        mark.write_text(mark.read_text().replace(define(Request()).key, "other"))
    elif damage == "broken mark":
        mark.write_text('{"key": ')
    elif damage == "python gone":
        ensure.python_in(folder / "venv").unlink()
    elif damage == "comfyui gone":
        (folder / "ComfyUI" / "comfyui_version.py").unlink()
    probed = ("no_such_package",) if damage == "package gone" else PROBED
    assert not ensure.is_complete(folder, define(Request()), probed)
    make(rebuild=damage == "package gone")
    assert ensure.is_complete(folder, define(Request()), PROBED) and builds(cache) == 2


def test_failing_builder_leaves_half_made_host(cache):
    def fail(workshop, _request):
        write_comfyui(workshop.comfyui)
        raise Problem("no")

    with pytest.raises(Problem):
        ensure.ensure_private_host(Request(), builder=fail, probed=PROBED)
    assert [kept.complete for kept in ensure.list_hosts()] == [False]
    make()
    assert [kept.complete for kept in ensure.list_hosts()] == [True]


def test_rebuild_list_and_remove(cache):
    make()
    make(rebuild=True)
    assert builds(cache) == 2
    (kept,) = ensure.list_hosts()
    assert kept.complete and kept.manifest["version"] == "0.30.0"
    assert ensure.remove_host_by_key(kept.key) and not ensure.list_hosts()
    assert not ensure.remove_host_by_key(kept.key)


def test_a_cache_that_cannot_be_made_names_the_variable(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("ARMATURE_CACHE", str(tmp_path / "file" / "below"))
    with pytest.raises(Unusable, match="ARMATURE_CACHE"):
        make()


def test_two_runs_at_once_build_once(cache):
    journal = cache.parent / "journal"
    gate = cache.parent / "gate"
    first = run_builder(cache, journal, gate)
    wait_for(lambda: builds(cache) == 1)
    second = run_builder(cache, journal)
    assert second.stdout and "waiting" in second.stdout.readline()
    gate.touch()
    outputs = [process.communicate(timeout=120)[0] for process in (first, second)]
    assert first.returncode == second.returncode == 0
    assert journal.read_text().split()[::2] == ["begin", "end"]
    assert all("ready" in output for output in outputs)


def test_killed_builder_gives_way(cache):
    journal = cache.parent / "journal"
    first = run_builder(cache, journal, cache.parent / "never")
    wait_for((ensure.host_folder(define(Request())) / "ComfyUI" / "comfyui_version.py").exists)
    second = run_builder(cache, journal)
    assert second.stdout and "waiting" in second.stdout.readline()
    first.kill()
    first.communicate()
    output, _ = second.communicate(timeout=120)
    assert second.returncode == 0 and "half-made" in output
    assert journal.read_text().split()[::2] == ["begin", "begin", "end"]
