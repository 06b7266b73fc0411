"""Calls of a network that torch.compile must not run from what it compiled before."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from comfy.patcher_extension import WrappersMP

_KEY = "armature_uncompiled"


def uncompiled() -> AbstractContextManager[Any]:
    """Runs a network that torch.compile has compiled as it was written.

    The host's compile node drops every guard on `transformer_options`: code that was compiled without pictures, or without a
    patch, would be used again in a call with them, and they silently ignored. Before torch 2.6 nothing can be done about it.
    """
    set_stance = getattr(torch.compiler, "set_stance", None)
    return nullcontext() if set_stance is None else set_stance("force_eager")


def run_uncompiled(transformer_options: dict[str, Any]) -> None:
    """Let the call that these options are for run so; dicts that others may hold are replaced, not changed."""
    wrappers = dict(transformer_options.get("wrappers", {}))
    kind = WrappersMP.APPLY_MODEL
    wrappers[kind] = {**wrappers.get(kind, {}), _KEY: [_without]}
    transformer_options["wrappers"] = wrappers


@torch.compiler.disable
def _without(executor: Any, *args: Any, **kwargs: Any) -> Any:
    with uncompiled():
        return executor(*args, **kwargs)
