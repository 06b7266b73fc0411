"""The plot of a stack and its table, for the node that draws them."""

from __future__ import annotations

from typing import Any

import torch

from .plot import plotted
from .sampler_sigmas import step_sigmas
from .savings import Savings
from .stack import ControlStack
from .timeline import described, timeline


def plot_and_table(
    stack: ControlStack, model: Any, scheduler: str, steps: int, denoise: float, sigmas: Any, savings: Savings
) -> tuple[torch.Tensor, str]:
    """IMAGE [1,H,W,3] and a text: the weight of each signal at each step of the sampler."""
    line = timeline(
        stack,
        step_sigmas(model, scheduler, steps, denoise, sigmas),
        model.get_model_object("model_sampling"),
        savings,
    )
    return plotted(line), described(line)
