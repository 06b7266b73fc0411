"""Build the subgraph blueprints anew: subgraphs/NAME.json from subgraphs/source/NAME.json.

For those who develop Armature. The real front end makes each subgraph and says how it would publish it, so what is
shipped is what a user would have saved. Needs the test tools (`armature.py test` installs them) and Chromium.
"""

import argparse
import json
import tempfile
import uuid
from pathlib import Path
from typing import Any

from ...commands import FRONT_DOOR
from ...commands.terminal import Problem
from ..editor_page import editor_page, stand_in
from .graphs import name_models

HELP = "build the subgraph blueprints anew in the real front end (for developers)"
NEEDS_HOST = True
SUBGRAPHS = FRONT_DOOR.parent / "subgraphs"
PAGE = Path(__file__).with_name("blueprint_page.js")
CATEGORY = "Armature"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `blueprints`."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all of subgraphs/source")


def run(arguments: argparse.Namespace) -> int:
    """Build the named blueprints. Raises Problem when the tools or a source are missing."""
    sources = {path.stem: path for path in sorted((SUBGRAPHS / "source").glob("*.json"))}
    names = arguments.names or list(sources)
    for name in names:
        if name not in sources:
            raise Problem(f"there is no subgraphs/source/{name}.json")
    read = {name: json.loads(sources[name].read_text(encoding="utf-8")) for name in names}
    with tempfile.TemporaryDirectory() as base:
        for source in read.values():
            stand_in(Path(base, "models"), source["prompt"])
        with editor_page(Path(base)) as page:
            for name, source in read.items():
                _build(page, name, source)
    return 0


def _build(page: Any, name: str, source: dict[str, Any]) -> None:
    wanted = {"name": name} | {key: source[key] for key in ("prompt", "inputs", "outputs")}
    built = page.evaluate(PAGE.read_text(encoding="utf-8"), wanted)
    blueprint = _blueprint(name, source, built)
    path = SUBGRAPHS / f"{name}.json"
    path.write_text(json.dumps(blueprint, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"subgraphs/{path.name}: {len(source['prompt'])} nodes", flush=True)


def _blueprint(name: str, source: dict[str, Any], built: dict[str, Any]) -> dict[str, Any]:
    """What the front end publishes, with ids that stay the same when it is built again."""
    (node,), (subgraph,) = built["nodes"], built["subgraphs"]
    subgraph["id"] = node["type"] = str(uuid.uuid5(uuid.NAMESPACE_URL, f"armature/subgraphs/{name}"))
    subgraph |= {"name": name, "category": CATEGORY, "description": source["description"]}
    for slot in [*subgraph["inputs"], *subgraph["outputs"]]:
        slot["id"] = str(uuid.uuid5(uuid.NAMESPACE_URL, f"armature/subgraphs/{name}/{slot['name']}"))
    # Beside those inside: newer front ends want one numbering of a graph and its subgraphs, and give others new numbers.
    node["id"] = 1 + max(inner["id"] for inner in subgraph["nodes"])
    name_models(subgraph)
    return {
        "revision": 0,
        "last_node_id": node["id"],
        "last_link_id": 0,
        "nodes": [node],
        "links": [],
        "version": 0.4,
        "definitions": {"subgraphs": [subgraph]},
        "extra": {"BlueprintDescription": source["description"], "BlueprintSearchAliases": source["aliases"]},
    }
