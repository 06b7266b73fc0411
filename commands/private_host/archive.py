"""Taking ComfyUI out of its pinned source archive, and nothing else."""

import hashlib
import shutil
import tarfile
from pathlib import Path, PurePosixPath

from ..errors import Problem


def check_sha256(archive: Path, expected: str) -> None:
    """Problem unless the file's sha256 is the pinned one."""
    found = sha256_of(archive)
    if found != expected:
        raise Problem(
            f"{archive.name} is not the pinned file: its sha256 is {found}, expected {expected}. Nothing "
            "was taken from it. Check where pip downloads from."
        )


def sha256_of(file: Path) -> str:
    """The sha256 of a file of any size, in hexadecimal."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def extract_folder(archive: Path, inside: str, target: Path) -> int:
    """Copy the files under `<top folder>/<inside>/` of a .tar.gz into `target`; returns how many.

    Only plain files and folders are made, and only below `target`. Problem for links, devices and names that lead
    elsewhere, before anything of that member is written.
    """
    wanted = PurePosixPath(inside).parts
    count = 0
    with tarfile.open(archive, "r:gz") as bundle:
        for member in bundle:
            parts = PurePosixPath(member.name).parts
            if parts[1 : 1 + len(wanted)] != wanted or member.isdir():
                continue
            _refuse_escape(member, archive)
            destination = target.joinpath(*parts[1 + len(wanted) :])
            destination.parent.mkdir(parents=True, exist_ok=True)
            source = bundle.extractfile(member)
            assert source is not None  # a regular file has a stream
            with source, destination.open("wb") as stream:
                shutil.copyfileobj(source, stream)
            count += 1
    if not count:
        raise Problem(f"{archive.name} has no folder {inside}")
    return count


def _refuse_escape(member: tarfile.TarInfo, archive: Path) -> None:
    path = PurePosixPath(member.name)
    strange = path.is_absolute() or ".." in path.parts or "\\" in member.name or ":" in member.name
    if strange or not member.isfile():
        raise Problem(
            f"{archive.name} holds {member.name!r}, which is not a plain file below its folder. Nothing more was taken "
            "from it."
        )
