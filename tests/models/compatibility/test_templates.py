"""No false alarms: the graphs that the host ships, as templates and as blueprints, in their published form."""

from __future__ import annotations

from collections import Counter

import pytest
from armature_pack.models.compatibility.check_prompt import check_prompt
from armature_pack.models.compatibility.node_types import recorded
from armature_pack.models.compatibility.prompt import PromptError
from armature_pack.models.compatibility.ui_graph import to_prompt
from armature_pack.tests.models.compatibility.named_files import NamedIndex
from armature_pack.tests.saved_graphs import host_graphs, read


def test_the_hosts_own_graphs_check_without_an_error():
    if len(host_graphs()) < 50:
        pytest.skip("this host ships no templates")
    alarms, checked, told = [], 0, Counter()
    for name, path in host_graphs().items():
        data = read(path)
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
