"""Saved graphs become what the real front end makes of them: all templates and blueprints of the host, and known cases."""

from __future__ import annotations

import time

import pytest
from armature_pack.models.compatibility.node_types import recorded
from armature_pack.models.compatibility.prompt import PromptError
from armature_pack.models.compatibility.ui_graph import to_prompt
from armature_pack.tests.saved_graphs import RECORD, cases, comparable, digest, host_graphs, read, versions


def test_every_graph_of_the_host_becomes_what_the_front_end_makes_of_it():
    record = read(RECORD)
    if record["of"] != versions():
        pytest.skip(f"recorded for {record['of']}")
    prompts = {name: to_prompt(read(path), recorded()) for name, path in host_graphs().items()}
    assert len(prompts) > 500 and set(record["prompts"]) == set(prompts)
    assert [name for name, prompt in prompts.items() if digest(prompt) != record["prompts"][name]] == []


@pytest.mark.parametrize("name", [name for name, path in cases().items() if path.with_suffix(".api.json").is_file()])
def test_a_case_becomes_what_the_front_end_makes_of_it(name):
    path = cases()[name]
    assert comparable(to_prompt(read(path), recorded())) == comparable(read(path.with_suffix(".api.json")))


def test_a_null_among_the_links_is_named():
    with pytest.raises(PromptError, match="Entry 0 of the links of this graph is null"):
        to_prompt(read(cases()["null_link"]), recorded())


def test_the_largest_graph_is_converted_in_less_than_50_milliseconds_of_processor_time():
    paths = [*host_graphs().values(), *cases().values()]
    largest = read(max(paths, key=lambda path: path.stat().st_size))
    to_prompt(largest, recorded())  # the types are read before the clock starts

    def seconds() -> float:
        start = time.process_time()
        to_prompt(largest, recorded())
        return time.process_time() - start

    assert min(seconds() for _ in range(5)) < 0.05
