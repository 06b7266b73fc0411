"""Small saved graphs that ask for a thousand million nodes, or for hours: each is refused, or read in seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from armature_pack.models.compatibility.node_types import recorded
from armature_pack.models.compatibility.prompt import PromptError
from armature_pack.models.compatibility.saved_text import chosen_text
from armature_pack.models.compatibility.ui_graph import to_prompt

SECONDS = 30  # of a busy machine's processor; each took minutes, hours or all memory


def node(number: int | str, kind: str, **more: Any) -> dict[str, Any]:
    return {"id": number, "type": kind, **more}


def saved(*nodes: dict[str, Any], subgraphs: list[dict[str, Any]] | None = None, **more: Any) -> dict[str, Any]:
    return {"nodes": list(nodes), "links": [], "definitions": {"subgraphs": subgraphs or []}, **more}


def doubling() -> dict[str, Any]:
    """Thirty subgraphs, each of which holds the next one twice."""
    kinds = [*(f"s{number}" for number in range(1, 30)), "KSampler"]
    subgraphs = [{"id": f"s{at}", "nodes": [node(1, kind), node(2, kind)]} for at, kind in enumerate(kinds)]
    return saved(node(1, "s0"), subgraphs=subgraphs)


def long_ids() -> dict[str, Any]:
    """40,000 nodes in a subgraph, each of which takes the id of the instance into its own."""
    return saved(node("i" * 100_000, "s"), subgraphs=[{"id": "s", "nodes": [node(at, "Note") for at in range(40_000)]}])


def reroutes() -> dict[str, Any]:
    """4,000 inputs behind the same 4,000 reroutes."""
    count = 4000
    chain = [node(at, "Reroute", inputs=[{"name": "", "type": "*", "link": at}]) for at in range(1, count)]
    ends = [
        node(count + at, "KSampler", inputs=[{"name": "model", "type": "MODEL", "link": count + at}])
        for at in range(count)
    ]
    links = [[at, at - 1, 0, at, 0, "*"] for at in range(2, count)]
    links += [[count + at, count - 1, 0, count + at, 0, "MODEL"] for at in range(count)]
    return {"nodes": [*chain, *ends], "links": links}


def group_nodes() -> dict[str, Any]:
    return saved(
        *(node(at, "workflow/g") for at in range(3000)),
        extra={"groupNodes": {"g": {"nodes": [{"type": "Reroute"}], "links": []}}},
    )


def links_of_one_place() -> dict[str, Any]:
    """Ids for which Python's dictionaries look in the same place, one after the other."""
    return {"nodes": [], "links": [[((1 << 61) - 1) * at, 1, 0, 2, 0, "X"] for at in range(60_000)]}


def promoted_widgets() -> dict[str, Any]:
    proxies = [["1", "seed"]] * 100_000
    return saved(
        node(5, "s", properties={"proxyWidgets": proxies}), subgraphs=[{"id": "s", "nodes": [node(1, "KSampler")]}]
    )


@pytest.mark.parametrize("make", [doubling, long_ids, reroutes, group_nodes, links_of_one_place, promoted_widgets])
def test_what_grows_without_end_is_refused(make: Callable[[], dict[str, Any]]) -> None:
    start = time.process_time()
    with pytest.raises(PromptError):
        to_prompt(make(), recorded())
    assert time.process_time() - start < SECONDS


def test_many_definitions_and_many_ends_are_read_in_seconds() -> None:
    start = time.process_time()
    assert to_prompt(saved(subgraphs=[{"id": f"d{at}", "nodes": []} for at in range(50_000)]), recorded()) == {}
    links = [[at, -10, at, 1, 0] for at in range(20_000)]
    one = {"id": "d", "nodes": [], "links": links, "inputs": [{"name": f"n{at}"} for at in range(20_000)]}
    assert to_prompt(saved(subgraphs=[one]), recorded()) == {}
    assert time.process_time() - start < SECONDS


def test_a_subgraph_that_stands_in_many_places_is_written_out() -> None:
    inner = {"id": "s", "nodes": [node(at, "KSampler") for at in range(20)]}
    prompt = to_prompt(saved(*(node(at, "s") for at in range(100, 200)), subgraphs=[inner]), recorded())
    assert len(prompt) == 2000 and "100:1" in prompt


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("a /* b */ c // d\ne", "a  c \ne"),
        ("a /* b", "a /* b"),
        ("/*/ a */ b /*/ c", " b /*/ c"),
        ("// a */ b\n/**/c", "\nc"),
        ("{a /* | */ b|c} \\{d\\}", "a  b {d}"),
        ("{a|{b|c}} {{d|e}|f}", "a d"),
    ],
)
def test_comments_and_choices(text: str, chosen: str) -> None:
    assert chosen_text(text) == chosen


def test_comments_and_braces_that_are_never_closed() -> None:
    start = time.process_time()
    many = "/*a" * 300_000
    assert chosen_text(many) == many
    with pytest.raises(PromptError, match="braces in braces"):
        chosen_text("{a" * 200_000)
    assert time.process_time() - start < SECONDS
