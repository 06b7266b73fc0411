"""Taking ComfyUI out of an archive: that folder only, plain files only, nowhere else."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest
from armature_pack.commands.private_host.files import check_sha256, extract_folder
from armature_pack.commands.terminal import Problem

INSIDE = "vendor/ComfyUI"


def make_archive(path: Path, *members: str | tarfile.TarInfo) -> Path:
    """Writes a .tar.gz; a name becomes a small file that holds its own name."""
    with tarfile.open(path, "w:gz") as bundle:
        for member in members:
            info = member if isinstance(member, tarfile.TarInfo) else tarfile.TarInfo(member)
            content = info.name.encode() if info.isfile() else b""
            info.size = len(content)
            bundle.addfile(info, io.BytesIO(content))
    return path


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def test_takes_only_that_folder(tmp_path):
    members = (
        "pack-1/vendor/ComfyUI/main.py",
        "pack-1/vendor/ComfyUI/comfy/a.py",
        "pack-1/other.py",
        "pack-1/vendor/x.py",
    )
    archive = make_archive(tmp_path / "a.tar.gz", *members)
    assert extract_folder(archive, INSIDE, tmp_path / "out") == 2
    files = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.py"))
    assert files == ["comfy/a.py", "main.py"]
    assert (tmp_path / "out" / "main.py").read_text() == members[0]


@pytest.mark.parametrize(
    "member",
    [
        "pack-1/vendor/ComfyUI/../../../escaped.txt",
        "../vendor/ComfyUI/escaped.txt",
        "/vendor/ComfyUI/escaped.txt",
        "pack-1/vendor/ComfyUI/..\\escaped.txt",
        "pack-1/vendor/ComfyUI/C:escaped.txt",
        link("pack-1/vendor/ComfyUI", "/tmp"),
        link("pack-1/vendor/ComfyUI/link", "/etc"),
        link("pack-1/vendor/ComfyUI/hard", "pack-1/other", tarfile.LNKTYPE),
        link("pack-1/vendor/ComfyUI/pipe", "", tarfile.FIFOTYPE),
    ],
    ids=lambda member: getattr(member, "name", member),
)
def test_refuses_what_leads_elsewhere(tmp_path, member):
    archive = make_archive(tmp_path / "a.tar.gz", member, "pack-1/vendor/ComfyUI/main.py")
    with pytest.raises(Problem, match="not a plain file"):
        extract_folder(archive, INSIDE, tmp_path / "deep" / "deeper" / "out")
    assert not list(tmp_path.rglob("*escaped*"))


def test_archive_without_the_folder(tmp_path):
    with pytest.raises(Problem, match="has no folder vendor/ComfyUI"):
        extract_folder(make_archive(tmp_path / "a.tar.gz", "pack-1/x.py"), INSIDE, tmp_path / "out")


def test_sha256(tmp_path):
    file = tmp_path / "a.tar.gz"
    file.write_bytes(b"x" * 3_000_000)
    good = hashlib.sha256(file.read_bytes()).hexdigest()
    check_sha256(file, good)
    with pytest.raises(Problem, match=f"not the pinned file.*{good}"):
        check_sha256(file, "0" * 64)
