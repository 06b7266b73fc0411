"""What `python armature.py COMMAND` can do, a module per command.

A command module has HELP (one line), NEEDS_HOST (True: runs inside the host's Python), add_arguments(parser) and
run(arguments) -> exit status. Its top level imports the standard library only, because the front door reads it with
whatever Python the user has; anything else is imported inside run. A module with PASSES_REST = True gets the arguments
that its parser does not know as `arguments.rest`. The archive of the registry lacks those that only the developers need
(.comfyignore): they are KNOWN, but not among its COMMANDS.
"""

from importlib import import_module
from pathlib import Path
from types import ModuleType

FRONT_DOOR = Path(__file__).resolve().parent.parent / "armature.py"
KNOWN = (
    "demo",
    "test",
    "serve",
    "check",
    "fetch",
    "batch",
    "replay",
    "diff",
    "host",
    "graphs",
    "examples",
    "blueprints",
    "locales",
    "gallery",
    "pages",
    "train-demo",
    "demo-models",
    "evaluate-demo",
)


def _module(name: str) -> str:
    return name.replace("-", "_")


COMMANDS = tuple(name for name in KNOWN if Path(__file__).with_name(f"{_module(name)}.py").is_file())


def load(name: str) -> ModuleType:
    """Import the module of the command called `name`."""
    return import_module(f".{_module(name)}", __package__)
