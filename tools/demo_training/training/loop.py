"""One loop for every part: the step of the pack's own training, an average of the weights, a checkpoint often enough."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from ....common.atomic_write import write_text
from ....models.training.optimisation import Curve, Group, Optimisation
from . import processes
from .files import part_of, read, write
from .part import Part

SAVE_EVERY = 90.0  # seconds of the clock on the wall
LOG_EVERY = 50  # steps
_CURVE, _LONGEST_AVERAGE = Curve(warm_up=100, floor=0.03), 0.9985


@dataclass
class Progress:
    """Where a part stands. seconds: of work so far (processor time on a CPU), out of `budget`."""

    budget: float
    step: int = 0
    seconds: float = 0.0
    losses: list[float] = field(default_factory=list)
    before: tuple[Mapping[str, Any], ...] = ()

    @property
    def numbers(self) -> dict[str, Any]:
        """What is kept of it."""
        return {"steps": self.step, "seconds": self.seconds} | ({"before": self.before} if self.before else {})

    @property
    def fraction(self) -> float:
        return min(1.0, self.seconds / self.budget)


@dataclass(frozen=True)
class Known:
    """Weights to begin with. before: the steps and seconds that they took, the earliest training first; log: its rows."""

    tensors: Mapping[str, torch.Tensor]
    before: tuple[Mapping[str, Any], ...] = ()
    log: str = ""


class Training:
    """Trains one part in `folder` until its budget is used up; started again it goes on from its checkpoint."""

    def __init__(
        self,
        part: Part,
        folder: Path,
        budget: float,
        device: torch.device,
        stream: int | None = None,
        known: Known | None = None,
    ) -> None:
        """stream: parts with the same number see the same batches; by default each has its own. known: what to begin with, where
        there is no checkpoint; weights that it lacks begin as the part has them.
        """
        self.part, self.folder, self.device = part, folder, device
        self.stream = len(part.name) if stream is None else stream
        self.progress = Progress(budget)
        if known and not self.checkpoint.exists():
            self._begin(known)
        self.average = {name: value.detach().clone() for name, value in part.parameters.items()}
        rates = ((value, part.learning_rate * part.rates.get(name, 1.0)) for name, value in part.parameters.items())
        groups = [Group([value], rate, 1e-4 if value.dim() > 1 else 0.0) for value, rate in rates]
        self._optimisation = Optimisation(groups, _CURVE, fused=True)
        if self.checkpoint.exists():
            self._resume()

    @property
    def checkpoint(self) -> Path:
        return self.folder / f"{self.part.name}.checkpoint.safetensors"

    @property
    def _log_file(self) -> Path:
        return self.folder / f"{self.part.name}.jsonl"

    @property
    def finished(self) -> Path:
        """The averaged weights; there once the budget is used up."""
        return self.folder / f"{self.part.name}.safetensors"

    @torch.no_grad()
    def _begin(self, known: Known) -> None:
        for name, value in self.part.parameters.items():
            if name in known.tensors:
                value.copy_(known.tensors[name])
        self.progress.before = known.before
        if known.log and processes.rank() == 0:
            write_text(self._log_file, known.log)

    def run(self, say: Callable[[str], None], clock: Callable[[], float] | None = None) -> Path:
        """Train to the end and return the path of the weights."""
        now = clock or (time.process_time if self.device.type == "cpu" else time.perf_counter)
        saved = time.monotonic()
        leads = processes.rank() == 0
        while self.progress.fraction < 1:
            start = now()
            self.step()
            self.progress.seconds += processes.total(now() - start)
            if leads and self.progress.step % LOG_EVERY == 0:
                say(self._log())
            if leads and time.monotonic() - saved > SAVE_EVERY:
                self._save()
                saved = time.monotonic()
        if not leads:
            return self.finished
        self._save()
        write(self.finished, self.average, self.progress.numbers)
        return self.finished

    def step(self) -> None:
        """One batch, forth and back."""
        progress, part = self.progress, self.part
        seed = 1_000_003 * self.stream + progress.step + 500_000_003 * processes.rank()
        dice = torch.Generator(self.device).manual_seed(seed)

        def together() -> None:
            processes.average_gradients(part.parameters.values())

        loss = self._optimisation.step([lambda: part.loss(dice)], progress.step, progress.fraction, together)
        progress.step += 1
        progress.losses.append(loss)
        keep = min(_LONGEST_AVERAGE, (1 + progress.step) / (10 + progress.step))
        with torch.no_grad():
            for name, value in part.parameters.items():
                self.average[name].lerp_(value, 1 - keep)

    def _log(self) -> str:
        progress = self.progress
        row: dict[str, Any] = {
            "step": progress.step,
            "seconds": round(progress.seconds, 1),
            "loss": round(sum(progress.losses) / len(progress.losses), 5),
        }
        progress.losses.clear()
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._log_file.open("a", encoding="utf-8") as log:
            log.write(json.dumps(row) + "\n")
        return f"{self.part.name}: step {row['step']}, {progress.fraction:.0%}, loss {row['loss']:.4f}"

    def _save(self) -> None:
        tensors = {f"now.{name}": value for name, value in self.part.parameters.items()}
        tensors |= {f"average.{name}": value for name, value in self.average.items()}
        for name, value in self.part.parameters.items():
            for kind, state in self._optimisation.adam.state.get(value, {}).items():
                tensors[f"{kind}.{name}"] = state
        write(self.checkpoint, tensors, self.progress.numbers)

    def _resume(self) -> None:
        tensors, numbers = read(self.checkpoint, self.device)
        self.progress.step, self.progress.seconds = numbers["steps"], numbers["seconds"]
        self.progress.before = tuple(numbers.get("before", ()))
        average = part_of(tensors, "average")
        kinds = {kind: part_of(tensors, kind) for kind in ("step", "exp_avg", "exp_avg_sq")}
        now = part_of(tensors, "now")
        with torch.no_grad():
            for name, value in self.part.parameters.items():
                value.copy_(now[name])
                self.average[name].copy_(average[name])
                self._optimisation.adam.state[value] = {
                    kind: _like(value, states[name]) for kind, states in kinds.items() if name in states
                }


def _like(parameter: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
    """The state in the parameter's memory format: the fused optimizer pairs them by place in memory."""
    return torch.empty_like(parameter).copy_(state) if state.shape == parameter.shape else state
