"""The sigmas that a sampler will step through, before it runs."""

from __future__ import annotations

from typing import Any

import torch


def step_sigmas(model: Any, scheduler: str, steps: int, denoise: float = 1.0, sigmas: Any = None) -> list[float]:
    """Sigma at the start of each step: of linked SIGMAS, or as the host's KSampler computes them for a scheduler."""
    if sigmas is None:
        import comfy.samplers

        if scheduler not in comfy.samplers.SCHEDULER_NAMES:
            raise ValueError(
                f'Input scheduler: "{scheduler}" is not one of {", ".join(comfy.samplers.SCHEDULER_NAMES)}.'
            )
        total = steps if denoise >= 1.0 else int(steps / denoise) if denoise > 0 else 0
        if total == 0:
            return []
        sigmas = comfy.samplers.calculate_sigmas(model.get_model_object("model_sampling"), scheduler, total)
        sigmas = sigmas[-(steps + 1) :]
    elif not isinstance(sigmas, torch.Tensor) or sigmas.ndim != 1:
        raise ValueError(f"Input sigmas: SIGMAS are wanted, not {type(sigmas).__name__}. Link a scheduler node.")
    return [float(sigma) for sigma in sigmas[:-1]]
