"""What a checkout knows of methods, as JSON: python method_facts.py MODELS METHOD..., in a process of its own.

It looks where users, the host and other parts of the pack look; MODELS is a folder of weights.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # before this folder, which has a conftest too
import conftest  # loads the pack as the host does
import torch
from armature_pack.models.compatibility.control_nodes import own_methods
from armature_pack.nodes import NODES
from armature_pack.preprocessors.control_map import make_map
from armature_pack.preprocessors.registry import all_files, find_method
from armature_pack.tools.locale_texts import node_texts


def facts_of(method: str) -> dict[str, Any]:
    """Of one method: its node as the front end gets it, its places in other nodes, texts, contract, files, and a map."""
    entry = find_method(method)
    info = {node.define_schema().node_id: node.GET_NODE_INFO_V1() for node in NODES}
    mine = info[entry.node_id]
    made = make_map(entry, torch.full((2, 24, 32, 3), 0.3), {})
    return {
        "title": mine["display_name"],
        "category": mine["category"],
        "inputs": list(mine["input"]["optional"]),
        "control_map": options_of(info["ArmatureControlMap"], method),
        "adherence": options_of(info["ArmatureControlAdherence"], method),
        "english": node_texts({entry.node_id: mine})[entry.node_id]["display_name"],
        "contract": [own_methods()[name].wanted_by == entry.wanted_by for name in (method, entry.node_id)],
        "files": [name for name, file in all_files().items() if file in entry.files],
        "map": [list(made.maps.shape), round(float(made.maps.mean()), 4)],
    }


def options_of(info: dict[str, Any], method: str) -> list[str]:
    """The settings that a node with a choice of methods shows for this one; "not there" when it lacks the method."""
    for name, (kind, more) in info["input"]["optional"].items():
        if name == "method" and kind == "COMFY_DYNAMICCOMBO_V3":
            for option in more["options"]:
                if option["key"] == method:
                    return list(option["inputs"].get("optional", {}))
    return ["not there"]


if __name__ == "__main__":
    import folder_paths

    folder_paths.models_dir = sys.argv[1]
    conftest.prepare_host()
    print(json.dumps({method: facts_of(method) for method in sys.argv[2:]}))
