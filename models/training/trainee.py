"""The model that is trained on: the host's own network, frozen, and the changes to a part of its weights that learn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import comfy.model_management as management
import torch
from torch import nn

from .in_place import keep_for_gradients

WHO = "Training"


class Change(nn.Module):
    """The difference of one weight that is learned, in float32 whatever the weight is stored in.

    The host calls it with the weight, where it casts the weight for use (`ModelPatcher.add_weight_wrapper`).
    """

    def __init__(self, weight: torch.Tensor) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.zeros(weight.shape, dtype=torch.float32))

    def __call__(self, weight: torch.Tensor) -> torch.Tensor:
        return (weight.float() + self.value.to(weight.device)).to(weight.dtype)

    def difference(self) -> torch.Tensor:
        """What is added to the weight."""
        return self.value.detach()

    def passive_memory_usage(self) -> int:
        """Bytes, for the host's account."""
        return self.value.nbytes

    def move_to(self, device: torch.device) -> int:
        """Called by the host when it loads the model; the bytes that were moved."""
        self.to(device)
        return self.value.nbytes


class LowRankChange(nn.Module):
    """The same as the product of two narrow matrices: up [out,rank] times down [rank,in], of which the first begins at zero."""

    def __init__(self, weight: torch.Tensor, rank: int) -> None:
        super().__init__()
        inner = weight[0].numel()
        self.up = nn.Parameter(torch.zeros(weight.shape[0], rank))
        self.down = nn.Parameter(torch.empty(rank, inner))
        nn.init.kaiming_uniform_(self.down, a=5**0.5)

    def __call__(self, weight: torch.Tensor) -> torch.Tensor:
        change = (self.up @ self.down).reshape(weight.shape).to(weight.device)
        return (weight.float() + change).to(weight.dtype)

    def difference(self) -> torch.Tensor:
        """What is added to the weight; its shape is [out,in], or as `like` says of a convolution."""
        return (self.up @ self.down).detach()

    def passive_memory_usage(self) -> int:
        """Bytes, for the host's account."""
        return self.up.nbytes + self.down.nbytes

    def move_to(self, device: torch.device) -> int:
        """Called by the host when it loads the model; the bytes that were moved."""
        self.to(device)
        return self.passive_memory_usage()


class Trainee:
    """A clone of a MODEL whose network can be trained through.

    chosen: whether a weight of the network (by its key, `diffusion_model.*`) learns a change; rank: of these changes, None
    for whole ones. The MODEL that came in computes as before; see `release`.
    """

    def __init__(self, model: Any, chosen: Callable[[str], bool], rank: int | None = None) -> None:
        check_trainable(model)
        self.patcher = model.clone()
        make_ordinary(self.patcher.model)
        self._kept = keep_for_gradients(self.patcher.model.diffusion_model)
        self.changes: dict[str, Change | LowRankChange] = {}
        self._shapes: dict[str, torch.Size] = {}
        for key, weight in self.patcher.model.named_parameters():
            if chosen(key):
                change = Change(weight) if rank is None else LowRankChange(weight, rank)
                self.changes[key] = change
                self._shapes[key] = weight.shape
                self.patcher.add_weight_wrapper(key, change)

    @property
    def network(self) -> Any:
        """The host's BaseModel."""
        return self.patcher.model

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.patcher.load_device

    def load(self) -> None:
        """Onto its device, whatever else the host has loaded meanwhile."""
        management.load_models_gpu([self.patcher], force_full_load=True)
        for change in self.changes.values():
            change.to(self.device)

    def differences(self) -> dict[str, torch.Tensor]:
        """Key -> what is added to the weight, on the processor."""
        return {key: one.difference().reshape(self._shapes[key]).cpu() for key, one in self.changes.items()}

    def options(self, sigmas: torch.Tensor) -> dict[str, Any]:
        """`transformer_options` of a call of the network, as the sampler would give them: the model's own patches act."""
        own = self.patcher.model_options.get("transformer_options", {})
        return {**own, "patches": dict(own.get("patches", {})), "sigmas": sigmas, "cond_or_uncond": [0]}

    def release(self) -> None:
        """Give the memory back; the next use of the MODEL that came in is without any change."""
        for handle in self._kept:
            handle.remove()
        management.unload_model_and_clones(self.patcher)
        self.patcher.weight_wrapper_patches.clear()


def check_trainable(model: Any) -> None:
    """ValueError, before anything is loaded, for a model that cannot be trained through: a quantised one."""
    for key, weight in model.model.named_parameters():
        if type(weight.data) not in (torch.Tensor, nn.Parameter) or not weight.is_floating_point():
            raise ValueError(
                f"{WHO}, input model: the weight {key} of {type(model.model).__name__} is quantised "
                f"({type(weight.data).__name__}, {weight.dtype}), and no gradient goes through it. Load the model in "
                "float16, bfloat16 or float32."
            )
        if weight.element_size() < 2:
            raise ValueError(
                f"{WHO}, input model: the weight {key} of {type(model.model).__name__} is stored in {weight.dtype}, which "
                "is too coarse to be trained on. Load the model in float16, bfloat16 or float32 (weight_dtype default)."
            )


def make_ordinary(network: nn.Module) -> None:
    """Give a network ordinary tensors of the same values in place of those that the host made in inference mode.

    Autograd may not keep the latter. One at a time, so that no second copy of the network is ever there.
    """
    with torch.inference_mode(False), torch.no_grad():
        for module in network.modules():
            for key, value in list(module._parameters.items()):
                if value is not None and value.is_inference():
                    module._parameters[key] = nn.Parameter(value.detach().clone(), requires_grad=False)
                elif value is not None:
                    value.requires_grad_(False)
            for key, buffer in list(module._buffers.items()):
                if buffer is not None and buffer.is_inference():
                    module._buffers[key] = buffer.clone()


@contextmanager
def training_mode() -> Iterator[None]:
    """With gradients inside a node of the host, which runs in inference mode, and with kernels that have them."""
    before = getattr(management, "in_training", None)
    if before is not None:
        management.in_training = True  # type: ignore[attr-defined]
    try:
        with torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        if before is not None:
            management.in_training = before  # type: ignore[attr-defined]
