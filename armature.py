"""Armature on the command line: `python armature.py COMMAND`, with the standard library alone.

This file only checks the Python, loads the pack and hands over to commands/command_line.py. It stays in a syntax that
old Pythons can read, so that they say what is wrong instead of showing a SyntaxError.
"""

import sys

OLDEST = (3, 10)


def load_pack():
    """Load this folder as the package `armature_pack`.

    The folder shares top-level names (nodes, models) with ComfyUI, so it must not be on sys.path itself.
    """
    from importlib import util
    from pathlib import Path

    root = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != root]
    spec = util.spec_from_file_location("armature_pack", root / "__init__.py", submodule_search_locations=[str(root)])
    assert spec and spec.loader, "a file location always has a loader"
    pack = util.module_from_spec(spec)
    sys.modules["armature_pack"] = pack
    spec.loader.exec_module(pack)


def __getattr__(name):
    """Give Python users the client, as in `from armature import Client, batch`; see runs/api.py."""
    if name.startswith("__"):
        raise AttributeError(name)
    if "armature_pack" not in sys.modules:
        load_pack()
    from armature_pack.runs import api

    return getattr(api, name)


def main():
    """Return the exit status of the command that the arguments name."""
    if sys.version_info < OLDEST:
        here = ".".join(str(number) for number in sys.version_info[:3])
        sys.stderr.write("armature: needs Python 3.10 to 3.13, but this is Python " + here + ".\n")
        sys.stderr.write("Run it with a newer one, for example: python3.12 armature.py\n")
        return 2
    try:
        load_pack()
        from armature_pack.commands import command_line

        return command_line.main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.stderr.write("\narmature: stopped\n")
        return 130


if __name__ == "__main__":
    sys.exit(main())
