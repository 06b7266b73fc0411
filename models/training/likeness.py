"""Does an adapter that is being trained show the same thing: held-out views drawn with and without it, and measured.

Also tells what only looks like learning: an error that falls on the views it learns from and rises on those it does not
see, and drawings that are copies of a view.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ...common.report_lines import warning
from ..host import collect_told
from ..ip_adapter.apply import apply_ip_adapter
from ..ip_adapter.consistency import of_other_things, scored
from ..ip_adapter.encoding import features
from ..ip_adapter.faces import similarities
from ..ip_adapter.prepare import prepare
from ..ip_adapter.settings import Settings
from .drawing import Drawer, Drawing, picture_table, preview
from .lessons import Lessons
from .references import References, Seen

_EXPECTED = 100  # steps after which an effect should be seen
_MOVED = 0.002  # share of the error at the beginning: less is none
_NOTHING = 0.02  # of likeness above that without the adapter: less is none
_COPY = 0.5  # of the way from the likeness of neighbouring views to that of equal pictures
_MOST_VIEWS = 64  # that drawings are compared with


@dataclass(frozen=True, eq=False)
class Look:
    """One validation. error, learned: mean errors on held-out views and on as many of those that are learned from; likeness,
    without: of the drawings to their references, 0 as pictures of other things, 1 the same, None without drawings; nearest:
    mean cosine of the drawings to the most alike view that is learned from; drawn: the pictures [H,W,3].
    """

    step: int
    error: float
    learned: float
    likeness: float | None
    without: float | None
    nearest: float | None
    drawn: list[torch.Tensor]

    @property
    def gain(self) -> float | None:
        """Likeness above that without the adapter."""
        return None if self.likeness is None or self.without is None else self.likeness - self.without

    def line(self) -> str:
        """For a report."""
        told = f"step {self.step}: error {self.error:.5f} on held-out views, {self.learned:.5f} on those it learns from"
        if self.likeness is not None and self.without is not None:
            told += f"; likeness to the reference {self.likeness:.2f}, {self.without:.2f} without the adapter"
        return told


class LikenessExamination:
    """Looks at held-out views of a set, each drawn by its caption and the reference that is always its own."""

    def __init__(
        self,
        lessons: Lessons,
        seen: Seen,
        references: References,
        held_out: Sequence[int],
        drawing: Drawing,
        vae: Any,
        clip_vision: Any,
    ) -> None:
        self._lessons, self._seen, self._references, self._clip_vision = lessons, seen, references, clip_vision
        self._drawer = Drawer(lessons, drawing, vae)
        self.numbers = list(held_out)
        self.looks: list[Look] = []
        self._plain: list[torch.Tensor] = []
        self._without: float | None = None
        self._views: torch.Tensor | None = None
        self._wanted: torch.Tensor | None = None
        self._others: torch.Tensor | None = None
        if held_out:
            self._views = self._pooled_views(references.views[:_MOST_VIEWS])
            self._wanted = self._pooled_views([references.fixed(number) for number in held_out])
            with torch.inference_mode():
                self._others = of_other_things(clip_vision).cpu()

    @torch.no_grad()
    def look(self, step: int, model: Any, adapter: Any, error: float, learned: float) -> Look:
        """model: a MODEL without the adapter; adapter: an IP_ADAPTER of what was learned."""
        drawn = [self._with(model, adapter, number) for number in self.numbers]
        if not self._plain:
            self._plain = [self._drawer.draw(model, *self._drawer.prompts(number), number) for number in self.numbers]
            self._without, _ = self._measured(self._plain)
        likeness, nearest = self._measured(drawn)
        found = Look(step, error, learned, likeness, self._without, nearest, drawn)
        self.looks.append(found)
        return found

    def _with(self, model: Any, adapter: Any, number: int) -> torch.Tensor:
        embeds = self._seen.embeds(self._references.fixed(number))
        with collect_told():  # every look would say the same
            applied = apply_ip_adapter(model, adapter, Settings(weight=1.0, embeds=embeds)).model
            return self._drawer.draw(applied, *self._drawer.prompts(number), number)

    def _picture(self, number: int) -> torch.Tensor:
        return self._lessons.set.pictures([number])[0]

    def _measured(self, drawn: list[torch.Tensor]) -> tuple[float | None, float | None]:
        """(mean score against their references, as Consistency gives it, mean cosine to the view most like each)."""
        if not drawn or self._views is None or self._wanted is None or self._others is None:
            return None, None
        seen = self._pooled(drawn)
        _, scores = scored(seen, similarities(seen, self._wanted).diagonal(), self._others)
        return sum(scores) / len(scores), float(similarities(seen, self._views).amax(1).mean())

    def _pooled_views(self, numbers: Sequence[int]) -> torch.Tensor:
        if self._seen.reads == "pooled":  # what the adapter reads is the same
            return torch.cat([self._seen.views[number] for number in numbers])
        return self._pooled([self._picture(number) for number in numbers])

    def _pooled(self, pictures: list[torch.Tensor]) -> torch.Tensor:
        """[N,W]: what the encoder sees of pictures [H,W,C] of any sizes, as Apply IP-Adapter crops them."""
        side = self._clip_vision.image_size
        with torch.inference_mode():
            squares = torch.cat([prepare(one[None], "crop", size=side).image for one in pictures])
            return features(self._clip_vision, squares, pooled=True).cpu()

    # What a person sees ----------------------------------------------------------------------------------------

    def sheet(self) -> torch.Tensor:
        """IMAGE [1,H,W,3]: a row for each held-out view: itself, its reference, drawn without, and after each look."""
        heads = ["view", "reference", "no adapter", *(self._head(look) for look in self.looks)]
        rows = []
        for row, number in enumerate(self.numbers):
            shown: list[torch.Tensor | None] = [self._picture(number), self._picture(self._references.fixed(number))]
            shown.append(self._plain[row] if self._plain else None)
            rows.append([*shown, *(look.drawn[row] for look in self.looks)])
        return picture_table(heads, rows)

    @staticmethod
    def _head(look: Look) -> str:
        return f"{look.step}" if look.likeness is None else f"{look.step}: {look.likeness:.2f}"

    def preview(self) -> Any:
        """The last look as a picture of Pillow, for the node while it runs."""
        return preview([self.looks[-1].drawn, self._plain])

    def advice(self, kept: Look) -> list[str]:
        """What a person should know of what is kept, with numbers: learned by heart, copied, or nothing learned."""
        first, last = self.looks[0], self.looks[-1]
        told = []
        if last.step > kept.step and last.error > kept.error and last.learned < kept.learned:
            told.append(
                warning(
                    f"from step {kept.step} on it only learned by heart: to step {last.step} the error fell from "
                    f"{kept.learned:.5f} to {last.learned:.5f} on the views it learns from, and rose from {kept.error:.5f} to "
                    f"{last.error:.5f} on held-out ones. What it was at step {kept.step} is kept; more views teach more."
                )
            )
        told += self._copies(kept)
        if last.step >= _EXPECTED and first.step < kept.step and kept.error > first.error * (1 - _MOVED):
            told.append(
                warning(
                    f"after {last.step} steps the error on held-out views has hardly moved ({first.error:.5f} to "
                    f"{kept.error:.5f}): raise learning_rate, or train longer."
                )
            )
        elif kept.gain is not None and kept.step >= _EXPECTED and kept.gain < _NOTHING:
            told.append(
                warning(
                    f"the pictures are no more like their references than without the adapter ({kept.gain:+.2f}), though the "
                    "error falls: more steps are needed, or fewer words in the captions about what the pictures share."
                )
            )
        return told

    def _copies(self, kept: Look) -> list[str]:
        if kept.nearest is None or self._views is None or self._views.shape[0] < 2:
            return []
        among = similarities(self._views, self._views)
        among.fill_diagonal_(-1.0)
        neighbours = float(among.amax(1).mean())
        if kept.nearest <= neighbours + _COPY * (1 - neighbours):
            return []
        return [
            warning(
                f"the drawings look like copies of views that it learned from: their cosine to the most alike one is "
                f"{kept.nearest:.3f}, and that of a view to the view most like it {neighbours:.3f}."
            )
        ]
