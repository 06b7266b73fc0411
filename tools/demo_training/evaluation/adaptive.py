"""Does a weight that corrects itself while sampling draw better than one that stays, where both weigh as much on average?

The rule, its limits and what it looks at are the pack's own (`models/control/adaptation.py`); the pictures are the narrow
networks'. Each picture has a weight of its own, as a sampling of one picture has.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch

from ....commands.measure.results import estimate_text
from ....models.control.adaptation import Adaptation, Regulator
from ....models.control.stack_adherence import relative
from ....preprocessors.images.tags import tag
from ..scenes.layout import Scene
from ..scenes.rendering import render
from ..training import bank
from ..training.files import read, write
from .artist import AT_ONCE, Artist, Load, Steering
from .measures import mean_and_error, measure_pictures
from .origin import origin

ADAPTIVE, EACH, ALL, WHOLE = "adaptive", "constant, of each scene's mean", "constant, of the mean of all", "constant 1"
_STEPS, _SEED = 10, 1000
_COLUMNS = {
    "relative": "adherence",
    "edge_f1": "edge F1",
    "colours": "objects in the caption's colour",
    "weights": "weight",
}


@dataclass(frozen=True)
class Setting:
    """part: the control; weight: of the signal, so low that some scenes miss what the node wants and some do not; first: number
    of the first held-out scene; rule: where it is not the node's.
    """

    part: str = "controlnet_canny"
    weight: float = 0.2
    first: int = 0
    rule: Mapping[str, float] = field(default_factory=dict)

    def adaptation(self, vae: Any) -> Adaptation:
        """What the node of these settings would give."""
        return Adaptation(vae, **self.rule)  # type: ignore[arg-type]

    @property
    def told(self) -> dict[str, Any]:
        """All of it as plain values, the node's own too."""
        of_node = {one.name: one.default for one in fields(Adaptation) if one.default is not MISSING}
        return {"part": self.part, "weight": self.weight, "first": self.first, **of_node, **self.rule}


def compare(
    load: Load, count: int, device: torch.device, folder: Path, say: Callable[[str], None], setting: Setting
) -> dict[str, Any]:
    """All ways on so many held-out scenes: {way: {column: [mean, standard error]}}, and what the differences are, scene by scene.

    Parts that are in `folder` already are read from there.
    """
    studio = _Studio(load, count, device, folder, say, setting)
    found = {ADAPTIVE: studio.drawn(ADAPTIVE, None)}
    of_each = found[ADAPTIVE]["weights"]
    found[EACH] = studio.drawn(EACH, of_each)
    found[ALL] = studio.drawn(ALL, of_each.mean().expand(count))
    found[WHOLE] = studio.drawn(WHOLE, torch.ones(count))
    measured = ("relative", "edge_f1", "colours")
    return {
        "scenes": count,
        "steps": _STEPS,
        "seed": _SEED,
        "setting": setting.told,
        **origin(),
        "rows": {
            way: {name: mean_and_error(one[name]) for name in (*_COLUMNS, "seconds")} for way, one in found.items()
        },
        "adaptive_less": {
            way: {name: mean_and_error(found[ADAPTIVE][name] - one[name]) for name in measured}
            for way, one in found.items()
            if way != ADAPTIVE
        },
    }


