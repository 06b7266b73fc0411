"""The rows that weigh what a control stack may leave out: every picture with each of the savings, at each number of steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...models.compatibility.node_types import TypesOf
from ..terminal import Problem
from .graph import Measured
from .ways import Case, seeds_of

NODE, INPUT = "ArmatureControlSavings", "savings"
NONE = "nothing left out"
_WHOLE: Mapping[str, Any] = {"every": 1, "conditional_only": False, "until": 1.0}
SAVINGS: Mapping[str, Mapping[str, Any]] = {
    NONE: _WHOLE,
    **{f"every {n}": {**_WHOLE, "every": n} for n in (2, 3, 4)},
    "conditional only": {**_WHOLE, "conditional_only": True},
    "until 0.6": {**_WHOLE, "until": 0.6},
}


@dataclass(frozen=True)
class Way:
    """sampler: "" for the graph's own; steps: 0 for the graph's own; saving: one of SAVINGS."""

    sampler: str
    steps: int
    saving: str

    @property
    def setting(self) -> str:
        """The sampling, without the saving."""
        parts = [self.sampler, f"{self.steps} steps" if self.steps else ""]
        return " ".join(part for part in parts if part) or "as the graph says"

    @property
    def name(self) -> str:
        """All of it."""
        return f"{self.setting}, {self.saving}"


def ways(steps: Sequence[int], samplers: Sequence[str]) -> list[Way]:
    """Each of the savings with each number of steps and each sampler; the graph's own where none is given."""
    return [
        Way(sampler, count, saving)
        for sampler in dict.fromkeys(samplers or ("",))
        for count in dict.fromkeys(steps or (0,))
        for saving in SAVINGS
    ]


def with_savings(measured: Measured, types_of: TypesOf) -> tuple[Measured, str]:
    """The graph with one node that says what is left out, linked to all that ask for it; and that node. Raises Problem.

    The measure against a picture's own map, which only a wrong map needs, is left out: it would take time.
    """
    own = {key for signal in measured.signals for key in (signal.own, signal.own.removesuffix("_told"))}
    prompt = {key: {**node, "inputs": dict(node["inputs"])} for key, node in measured.prompt.items() if key not in own}
    asking = [
        key
        for key, node in prompt.items()
        if (types := types_of(node["class_type"])) is not None and types.input_type(INPUT) == "CONTROL_SAVINGS"
    ]
    if not asking:
        raise Problem(
            "nothing of it asks for savings: Apply ControlNet Stack does, and Apply Control. Put the signals into one."
        )
    node = f"{asking[0]}_savings"
    while node in prompt:
        node += "_"
    prompt[node] = {"class_type": NODE, "inputs": dict(_WHOLE)}
    for key in asking:
        prompt[key]["inputs"][INPUT] = [node, 0]
    return replace(measured, prompt=prompt), node


def savings_cases(measured: Measured, node: str, pictures: Sequence[str], wanted: Sequence[Way]) -> list[Case]:
    """Every row, picture by picture, so that what changes on a machine meanwhile concerns all ways alike. Raises Problem."""
    places = {
        name: [f"{key}.{name}" for key, one in measured.prompt.items() if isinstance(one["inputs"].get(name), kind)]
        for name, kind in (("steps", int), ("sampler_name", str))
    }
    for option, name, given in (
        ("--steps", "steps", any(way.steps for way in wanted)),
        ("--samplers", "sampler_name", any(way.sampler for way in wanted)),
    ):
        if given and not places[name]:
            raise Problem(
                f"{option}: no node of the graph has {name} as a value; where it is linked, it stays as it is."
            )
    return [
        _case(measured, node, places, picture, number, way) for number, picture in enumerate(pictures) for way in wanted
    ]


def _case(
    measured: Measured, node: str, places: Mapping[str, Sequence[str]], picture: str, number: int, way: Way
) -> Case:
    values: dict[str, Any] = dict(seeds_of(measured, number))
    values |= dict.fromkeys((measured.input, *(one.picture for one in measured.signals)), picture)
    values |= {f"{node}.{name}": value for name, value in SAVINGS[way.saving].items()}
    values |= dict(_set(places, way))
    return Case(picture, picture, way.name, "", f"{Path(picture).stem} {way.name}", values)


def _set(places: Mapping[str, Sequence[str]], way: Way) -> Iterator[tuple[str, Any]]:
    for name, value in (("steps", way.steps), ("sampler_name", way.sampler)):
        for place in places[name] if value else ():
            yield place, value
