"""What a person meets on every node: defaults, tooltips, other words for the search, a chapter and a help page."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from armature_pack.nodes import NODES
from armature_pack.preprocessors.registry import ENTRIES

DOCS = Path(__file__).resolve().parents[2] / "web" / "docs"
WIDGETS = {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO", "COMFY_DYNAMICCOMBO_V3"}
METHOD = "COMFY_DYNAMICCOMBO_V3"
# A file or a folder of the user's: there is nothing sensible to take instead.
NAMES_A_FILE = re.compile(r"(_name|^folder)$")
CHAPTERS = {
    "Armature/check",
    "Armature/control",
    "Armature/ip-adapter",
    "Armature/loaders",
    "Armature/lora",
    "Armature/pictures",
    "Armature/pose",
    "Armature/preprocessors",
    "Armature/records",
    "Armature/training",
}
MOST_IN_A_CHAPTER = 20
LARGEST_PICTURE, ALL_PICTURES = 40_000, 2_500_000  # bytes

pytestmark = pytest.mark.host


@pytest.fixture(scope="module")
def ours(server) -> dict[str, Any]:
    return {
        name: info for name, info in server.object_info.items() if name.startswith("Armature") and "Test" not in name
    }


def inputs(info: dict[str, Any]) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """(required or optional, name, type, options) of every input of a node."""
    for group in ("required", "optional"):
        for name, (kind, *more) in info["input"].get(group, {}).items():
            yield group, name, "COMBO" if isinstance(kind, list) else kind, more[0] if more else {}


def is_widget(kind: str, options: dict[str, Any]) -> bool:
    return bool(WIDGETS & set(kind.split(","))) and not options.get("forceInput")


def test_every_setting_may_be_left_out_of_a_prompt(ours):
    missing = [
        f"{node}.{name}"
        for node, info in ours.items()
        for group, name, kind, options in inputs(info)
        if is_widget(kind, options)
        and not NAMES_A_FILE.search(name)
        and (group == "required" or ("default" not in options and kind != METHOD))
    ]
    assert missing == []


def test_every_optional_input_has_its_default_in_code_too():
    bare = []
    for node in NODES:
        schema = node.define_schema()
        taken = inspect.signature(node.execute).parameters
        swallows = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in taken.values())
        for one in schema.inputs:
            known = taken.get(one.id)
            has_default = swallows if known is None else known.default is not known.empty
            if one.optional and not has_default:
                bare.append(f"{schema.node_id}.{one.id}")
    assert bare == []


def test_a_method_fills_the_settings_that_are_left_out(ours):
    bare = [
        f"{node}.{name}: {option['key']}.{setting}"
        for node, info in ours.items()
        for _, name, kind, options in inputs(info)
        if kind == METHOD
        for option in options["options"]
        for group in ("required", "optional")
        for setting, (_, more) in option["inputs"].get(group, {}).items()
        if group == "required" or "default" not in more or not more.get("tooltip")
    ]
    assert bare == []


def test_every_output_has_a_tooltip_and_every_node_other_words(ours):
    for node, info in ours.items():
        assert all(info["output_tooltips"]) and len(info["output_tooltips"]) == len(info["output"]), node
        words = {word.lower() for word in info["search_aliases"]}
        assert len(words - {info["display_name"].lower()}) >= 2, node


def test_the_categories_read_as_a_table_of_contents(ours):
    chapters: dict[str, list[str]] = {}
    for node, info in ours.items():
        chapters.setdefault(info["category"], []).append(node)
    assert {"/".join(chapter.split("/")[:2]) for chapter in chapters} == CHAPTERS
    assert {chapter: len(nodes) for chapter, nodes in chapters.items() if len(nodes) > MOST_IN_A_CHAPTER} == {}


def test_every_help_page_says_what_it_is_for_names_every_input_and_common_mistakes(ours):
    silent = []
    for node, info in ours.items():
        page = (DOCS / f"{node}.md").read_text(encoding="utf-8").replace("<wbr>", "")
        title, _, rest = page.partition("\n")
        assert title == f"# {info['display_name']}", node
        assert len(rest.strip().split("\n\n")[0].split()) >= 5, node
        assert "## Common mistakes\n\n- **" in rest, node
        silent += [f"{node}.{name}" for _, name, _, _ in inputs(info) if f"`{name}`" not in page and name not in page]
    assert silent == []


def test_every_help_page_lists_its_inputs_with_effect_and_range(ours):
    """And has no table that is too wide for the pane in which it is read: tests/browser measures them there."""
    for node in ours:
        page = (DOCS / f"{node}.md").read_text(encoding="utf-8")
        _, _, inputs_and_more = page.partition("\n## Inputs\n\n")
        assert inputs_and_more.startswith(("- `", "- <code>")), node
        assert {len(re.findall(r"(?<!\\)\|", line)) for line in page.splitlines() if line.startswith("|")} <= {3}, node


def test_every_help_page_has_a_picture_and_says_what_one_sees(ours):
    """And nothing lies there that no page shows."""
    shown = set()
    for node in ours:
        page = (DOCS / f"{node}.md").read_text(encoding="utf-8")
        pictures = re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", page)
        assert pictures, f"{node} has no picture; `armature.py pages --pictures --only {node}` draws it"
        for words, file in pictures:
            assert len(words.split()) >= 8, f"{node}: the words for {file} do not say what one sees"
            assert (DOCS / file).is_file(), f"{node}: {file}"
            shown.add((DOCS / file).name)
    not_here = {f"{entry.node_id}.jpg" for entry in ENTRIES if entry.lack()}  # nodes that this host cannot have
    assert {file.name for file in (DOCS / "pictures").iterdir()} - not_here == shown


def test_pictures_of_help_pages_are_small():
    sizes = {file.name: file.stat().st_size for file in (DOCS / "pictures").iterdir()}
    assert {name: size for name, size in sizes.items() if size > LARGEST_PICTURE} == {}
    assert sum(sizes.values()) < ALL_PICTURES
