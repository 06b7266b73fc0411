"""The table of map kinds: it alone says what a kind is, and a new kind is one entry."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from armature_pack.models.compatibility.control_nodes import MAP_OF_NODE
from armature_pack.nodes.preprocessors import METHOD_NODES, METHODS
from armature_pack.preprocessors.adherence.scoring import FAMILIES, family_of
from armature_pack.preprocessors.images.kinds import MAP_KINDS, alike, kinds_of_nets, map_kind
from armature_pack.preprocessors.images.map_check.check_maps import EXPECTED
from armature_pack.preprocessors.registry import ENTRIES
from armature_pack.tools.help.controlnext_checkpoints import RELEASED

ROOT = Path(__file__).resolve().parents[3]
PRODUCT = ("commands", "models", "nodes", "preprocessors", "runs", "tools")
# Where three names of kinds and more may stand together, and why that is no second table of kinds.
ALLOWED = {
    "preprocessors/images/kinds.py": "the table",
    "preprocessors/images/map_check/classify.py": "thresholds, in the order in which they decide; some kinds have two rules",
    "models/convert/packs/controlnet_aux.py": "nodes of another pack, each with the method of ours that takes its place",
    "models/compatibility/control_nodes.py": "nodes of other packs, which name the kind they make",
    "tools/help/controlnext_checkpoints.py": "published files, which name the kind they were trained on",
    "tools/locale_texts.py": "options that are names, and so the same in every language",
    "models/control/union_signal.py": "the modes of Flux nets by number, as the model cards list them",
}


@pytest.fixture(scope="module")
def said() -> dict:
    """What each part of the pack says of a kind that was added to the table in a fresh process."""
    script = Path(__file__).with_name("throwaway_kind.py")
    result = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


def test_a_new_kind_is_known_to_the_preprocessors(said):
    assert said["tag"] == "throwaway" and said["category"] == "Armature/preprocessors/rubbish"
    assert said["background"] == [0.25, 0.5, 0.75] and said["values after resizing"] == [-0.5, 0.0]
    assert said["help"] == [True, True] and said["measure"] == "SSIM"


def test_a_new_kind_is_known_to_the_check_of_control_images(said):
    assert said["expected"] and "not like a thing to throw away" in said["looks like"]
    assert "of it are lines, more than a picture can follow" in said["thin lines"]


def test_a_new_kind_is_known_to_the_controls(said):
    assert "not like a thing to throw away" in said["complaint"] and "values from" not in said["complaint"]
    assert said["union type"] == "union type depth, because the map was made as throwaway"
    assert said["flux mode"] == "union type low quality, because the map was made as throwaway"


def test_a_new_kind_is_known_to_the_compatibility_check(said):
    assert said["trained on"] == "throwaway" and said["read by a canny net"] and said["row"]


def _displays(tree: ast.AST) -> Iterator[ast.AST]:
    """The outermost dicts, tuples, lists, sets and comparisons, without what a method says of the nets for its maps."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, (ast.Dict, ast.Tuple, ast.List, ast.Set, ast.Compare)):
            yield child
        elif not (isinstance(child, ast.keyword) and child.arg == "wanted_by"):
            yield from _displays(child)


def _kinds_in(tree: ast.AST) -> set[str]:
    return {
        kind for node in ast.walk(tree) if isinstance(node, ast.Constant) for kind in MAP_KINDS if kind == node.value
    }


def test_no_other_module_lists_kinds():
    found = []
    for folder in PRODUCT:
        for file in sorted((ROOT / folder).rglob("*.py")):
            path = file.relative_to(ROOT).as_posix()
            if path in ALLOWED:
                continue
            for display in _displays(ast.parse(file.read_text(encoding="utf-8"))):
                kinds = _kinds_in(display)
                if len(kinds) > 2:
                    found.append(f"{path}, line {display.lineno}: {', '.join(sorted(kinds))}")  # type: ignore[attr-defined]
    assert not found, "\n".join(["What differs between kinds belongs into preprocessors/images/kinds.py:", *found])


def test_whoever_names_a_kind_names_one_of_the_table():
    assert all(entry.makes is MAP_KINDS[entry.makes.name] for entry in ENTRIES)
    named = {kind for entry in ENTRIES for kind in entry.wanted_by}
    named |= set(MAP_OF_NODE.values()) | {one.map_type for one in RELEASED} | set(EXPECTED) - {"auto"}
    for kind in MAP_KINDS.values():
        named |= set(kind.alike) | ({kind.controlnext_form_of} - {""})
    assert named <= set(MAP_KINDS)


@pytest.mark.parametrize("kind", MAP_KINDS.values(), ids=MAP_KINDS)
def test_every_kind_has_its_measure_and_is_alike_both_ways(kind):
    assert family_of(kind) is FAMILIES[kind.measure]
    assert all(alike(kind.name, other) == alike(other, kind.name) for other in MAP_KINDS)
    assert not kind.binary or kind.lines
    assert not kind.promised_by_type or (kind.union_type and kind.looks_like)


def test_methods_stand_in_the_chapter_of_their_kind():
    for entry, node in zip(METHODS, METHOD_NODES, strict=True):
        assert node.define_schema().category == f"Armature/preprocessors/{entry.makes.chapter}", entry.method


def test_no_word_of_a_files_name_means_two_kinds():
    words = [word for kind in kinds_of_nets() for word in kind.net_words]
    assert len(words) == len(set(words))


def test_of_a_kind_that_the_table_does_not_have_nothing_is_known():
    unknown = map_kind("of another pack")
    assert unknown.in_words == "of another pack maps" and unknown.chapter == "other" and unknown.lowest == 0
    assert (
        not (unknown.looks_like or unknown.union_type or unknown.net_words or unknown.lines)
        and map_kind(None).name == ""
    )
