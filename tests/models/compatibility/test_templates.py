"""No false alarms: the graphs that the host ships, as templates and as blueprints, in their published form."""

from __future__ import annotations

import importlib.util
import json
import os
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from armature_pack.models.compatibility.check_prompt import check_prompt
from armature_pack.models.compatibility.node_types import recorded
from armature_pack.models.compatibility.prompt import PromptError
from armature_pack.models.compatibility.ui_graph import is_ui_graph, to_prompt
from armature_pack.tests.models.compatibility.named_files import NamedIndex

HOST = Path(os.environ["ARMATURE_COMFYUI"])


@cache
def graphs() -> dict[str, Path]:
    """Saved graphs by name, of the blueprints and of the templates that the host requires."""
    folders = [HOST / "blueprints"]
    for package in ("comfyui_workflow_templates_json", "comfyui_workflow_templates_core"):
        spec = importlib.util.find_spec(package)
        folders += [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []
    return {
        path.stem: path for folder in folders for path in sorted(folder.rglob("*.json")) if "index" not in path.name
    }


def test_the_hosts_own_graphs_check_without_an_error():
    if len(graphs()) < 50:
        pytest.skip("this host ships no templates")
    alarms, checked, told = [], 0, Counter()
    for name, path in graphs().items():
        data = json.loads(path.read_text(encoding="utf-8"))
        if not is_ui_graph(data):
            continue
        try:
            prompt = to_prompt(data, recorded())
        except PromptError as error:
            alarms.append((name, "not converted", str(error)))
            continue
        if not prompt:
            continue
        report = check_prompt(prompt, NamedIndex())
        checked += 1
        told.update(found.rule for found in report.findings)
        alarms += [(name, found.rule, found.text) for found in report.findings if found.severity == "error"]
    assert checked > 200 and not alarms, alarms[:10]
    assert told["opaque_node"] < checked / 4  # the host's own loaders and samplers are understood
