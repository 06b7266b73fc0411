"""The state of a training on disk: what was learned, the optimiser, the step. Written aside and replaced, never half."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors
import torch
from torch import nn

from ..files.writing import write_safetensors

FORM = "armature.training/1"
_MOMENTS = ("exp_avg", "exp_avg_sq", "step")


@dataclass
class Course:
    """What a training has been through: steps, and the loss of each.

    errors: (step, error on held-out pictures) of each look, and best: the parameters at the lowest of them, by name, on the
    processor; both stay empty where nothing is held out or where the last state is what counts.
    """

    step: int = 0
    losses: list[float] = field(default_factory=list)
    errors: list[tuple[int, float]] = field(default_factory=list)
    best: dict[str, torch.Tensor] = field(default_factory=dict)

    @property
    def best_look(self) -> tuple[int, float] | None:
        """(step, error) of the first look with the lowest error."""
        return min(self.errors, key=lambda look: look[1], default=None)

    @property
    def looks_since_best(self) -> int:
        """How many looks came behind the best one."""
        best = self.best_look
        return 0 if best is None else len(self.errors) - 1 - self.errors.index(best)

    def saw(self, error: float, parameters: Mapping[str, torch.Tensor]) -> None:
        """Note a look at this step, and keep the parameters where it is the best so far. Seen again, a step counts once."""
        if self.errors and self.errors[-1][0] >= self.step:
            return
        best = self.best_look
        self.errors.append((self.step, error))
        if best is None or error < best[1]:
            self.best = {name: value.detach().cpu().clone() for name, value in parameters.items()}


class StateFile:
    """One training's state. about: what the training is; a state of another one is refused, named by what differs."""

    def __init__(self, path: Path, about: Mapping[str, Any]) -> None:
        self.path, self._about = path, dict(about)

    def write(self, course: Course, parameters: Mapping[str, nn.Parameter], optimizer: torch.optim.Optimizer) -> None:
        """Raises ValueError naming the file where the disk refuses; what was there stays."""
        tensors = {f"learned.{name}": value.detach().cpu().contiguous() for name, value in parameters.items()}
        for name, value in parameters.items():
            for moment, kept in optimizer.state.get(value, {}).items():
                tensors[f"optimizer.{name}.{moment}"] = kept.detach().cpu().contiguous()
        tensors |= {f"best.{name}": value.contiguous() for name, value in course.best.items()}
        about = {
            "form": FORM,
            "step": course.step,
            "losses": course.losses,
            "errors": course.errors,
            "about": self._about,
        }
        try:
            write_safetensors(self.path, tensors, {"armature.training": json.dumps(about)})
        except OSError as error:
            raise ValueError(
                f"The state of the training cannot be written to {self.path} ({error}). Make room there or let the folder be "
                f"written, and queue again: it goes on from the last state that was written."
            ) from error

    def read(self, parameters: Mapping[str, nn.Parameter], optimizer: torch.optim.Optimizer) -> Course | None:
        """Put what was learned and the optimiser's state in their places; None where there is no file.

        Raises ValueError for a file that is damaged or of another training.
        """
        if not self.path.is_file():
            return None
        try:
            with safetensors.safe_open(self.path, "pt") as opened:
                told = json.loads((opened.metadata() or {})["armature.training"])
                tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
            step, losses, about = int(told["step"]), [float(one) for one in told["losses"]], dict(told["about"])
            errors = [(int(at), float(error)) for at, error in told.get("errors", [])]
        except (OSError, safetensors.SafetensorError, KeyError, ValueError, TypeError) as error:
            raise ValueError(
                f"The state of the training in {self.path} cannot be read ({type(error).__name__}: {error}). Remove the file or "
                "set resume to false, and it begins anew."
            ) from error
        self._check(about)
        wanted = {f"learned.{name}": value.shape for name, value in parameters.items()}
        found = {name: value.shape for name, value in tensors.items() if name.startswith("learned.")}
        if wanted != found:
            self._refuse("its parameters")
        with torch.no_grad():
            for name, value in parameters.items():
                value.copy_(tensors[f"learned.{name}"])
        for name, value in parameters.items():
            moments = {one: tensors.get(f"optimizer.{name}.{one}") for one in _MOMENTS}
            if all(one is not None for one in moments.values()):
                optimizer.state[value] = {
                    one: kept.clone().to(value.device if one != "step" else "cpu")
                    for one, kept in moments.items()
                    if kept is not None
                }
        best = {name.removeprefix("best."): one for name, one in tensors.items() if name.startswith("best.")}
        return Course(step, losses, errors, best)

    def _check(self, about: Mapping[str, Any]) -> None:
        other = [name for name, value in self._about.items() if about.get(name) != value]
        if other:
            self._refuse(", ".join(f"{name} ({about.get(name)} there, {self._about[name]} now)" for name in other))

    def _refuse(self, what: str) -> None:
        raise ValueError(
            f"There is a training of this name already, in {self.path}, and it differs in {what}. Give another name, set resume "
            "to false to begin anew, or set back what differs to go on with it."
        )
