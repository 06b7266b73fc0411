"""What `python armature.py COMMAND` can do, a module per command.

A command module has HELP (one line), NEEDS_HOST (True: runs inside the host's Python), add_arguments(parser) and
run(arguments) -> exit status. Its top level imports the standard library only, because the front door reads it with
whatever Python the user has; anything else is imported inside run. A module with PASSES_REST = True gets the arguments
that its parser does not know as `arguments.rest`. Those that only the pack's developers need lie in tools/commands, which
the archive of the registry lacks: there they are KNOWN, but not among its COMMANDS.
"""

from importlib import import_module
from pathlib import Path
from types import ModuleType

FRONT_DOOR = Path(__file__).resolve().parent.parent / "armature.py"
_PACKAGES = ("commands", "tools.commands")
KNOWN = (
    "demo",
    "test",
    "serve",
    "check",
    "convert",
    "fetch",
    "batch",
    "measure",
    "replay",
    "diff",
    "train",
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


def _module(name: str) -> str | None:
    """The command's module within the pack, or None where this copy of the pack lacks it."""
    for package in _PACKAGES:
        module = f"{package}.{name.replace('-', '_')}"
        path = FRONT_DOOR.parent.joinpath(*module.split("."))
        if path.with_suffix(".py").is_file() or (path / "__init__.py").is_file():
            return module
    return None


COMMANDS = tuple(name for name in KNOWN if _module(name))


def load(name: str) -> ModuleType:
    """Import the module of the command called `name`, one of COMMANDS."""
    return import_module(f"..{_module(name)}", __package__)
