"""Starting and ending a server, with a small stand-in for ComfyUI."""

from __future__ import annotations

import shutil
import socket
import sys
import urllib.request
from pathlib import Path

import pytest
from armature_pack.commands.private_host import server as server_module
from armature_pack.commands.private_host.host import Host
from armature_pack.commands.private_host.model_paths import link_folder
from armature_pack.commands.private_host.server import ServerFailed, free_port, start_server
from armature_pack.commands.serve import choose_port
from armature_pack.commands.terminal import Problem
from armature_pack.tests.commands.private_host.test_processes import ends


@pytest.fixture
def host(tmp_path: Path) -> Host:
    comfyui = tmp_path / "ComfyUI"
    comfyui.mkdir()
    shutil.copy(Path(__file__).with_name("fake_main.py"), comfyui / "main.py")
    return Host(comfyui, Path(sys.executable), "0.30.0", private=True)


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    folder = tmp_path / "a-pack"
    folder.mkdir()
    return folder


def start(host: Host, pack: Path, **options):
    base = host.comfyui.parent / "base"
    return start_server(host, pack=pack, base_directory=base, arguments=("--cpu", *options.pop("extra", ())), **options)


def test_starts_answers_and_ends_with_its_children(host, pack, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("ARMATURE_MARK", "seen")
    with start(host, pack, environment={"MORE": "1"}, extra=("--quick",)) as server:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        assert opener.open(f"{server.address}/system_stats").status == 200
        assert (host.comfyui.parent / "base" / "custom_nodes" / "a-pack").samefile(pack)
        text = server.log.read_text()
        assert "--whitelist-custom-nodes a-pack --listen 127.0.0.1" in text and "--cpu --quick" in text
        assert "mark: seen" in text and "GET /system_stats" in server.tail(1)
        child = int(text.partition("child ")[2].split()[0])
    assert server.process.returncode is not None
    if Path("/proc/self/stat").exists():
        assert ends(child)
    server.stop()


def test_threads_do_not_spin_unless_asked_to(host, pack, monkeypatch):
    """On a busy machine they would take the processor from the thread they wait for."""
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    with start(host, pack) as server:
        assert "threads wait: PASSIVE" in server.log.read_text()
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    with start(host, pack) as server:
        assert "threads wait: ACTIVE" in server.log.read_text()


def test_failure_shows_the_log(host, pack):
    with pytest.raises(ServerFailed, match="exit status 1") as caught:
        start(host, pack, environment={"BEHAVIOUR": "fail"})
    assert "RuntimeError: no such device" in str(caught.value) and ".log" in str(caught.value)


def test_time_limit(host, pack):
    with pytest.raises(ServerFailed, match="did not answer within 1 s"):
        start(host, pack, environment={"BEHAVIOUR": "hang"}, timeout=1)


@pytest.mark.parametrize(("has_device", "expected"), [(True, False), (False, True)])
def test_cpu_when_torch_has_no_device(host, pack, monkeypatch, has_device, expected):
    monkeypatch.setattr(server_module, "has_device", lambda *_: has_device)
    with start_server(host, pack=pack, base_directory=host.comfyui.parent / "base") as server:
        assert ("--cpu" in server.log.read_text()) == expected


def test_ports(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OSError):
            free_port("127.0.0.1", port)
        with pytest.raises(Problem, match=f"port {port} cannot be used"):
            choose_port(port, "127.0.0.1")
    assert choose_port(free_port(), "0.0.0.0")
    assert choose_port(None, "127.0.0.1") >= 8188


def test_usual_port_taken_is_told(monkeypatch, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setattr("armature_pack.commands.serve.FIRST_PORT", port)
        assert choose_port(None, "127.0.0.1") > port
    assert f"Port {port} is taken" in capsys.readouterr().out


def test_link_is_kept_renewed_and_never_replaces_a_folder(tmp_path):
    first, second = tmp_path / "1" / "pack", tmp_path / "2" / "pack"
    first.mkdir(parents=True)
    second.mkdir(parents=True)
    link = link_folder(first, tmp_path / "nodes")
    assert link_folder(first, tmp_path / "nodes") == link and link.samefile(first)
    assert link_folder(second, tmp_path / "nodes").samefile(second)
    second.rmdir()
    assert link_folder(first, tmp_path / "nodes").samefile(first)
    (tmp_path / "real" / "pack").mkdir(parents=True)
    with pytest.raises(Problem, match="real folder"):
        link_folder(first, tmp_path / "real")
