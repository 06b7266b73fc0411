"""What `python armature.py COMMAND` can do, a module per command.

A command module has HELP (one line), NEEDS_HOST (True: runs inside the host's Python), add_arguments(parser) and
run(arguments) -> exit status. Its top level imports the standard library only, because the front door reads it with
whatever Python the user has; anything else is imported inside run. A module with PASSES_REST = True gets the arguments
that its parser does not know as `arguments.rest`.
"""

from importlib import import_module
from pathlib import Path
from types import ModuleType

FRONT_DOOR = Path(__file__).resolve().parent.parent / "armature.py"
COMMANDS = (
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


def load(name: str) -> ModuleType:
    """Import the module of the command called `name`."""
    return import_module(f".{name.replace('-', '_')}", __package__)
