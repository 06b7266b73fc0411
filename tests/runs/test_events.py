"""Websocket messages as events."""

from typing import Any

from armature_pack.runs.events import Blocked, Cached, Event, Executing, Progress, Reader, is_end


def read(*messages: tuple[str, dict[str, Any]]) -> list[Event]:
    reader = Reader()
    return [event for kind, data in messages for event in reader.read({"type": kind, "data": data})]


def state(
    node: str, value: float, total: float, running: str = "running", display: str | None = None
) -> dict[str, Any]:
    entry = {"value": value, "max": total, "state": running, "node_id": node, "display_node_id": display or node}
    return {"prompt_id": "p", "nodes": {node: entry}}


def test_a_step_that_is_reported_twice_is_one_event() -> None:
    events = read(
        ("progress_state", state("5", 0, 1)),
        ("progress_state", state("5", 1, 4)),
        ("progress", {"node": "5", "value": 1, "max": 4}),
        ("progress_state", state("5", 2, 4)),
        ("progress", {"node": "5", "value": 2, "max": 4}),
        ("progress_state", state("5", 4, 4, "finished")),
    )
    assert events == [Progress("5", 1, 4), Progress("5", 2, 4)]


def test_servers_without_states_report_progress_alone() -> None:
    assert read(("progress", {"node": "5", "value": 1, "max": 4})) == [Progress("5", 1, 4)]


def test_nodes_of_an_expansion_count_for_the_node_that_the_user_sees() -> None:
    events = read(
        ("executing", {"node": "5", "display_node": "5"}),
        ("executing", {"node": "5.0.0.1", "display_node": "5"}),
        ("progress_state", state("5.0.0.1", 1, 2, display="5")),
        ("progress", {"node": "5.0.0.1", "value": 1, "max": 2}),
        ("executing", {"node": "6", "display_node": "6"}),
    )
    assert events == [Executing("5"), Progress("5", 1, 2), Executing("6")]


def test_unknown_messages_are_passed_over() -> None:
    assert read(("executed", {"node": "1", "output": {}}), ("someone_elses", {})) == []
    assert read(("execution_cached", {"nodes": ["1"]})) == [Cached(("1",))]


def test_a_blocked_output_does_not_end_the_run() -> None:
    data = {"node_id": "3", "exception_type": "ExecutionBlocked", "exception_message": "Execution Blocked: no face"}
    message = {"type": "execution_error", "data": data}
    assert read(("execution_error", data)) == [Blocked("3", "Execution Blocked: no face")]
    assert not is_end(message)
    assert is_end({"type": "execution_error", "data": {"exception_type": "ValueError"}})
    assert is_end({"type": "executing", "data": {"node": None}})
    assert not is_end({"type": "executing", "data": {"node": "1"}})