class _Studio:
    def __init__(
        self,
        load: Load,
        count: int,
        device: torch.device,
        folder: Path,
        say: Callable[[str], None],
        setting: Setting,
    ) -> None:
        self.artist, self.count, self.device = Artist(load, device), count, device
        self.folder, self.say, self.setting = folder, say, setting
        folder.mkdir(parents=True, exist_ok=True)

    def drawn(self, way: str, constant: torch.Tensor | None) -> dict[str, torch.Tensor]:
        """Measures by name, [count] each. constant: the weight of each scene, None for those that correct themselves."""
        parts = []
        for first in range(0, self.count, AT_ONCE):
            rows = range(first, min(first + AT_ONCE, self.count))
            given = None if constant is None else constant[rows.start : rows.stop]
            path = self.folder / f"{self._name(rows, given)}.safetensors"
            if not path.exists():
                write(path, self._part(rows, given))
            parts.append(read(path)[0])
            self.say(f"{way}: {rows.stop} of {self.count}")
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}

    def _name(self, rows: range, constant: torch.Tensor | None) -> str:
        weights = self.setting.told if constant is None else [round(float(one), 6) for one in constant]
        said = json.dumps([rows.start, rows.stop, self.setting.first, self.setting.part, _STEPS, _SEED, weights])
        return hashlib.sha256(said.encode()).hexdigest()[:20]

    @torch.inference_mode()
    def _part(self, rows: range, constant: torch.Tensor | None) -> dict[str, torch.Tensor]:
        scenes, held = bank.held_out(self.setting.first + rows.start, len(rows), self.device)
        hints = held.hints(self.setting.part.split("_")[1], torch.arange(len(rows)))
        weights = _Weights(self.setting.adaptation(self.artist.vae), self.setting.weight, hints, constant)
        steering = Steering(((self.setting.part, hints, weights),))
        seed, start = _SEED + rows.start // AT_ONCE, time.process_time()
        drawn = self.artist.draw(
            [scene.caption for scene in scenes], hints.shape[-1], steering, _STEPS, seed, weights.saw
        )
        seconds = (time.process_time() - start) / len(rows)
        found = _measured(drawn, scenes, held, weights.maps)
        return {**found, "weights": weights.mean, "seconds": torch.full((len(rows),), seconds)}


class _Weights:
    """Those of a part's pictures at each step [N]: called for the next step's, and told what the last step predicted."""

    def __init__(
        self, adaptation: Adaptation, weight: float, hints: torch.Tensor, constant: torch.Tensor | None
    ) -> None:
        self.adaptation, self.weight, self.constant = adaptation, weight, constant
        self.maps = [tag(hint.movedim(0, -1)[None].cpu(), "canny") for hint in hints]
        self._rules = [Regulator(adaptation) for _ in hints]
        self._given: list[torch.Tensor] = []
        self._device = hints.device

    @property
    def mean(self) -> torch.Tensor:
        """[N], over the steps."""
        return torch.stack(self._given).mean(0)

    def __call__(self) -> torch.Tensor:
        factors = torch.tensor([rule.factor for rule in self._rules])
        self._given.append(self.weight * factors if self.constant is None else self.constant.clone())
        return self._given[-1].to(self._device)

    def saw(self, step: int, predicted: torch.Tensor) -> None:
        if self.constant is not None or not self.adaptation.looks_in(step, _STEPS):
            return
        pictures = self.adaptation.vae.decode(predicted).clamp(0, 1).cpu().movedim(1, -1)
        for rule, picture, wanted in zip(self._rules, pictures, self.maps, strict=True):
            rule.saw(relative(picture[None], wanted))


def _measured(
    drawn: torch.Tensor, scenes: list[Scene], held: bank.Bank, maps: list[torch.Tensor]
) -> dict[str, torch.Tensor]:
    parts = torch.cat([render([scene]).segmentation for scene in scenes])
    found = measure_pictures(drawn, scenes, held.edges, parts, held.images.float() / 255)
    followed = [relative(one.movedim(0, -1)[None], wanted) for one, wanted in zip(drawn, maps, strict=True)]
    return {"relative": torch.tensor(followed), "edge_f1": found.edge_f1, "colours": found.colours}


def markdown(result: dict[str, Any]) -> str:
    """The same as a table: mean and standard error; then the differences."""
    lines = [
        "| | " + " | ".join((*_COLUMNS.values(), "s a picture")) + " |",
        "|---" * (len(_COLUMNS) + 2) + "|",
    ]
    for way, row in result["rows"].items():
        cells = " | ".join(estimate_text(row[name]) for name in _COLUMNS)
        lines.append(f"| {way} | {cells} | {row['seconds'][0]:.2f} |")
    lines += ["", "| adaptive, less | adherence | edge F1 | objects in the caption's colour |", "|---|---|---|---|"]
    for way, row in result["adaptive_less"].items():
        cells = " | ".join(f"{mean:+.4f} ± {error:.4f}" for mean, error in row.values())
        lines.append(f"| {way} | {cells} |")
    return "\n".join(lines) + "\n"
