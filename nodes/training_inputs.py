"""What the nodes that train share: how long, how often looked at, and how the held-out pictures are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .api import io

CATEGORY = "Armature/training"
LossMapType = io.Custom("LOSS_MAP")  # the host's own


def batch_inputs() -> list[Any]:
    """How many pictures a step takes."""
    return [
        io.Int.Input(
            "batch", default=4, min=1, max=256, optional=True, tooltip="Pictures that are learned from at once."
        ),
        io.Int.Input(
            "accumulation",
            default=1,
            min=1,
            max=63,
            optional=True,
            advanced=True,
            tooltip="Batches to a step, where memory does not hold a larger batch.",
        ),
    ]


def rate_input(name: str, default: float, tooltip: str, advanced: Any = None) -> Any:
    """A learning rate."""
    return io.Float.Input(
        name, default=default, min=0.0, max=1.0, step=1e-6, optional=True, advanced=advanced, tooltip=tooltip
    )


def share_input(name: str, default: float, tooltip: str) -> Any:
    """A share of the pictures."""
    return io.Float.Input(
        name, default=default, min=0.0, max=1.0, step=0.01, optional=True, advanced=True, tooltip=tooltip
    )


def noisy_times_input(settled: str) -> Any:
    """Which moments are learned from. settled: what the noisy ones settle, in words."""
    return io.Float.Input(
        "noisy_times",
        default=0.6,
        min=0.1,
        max=4.0,
        step=0.05,
        optional=True,
        advanced=True,
        tooltip=f"Below 1, the noisy moments come more often, which settle {settled}. 1: all alike.",
    )


def running_inputs(held_out: str, validate_every: int = 100) -> list[Any]:
    """The last inputs of a node that trains. held_out: what becomes of the pictures that are held out."""
    import comfy.samplers

    return [
        io.Int.Input(
            "seed",
            default=0,
            min=0,
            max=2**31 - 1,
            optional=True,
            control_after_generate=False,  # with another seed it would be another training, and not go on
            tooltip="Of all chance in the training.",
        ),
        io.Boolean.Input(
            "resume",
            default=True,
            optional=True,
            tooltip="Go on with a training of this name. Off: begin anew, and lose what it had learned.",
        ),
        io.Int.Input(
            "save_every",
            default=100,
            min=1,
            max=100_000,
            optional=True,
            advanced=True,
            tooltip="Steps between states.",
        ),
        io.Int.Input(
            "validate_every",
            default=validate_every,
            min=1,
            max=100_000,
            optional=True,
            tooltip="Steps between two looks at the held-out pictures.",
        ),
        io.Int.Input(
            "validation_pictures",
            default=4,
            min=0,
            max=64,
            optional=True,
            tooltip=held_out,
        ),
        io.Int.Input(
            "validation_steps",
            default=12,
            min=1,
            max=200,
            optional=True,
            advanced=True,
            tooltip="Sampling steps of a held-out picture.",
        ),
        io.Float.Input(
            "cfg", default=4.0, min=1.0, max=30.0, step=0.1, optional=True, advanced=True, tooltip="Guidance."
        ),
        io.Combo.Input(
            "sampler_name",
            options=list(comfy.samplers.KSampler.SAMPLERS),
            default="euler",
            optional=True,
            advanced=True,
            tooltip="Of the held-out pictures.",
        ),
        io.Combo.Input(
            "scheduler",
            options=list(comfy.samplers.KSampler.SCHEDULERS),
            default="normal",
            optional=True,
            advanced=True,
            tooltip="Of the held-out pictures.",
        ),
        io.Boolean.Input(
            "gradient_checkpointing",
            default=False,
            optional=True,
            advanced=True,
            tooltip="Much less memory for about a third more time. What is learned is the same.",
        ),
    ]


class Given:
    """What came in at the optional inputs; what did not is as `defaults` or else the dataclasses say."""

    def __init__(self, settings: Mapping[str, Any], **defaults: Any) -> None:
        self._given = defaults | {name: value for name, value in settings.items() if value is not None}

    def of(self, kind: Any, **names: str) -> Any:
        """A dataclass: input -> field."""
        return kind(**{field: self._given[name] for name, field in names.items() if name in self._given})

    def pace(self, steps: int) -> Any:
        """How the loop runs."""
        from ..models.training.loop import Pace

        names = ("batch", "accumulation", "noisy_times", "without_text", "seed", "save_every", "validate_every")
        return Pace(steps=steps, **{name: self._given[name] for name in names if name in self._given})

    def drawing(self) -> Any:
        """How held-out pictures are drawn."""
        from ..models.training.drawing import Drawing

        return self.of(Drawing, validation_steps="steps", cfg="cfg", sampler_name="sampler", scheduler="scheduler")

    def running(self) -> dict[str, Any]:
        """Named arguments of the functions that train."""
        given = self._given
        return {"pictures": given.get("validation_pictures", 4), "resume": given.get("resume", True)}
