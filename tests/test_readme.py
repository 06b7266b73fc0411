"""The README names every node and links its help page, and every link into the repository leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

from armature_pack.nodes import NODES

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_node_has_its_row():
    missing = []
    for node in NODES:
        schema = node.define_schema()
        if f"| [{schema.display_name}](web/docs/{schema.node_id}.md) |" not in README:
            missing.append(schema.node_id)
    assert missing == []


def test_every_link_into_the_repository_leads_somewhere():
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)\)", README)
    assert targets and [target for target in targets if not (ROOT / target).exists()] == []
