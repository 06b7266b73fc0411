"""Several processes that train one part together: each draws its own batches, and all take the same step.

A network this small keeps one core busy but not two. Started by torchrun, which says in the environment who is who:
`torchrun --nproc-per-node 2 armature.py train-demo --to DIR`. Without it a process is alone, and all of this does nothing.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Iterable
from typing import TypeVar

import torch
from torch import distributed

Made = TypeVar("Made")


def join() -> None:
    """Meet the other processes, if there are any."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not distributed.is_initialized():
        distributed.init_process_group("gloo")
        # A process that ends before the others would be ended by its own waiting threads instead.
        atexit.register(distributed.destroy_process_group)


def rank() -> int:
    """0 for the process that writes; the others count from 1."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def size() -> int:
    """How many processes there are."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def leader_first(make: Callable[[], Made]) -> Made:
    """What `make` returns; the first process makes it before the others, who then find its files."""
    if not distributed.is_initialized():
        return make()
    if rank() > 0:
        distributed.barrier()
    made = make()
    if rank() == 0:
        distributed.barrier()
    return made


def average_gradients(parameters: Iterable[torch.nn.Parameter]) -> None:
    """Replace each gradient by its mean over all processes."""
    if not distributed.is_initialized():
        return
    gradients = [value.grad for value in parameters if value.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    distributed.all_reduce(flat)
    parts = flat.div_(size()).split([gradient.numel() for gradient in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))


def total(seconds: float) -> float:
    """The sum over all processes."""
    if not distributed.is_initialized():
        return seconds
    whole = torch.tensor(seconds, dtype=torch.float64)
    distributed.all_reduce(whole)
    return float(whole)
