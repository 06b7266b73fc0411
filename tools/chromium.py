"""Finding Chromium for the browser tests, or installing it where that is simple."""

import os
import shutil
import sys
from pathlib import Path

from ..commands.private_host import processes
from ..commands.private_host.files import cache_folder
from ..commands.terminal import Steps

VARIABLE = "ARMATURE_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge", "microsoft-edge")
MAC = ("Google Chrome", "Chromium", "Microsoft Edge")
WINDOWS = (
    "Google/Chrome/Application/chrome.exe",
    "Chromium/Application/chrome.exe",
    "Microsoft/Edge/Application/msedge.exe",
)
HOW = {
    "linux": "install it with your package manager, for example: sudo apt-get install chromium",
    "darwin": "install it from https://www.google.com/chrome or with: brew install --cask chromium",
    "win32": "install Chrome, or use the Microsoft Edge that comes with Windows",
}


def ensure_chromium() -> str:
    """The path of Chromium, Chrome or Edge, installed if apt-get can do it; '' if there is none, having said what to do."""
    browser = find_chromium()
    if not browser and _can_use_apt():
        try:
            _install_with_apt()
            browser = find_chromium()
        except processes.CommandFailed as failure:
            print(f"armature: {failure}", file=sys.stderr)
    if not browser:
        how = HOW.get(sys.platform, HOW["linux"])
        print(
            f"No Chromium here, so the browser tests are skipped. To run them: {how}, or set {VARIABLE} to its path.",
            file=sys.stderr,
        )
    return browser


def find_chromium() -> str:
    """The path of an installed Chromium, Chrome or Edge, or ''. The variable ARMATURE_CHROMIUM decides if it is set."""
    if VARIABLE in os.environ:
        return os.environ[VARIABLE]
    on_path = (shutil.which(name) for name in NAMES)
    return next((path for path in on_path if path), "") or next(
        (str(path) for path in _usual_places() if path.is_file()), ""
    )


def _usual_places() -> list[Path]:
    if sys.platform == "darwin":
        roots = (Path("/Applications"), Path.home() / "Applications")
        return [root / f"{name}.app" / "Contents" / "MacOS" / name for root in roots for name in MAC]
    if sys.platform == "win32":
        roots = [
            os.environ[name] for name in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA") if name in os.environ
        ]
        return [Path(root) / place for root in roots for place in WINDOWS]
    return []


def _can_use_apt() -> bool:
    return (
        VARIABLE not in os.environ and sys.platform == "linux" and bool(shutil.which("apt-get")) and os.geteuid() == 0
    )


def _install_with_apt() -> None:
    log = cache_folder() / "chromium-install.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    steps = Steps(2)
    variables = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    advice = "The browser tests are skipped; the other tests go on."
    for title, command in (
        ("Updating the list of system packages", ["apt-get", "update"]),
        (
            "Installing Chromium for the browser tests, about 100 MB",
            ["apt-get", "install", "-y", "--no-install-recommends", "chromium"],
        ),
    ):
        with steps.step(title) as step:
            processes.run(command, log=log, advice=advice, environment=variables, beat=step.beat)
