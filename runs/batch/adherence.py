"""Rows whose picture must follow its control map: reading the score, and trying again with other seeds."""

from collections.abc import Mapping
from typing import Any

from ..errors import BatchError, RowProblem
from ..results import RunResult

NODE = "ArmatureControlAdherence"
PREFIX = "armature_batch_score_"
SEEDS = ("seed", "noise_seed")
STRIDE = 1_000_003  # far enough that the next rows' seeds, which often count upwards, are not met
LARGEST = 2**63


class TooLittleAdherence(RowProblem):
    """A picture that does not follow its map as far as was asked for."""


def check_measured(graph: Mapping[str, Any]) -> None:
    """Raises BatchError when nothing in the graph measures adherence."""
    if not any(node["class_type"] == NODE for node in graph.values()):
        raise BatchError("--minimum-adherence needs a Control Adherence node in the graph, which measures it.")


def with_scores(prompt: Mapping[str, Any]) -> dict[str, Any]:
    """The prompt with each measured score shown, so that it comes back with the results."""
    measuring = [node_id for node_id, node in prompt.items() if node["class_type"] == NODE]
    shown = {
        f"{PREFIX}{node_id}": {"class_type": "PreviewAny", "inputs": {"source": [node_id, 0]}} for node_id in measuring
    }
    return {**prompt, **shown}


def check_score(result: RunResult, minimum: float) -> None:
    """Raises TooLittleAdherence when a score of the run is below `minimum`, or when there is none."""
    texts = [text for node in result.outputs if node.startswith(PREFIX) for text in result.texts(node)]
    try:
        score = min(float(text) for text in texts)
    except ValueError:
        raise TooLittleAdherence("its adherence could not be measured; see the report of Control Adherence") from None
    if not score >= minimum:
        raise TooLittleAdherence(f"its adherence is {score:.3g}, below {minimum:g}")


def other_seeds(graph: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The changes of a row with every seed of the graph moved on."""
    moved = dict(changes)
    for node_id, node in graph.items():
        for name in SEEDS:
            place = f"{node_id}.{name}"
            value = changes.get(place, node.get("inputs", {}).get(name))
            if isinstance(value, int) and not isinstance(value, bool):
                moved[place] = (value + STRIDE) % LARGEST
    return moved
