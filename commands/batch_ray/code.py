"""This pack's own code as bytes, so that every machine of a cluster runs the same one wherever the pack lies there."""

import json
import lzma

from .. import FRONT_DOOR

# What `worker` imports; it all stands on the standard library and aiohttp.
FOLDERS = ("runs", "commands/batch_ray", "commands/private_host")
MODULES = ("__init__", "console", "errors", "links", "process", "server")
FILES = ("__init__.py", "armature.py", *(f"commands/{name}.py" for name in MODULES))


def packed_code() -> bytes:
    """Paths and texts of the modules. Below 100 kB Ray keeps it beside the actor, which then survives any lost machine."""
    root = FRONT_DOOR.parent
    paths = [root / name for name in FILES] + [path for folder in FOLDERS for path in (root / folder).rglob("*.py")]
    texts = {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in sorted(paths)}
    return lzma.compress(json.dumps(texts).encode())
