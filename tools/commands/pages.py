"""Write the help pages of the preprocessor nodes from the registry, and with --pictures draw the picture of every page.

For those who develop Armature. Pages written by hand stay as they are; in Control Map's page the list of methods is renewed,
in docs/nodes.md their rows, for `fetch` its table of weights, and docs/controls.md, which says what each kind of control can do.
"""

import argparse
from pathlib import Path

from ...commands import FRONT_DOOR

HELP = "write the preprocessors' help pages and draw all help pictures anew (for developers)"
NEEDS_HOST = True
DOCS = FRONT_DOOR.parent / "web" / "docs"
PICTURES = DOCS / "pictures"
CONTROLS = FRONT_DOOR.parent / "docs" / "controls.md"
NODES_PAGE = FRONT_DOOR.parent / "docs" / "nodes.md"
FETCH_TABLE = FRONT_DOOR.parent / "commands" / "fetch" / "method_files.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `pages`."""
    parser.add_argument("--pictures", action="store_true", help="draw all pages' pictures first (needs the test tools)")
    parser.add_argument(
        "--only", metavar="NODE", action="append", default=[], help="draw the picture of this node id only"
    )
    parser.add_argument(
        "--models",
        type=Path,
        metavar="DIR",
        action="append",
        default=[],
        help="look for the pictures' weights here too",
    )


def run(arguments: argparse.Namespace) -> int:
    """Draw the pictures if wanted, then write every page whose text has changed."""
    if arguments.pictures:
        from ..help.pictures import draw_help_pictures

        without = draw_help_pictures(PICTURES, arguments.models, arguments.only)
        print(f"No picture: {', '.join(without) or 'none'}")
    for path, text in pages().items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(path.name)
    return 0


def pages() -> dict[Path, str]:
    """What each file that follows from the registry must hold, by its path."""
    from ...preprocessors.registry import ENTRIES
    from ..help.control_table import control_page
    from ..help.method_maps import prepare_host
    from ..help.method_page import help_page, with_list, with_rows
    from ..method_table import method_table

    prepare_host([])
    made = {DOCS / f"{entry.node_id}.md": help_page(entry) for entry in ENTRIES if not entry.help_by_hand}
    all_in_one = DOCS / "ArmatureControlMap.md"
    return {
        **made,
        all_in_one: with_list(all_in_one.read_text(encoding="utf-8"), ENTRIES),
        NODES_PAGE: with_rows(NODES_PAGE.read_text(encoding="utf-8"), ENTRIES),
        FETCH_TABLE: method_table(ENTRIES),
        CONTROLS: control_page(),
    }
