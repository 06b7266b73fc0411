"""The embedded model as files for the demo's server, written once for each version of the weights."""

import os
import shutil
import time
from pathlib import Path

from ...common.digests import sha256_of_files
from ...common.file_lock import locked
from ..terminal import Problem, Unusable

_UNUSED = 24 * 3600  # seconds since its last use after which another version's files are removed


def written_models(store: Path) -> Path:
    """A base folder below `store` whose `models` hold the demo's files. Raises Problem.

    Other versions' files are removed when no demo has used them for a day: another checkout may be at work with them.
    """
    from ...models.demo.weights_file import WEIGHTS

    base = store / _version(WEIGHTS)
    try:
        with locked(store / "lock", _waiting):
            _write_missing(base)
            os.utime(base)
            _remove_unused(store)
    except FileNotFoundError as error:
        raise Problem(str(error)) from None
    except OSError as error:
        raise Unusable(f"{base}: {error.strerror}. The demo's model files need about 1.5 GB there.") from None
    return base


def _waiting() -> None:
    print("Another demo is writing the model files, waiting …", flush=True)


def _write_missing(base: Path) -> None:
    from ...models.demo.export import FILES, write

    base.mkdir(parents=True, exist_ok=True)
    missing = [file for file in FILES if not file.path(base / "models").exists()]
    if missing:
        import comfy.cli_args

        comfy.cli_args.args.cpu = True  # only shapes are asked of ComfyUI, which would look for a graphics card
        print("Writing the demo's model files (once) …", flush=True)
    for file in missing:
        write(file, base / "models")


def _remove_unused(store: Path) -> None:
    for other in store.iterdir():
        if other.is_dir() and time.time() - other.stat().st_mtime > _UNUSED:
            shutil.rmtree(other, ignore_errors=True)  # Windows keeps what is open


def _version(weights: Path) -> str:
    """Twelve digits that change with any of the packed weights."""
    return sha256_of_files(sorted(weights.glob("*.safetensors")))[:12]
