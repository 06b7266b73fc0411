"""Does what is being trained obey: held-out pictures drawn with and without their maps, measured, and laid on a sheet."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ...common.report_lines import warning
from ...preprocessors.adherence.adherence import AUTO, Request, adherence
from .drawing import Drawer, Drawing, picture_table, preview
from .lessons import Lessons
from .training_set import TrainingSet

_NOTHING = 0.05  # of adherence above that without a map: less is none
_EXPECTED = 200  # steps after which an effect should be seen


@dataclass(frozen=True, eq=False)
class Look:
    """One validation: the mean error, the adherence with and without the map (None where it cannot be measured), and the
    pictures [N,H,W,3] with and without.
    """

    step: int
    error: float
    adherence: float | None
    without: float | None
    drawn: list[torch.Tensor]
    plain: list[torch.Tensor]

    @property
    def gain(self) -> float | None:
        """Adherence above that without a map."""
        return None if self.adherence is None or self.without is None else self.adherence - self.without

    def line(self) -> str:
        """For a report."""
        told = f"step {self.step}: held-out error {self.error:.5f}"
        if self.adherence is not None and self.without is not None:
            told += f", adherence {self.adherence:.2f} with the map, {self.without:.2f} without"
        return told


def held_out_of(chosen: TrainingSet, wanted: int) -> tuple[int, ...]:
    """The pictures that are kept for looking, spread over the set: as many as wanted, of small sets at most a fifth."""
    count = len(chosen)
    most = min(wanted, count // 5)
    return tuple(sorted({(2 * place + 1) * count // (2 * most) for place in range(most)})) if most else ()


class Examination:
    """Looks at held-out pictures of a set. measure: of what the learner says of given pictures at given moments."""

    def __init__(
        self,
        lessons: Lessons,
        held_out: Sequence[int],
        drawing: Drawing,
        vae: Any,
        measure: Callable[[list[int]], float],
    ) -> None:
        self._lessons, self._measure = lessons, measure
        self._drawer = Drawer(lessons, drawing, vae)
        self.numbers = list(held_out)
        self.looks: list[Look] = []

    @torch.no_grad()
    def look(self, step: int, model: Any, controlled: Callable[[int, Any, Any], tuple[Any, Any]]) -> Look:
        """model: a MODEL with what it has learned; controlled: (picture, positive, negative) -> both with its control."""
        drawn, plain = [], []
        for number in self.numbers:
            positive, negative = self._drawer.prompts(number)
            drawn.append(self._drawer.draw(model, *controlled(number, positive, negative), number))
            plain.append(self._drawer.draw(model, positive, negative, number))
        with_map, without = (self._adherence(pictures) for pictures in (drawn, plain))
        found = Look(step, self._measure(self.numbers), with_map, without, drawn, plain)
        self.looks.append(found)
        return found

    def _adherence(self, pictures: list[torch.Tensor]) -> float | None:
        """Mean relative adherence; 0 is chance, 1 the source picture."""
        chosen = self._lessons.set
        if not chosen.has_maps:
            return None
        method = AUTO if chosen.entry is None else chosen.method
        request = Request(method, chosen.options)
        values = []
        for number, picture in zip(self.numbers, pictures, strict=True):
            source = chosen.pictures([number])
            try:
                made = adherence(picture[None], chosen.maps([number]), request, source)
            except ValueError:  # a kind whose method needs what is not here
                return None
            relative = json.loads(made.json)["relative"]
            if relative is not None:
                values.append(float(relative))
        return sum(values) / len(values) if values else None

    # What a person sees ----------------------------------------------------------------------------------------

    def sheet(self) -> torch.Tensor:
        """IMAGE [1,H,W,3]: a row for each held-out picture: itself, its map, drawn without, and after each look."""
        chosen, rows = self._lessons.set, []
        heads = ["picture", "map", "no map", *(self._head(look) for look in self.looks)]
        for row, number in enumerate(self.numbers):
            shown = [chosen.pictures([number])[0], chosen.maps([number])[0] if chosen.has_maps else None]
            shown += [self.looks[-1].plain[row] if self.looks else None, *(look.drawn[row] for look in self.looks)]
            rows.append(shown)
        return picture_table(heads, rows)

    @staticmethod
    def _head(look: Look) -> str:
        return f"{look.step}" if look.adherence is None else f"{look.step}: {look.adherence:.2f}"

    def preview(self) -> Any:
        """The last look as a picture of Pillow, for the node while it runs."""
        look = self.looks[-1]
        return preview([look.drawn, look.plain])

    def advice(self) -> list[str]:
        """Why nothing is to be seen yet, where nothing is."""
        last = self.looks[-1] if self.looks else None
        if last is None or last.gain is None or last.step < _EXPECTED or last.gain > _NOTHING:
            return []
        first = self.looks[0]
        if last.error > first.error * 1.02:
            why = "the error on held-out pictures has risen: lower learning_rate to a third"
        elif last.error > first.error * 0.995:
            why = "the error has not moved: raise learning_rate, or let a part of the base learn (subset)"
        else:
            why = "the error does fall: more steps are needed, or more pictures"
        return [warning(f"after {last.step} steps the pictures do not follow their maps ({last.gain:+.2f}); {why}.")]
