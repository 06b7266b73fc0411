"""The embedded model as files for the demo's server, written once for each version of the weights."""

import hashlib
import shutil
from pathlib import Path

from .errors import Problem


def written_models(store: Path) -> Path:
    """A base folder below `store` whose `models` hold the demo's files; other versions' are removed. Raises Problem."""
    from ..models.demo.compact import WEIGHTS
    from ..models.demo.export import FILES, write

    base = store / _version(WEIGHTS)
    try:
        missing = [file for file in FILES if not file.path(base / "models").exists()]
        if missing:
            print("Writing the demo's model files (once) …", flush=True)
            for other in store.glob("*"):
                if other.is_dir() and other != base:
                    shutil.rmtree(other)
        for file in missing:
            write(file, base / "models")
    except FileNotFoundError as error:
        raise Problem(str(error)) from None
    except OSError as error:
        raise Problem(f"{base}: {error.strerror}. The demo's model files need about 1.5 GB there.") from None
    return base


def _version(weights: Path) -> str:
    """Twelve digits that change with any of the packed weights."""
    digest = hashlib.sha256()
    for path in sorted(weights.glob("*.safetensors")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]
