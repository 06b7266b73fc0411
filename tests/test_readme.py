"""The pages for readers: every node is named and linked, every link leads somewhere, the first page is short."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from armature_pack.nodes import NODES

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
NODES_PAGE = (ROOT / "docs" / "nodes.md").read_text(encoding="utf-8")


def test_the_first_page_is_read_in_one_go():
    assert len(README.encode()) <= 9000


def test_every_node_has_its_row():
    missing = []
    for node in NODES:
        schema = node.define_schema()
        if f"| [{schema.display_name}](../web/docs/{schema.node_id}.md) |" not in NODES_PAGE:
            missing.append(schema.node_id)
    assert missing == []


def test_every_link_into_the_repository_leads_somewhere():
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)\)", README)
    assert targets and [target for target in targets if not (ROOT / unquote(target)).exists()] == []


PAGES = [ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_of_the_other_pages_leads_somewhere(page):
    targets = re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", page.read_text(encoding="utf-8"))
    assert [target for target, _ in targets if not (page.parent / unquote(target)).exists()] == []
    for target, heading in targets:
        assert not heading or heading in headings(page.parent / unquote(target) if target else page)


def test_every_path_that_contributing_names_is_there():
    named = re.findall(r"`([\w./]+/[\w./]*)`", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    assert len(named) > 30 and [path for path in named if "NAME" not in path and not (ROOT / path).exists()] == []


def headings(page: Path) -> set[str]:
    """Where links into a page may point, as GitHub names them."""
    found = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in found}
