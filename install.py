"""Run once by ComfyUI-Manager after it has fetched the pack: adds OpenCV where there is none, and nothing else.

The OpenCV packages overwrite each other's files, so one that is there, of whichever flavour, is left alone.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec

COMMAND = (sys.executable, "-m", "pip", "install", "opencv-python-headless")


def install(
    find: Callable[[str], object | None] = find_spec, run: Callable[..., subprocess.CompletedProcess] = subprocess.run
) -> bool:
    """Whether OpenCV is there afterwards. `find` looks for a module by name, `run` runs a command; never raises for pip."""
    if find("cv2") is not None:
        print("Armature: OpenCV is there already; nothing to install.")
        return True
    print(f"Armature: OpenCV is missing, so this runs now: {' '.join(COMMAND)}", flush=True)
    if run(list(COMMAND), check=False).returncode == 0:
        print("Armature: OpenCV (opencv-python-headless) is installed. Restart ComfyUI.")
        return True
    print(
        "Armature: OpenCV could not be installed; the lines above say why. Armature works without it, but Canny then uses "
        f"ComfyUI's own function, whose lines differ slightly. To try again: {' '.join(COMMAND)}"
    )
    return False


if __name__ == "__main__":
    install()
