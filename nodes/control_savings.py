"""What a control stack may leave out to be faster, one by one or as a profile."""

from __future__ import annotations

from typing import Any

from .api import SHOWS, ControlSavingsType, io
from .control import CATEGORY
from .shown import shown


class ArmatureControlSavings(io.ComfyNode):
    """The savings one by one."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ArmatureControlSavings",
            display_name="Control Savings",
            category=CATEGORY,
            description="What a control stack may leave out to be faster. Link it to savings of Apply ControlNet Stack.",
            search_aliases=[
                "faster controlnet",
                "speed up control",
                "cache control",
                "skip steps",
                "control only positive",
            ],
            inputs=[
                io.Boolean.Input(
                    "conditional_only",
                    default=False,
                    optional=True,
                    tooltip=(
                        "Run control nets on the prompt's half alone: half their cost. The guidance then amplifies the "
                        "control, so lower the weights."
                    ),
                ),
                io.Int.Input(
                    "every",
                    default=1,
                    min=1,
                    max=100,
                    optional=True,
                    tooltip="Run control nets on every n-th step and use the same result for the steps between. 1: on each step.",
                ),
                io.Float.Input(
                    "until",
                    default=1.0,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    optional=True,
                    tooltip="Stop all control at this share of the noise schedule. 1: never.",
                ),
            ],
            outputs=[ControlSavingsType.Output("savings", tooltip="To savings of Apply ControlNet Stack.")],
        )

    @classmethod
    def execute(cls, conditional_only: bool = False, every: int = 1, until: float = 1.0) -> io.NodeOutput:
        from ..models.control.savings import Savings

        return io.NodeOutput(Savings(conditional_only, every, until))


class ArmatureProfile(io.ComfyNode):
    """Settings that go together."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        from ..models.control.savings import PROFILES

        return io.Schema(
            **SHOWS,
            node_id="ArmatureProfile",
            display_name="Profile",
            category=CATEGORY,
            description=(
                "One choice between speed and fidelity: savings for Apply ControlNet Stack, and steps, sampler and scheduler for "
                "your sampler. Turn the sampler's widgets into inputs to link them."
            ),
            search_aliases=["speed", "quality preset", "fast", "high fidelity", "sampler preset"],
            inputs=[
                io.Combo.Input(
                    "profile",
                    options=list(PROFILES),
                    default="balanced",
                    optional=True,
                    tooltip=(
                        "fast: 12 steps, control computed on every third. balanced: 20 steps, control computed on every second. "
                        "high_fidelity: 30 steps, nothing left out."
                    ),
                )
            ],
            outputs=[
                ControlSavingsType.Output("savings", tooltip="To savings of Apply ControlNet Stack."),
                io.Int.Output("steps", display_name="steps", tooltip="To steps of the sampler."),
                # Of any type: the host's samplers want a link of the very list of their choices, others want COMBO.
                io.AnyType.Output(
                    "sampler_name", display_name="sampler_name", tooltip="To sampler_name of the sampler."
                ),
                io.AnyType.Output("scheduler", display_name="scheduler", tooltip="To scheduler of the sampler."),
                io.String.Output("report", display_name="report", tooltip="The profile in words."),
            ],
        )

    @classmethod
    def execute(cls, profile: Any = "balanced") -> io.NodeOutput:
        from ..models.control.savings import described, find_profile

        chosen = find_profile(profile or "balanced")
        told = described(chosen)
        return io.NodeOutput(chosen.savings, chosen.steps, chosen.sampler, chosen.scheduler, told, ui=shown(told))
