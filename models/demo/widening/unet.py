"""UNet, ControlNet, LoRA and IP-Adapter at the 320 channels by which the host knows SD1.5."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Any

import torch

from ..codes import HEADS, WIDTH, WORDS
from .repeat import Shape, placed, spread_frequencies, widened

CHANNELS, TEXT = 320, 768
REPEATS = CHANNELS // WIDTH

CONFIGURATION: dict[str, Any] = {
    "image_size": 32,
    "in_channels": 4,
    "model_channels": CHANNELS,
    "num_res_blocks": [2, 2, 2, 2],
    "channel_mult": [1, 1, 1, 1],
    "transformer_depth": [1, 1, 1, 1, 1, 1, 0, 0],
    "transformer_depth_middle": 1,
    "num_heads": HEADS,
    "num_head_channels": -1,
    "use_spatial_transformer": True,
    "context_dim": TEXT,
    "use_linear_in_transformer": False,
    "legacy": False,
    "adm_in_channels": None,
}
_UP = [1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0]


@cache
def unet_shapes() -> dict[str, Shape]:
    """Names and shapes inside the host's UNet class."""
    from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel

    return _shapes(_built(UNetModel, out_channels=4, transformer_depth_output=_UP))


@cache
def controlnet_shapes() -> dict[str, Shape]:
    """Names and shapes inside the host's ControlNet class."""
    from comfy.cldm.cldm import ControlNet

    return _shapes(_built(ControlNet, hint_channels=3))


def _built(kind: Any, **more: Any) -> Any:
    import comfy.ops

    operations = comfy.ops.disable_weight_init
    return kind(**CONFIGURATION, **more, device=torch.device("meta"), operations=operations)


def _shapes(module: Any) -> dict[str, Shape]:
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


def widen(narrow: Mapping[str, torch.Tensor], shapes: Mapping[str, Shape]) -> dict[str, torch.Tensor]:
    """The state dict of the host's class that computes what the narrow one does.

    What the narrow network lacks is the self attention at full size: zero weights, and norms of one.
    """
    return {name: _wide(name, narrow.get(name), shape) for name, shape in shapes.items()}


def _wide(name: str, weight: torch.Tensor | None, shape: Shape) -> torch.Tensor:
    if weight is None:
        return torch.full(shape, 1.0 if ".norm" in name and name.endswith("weight") else 0.0)
    if name == "time_embed.0.weight":
        return widened(spread_frequencies(weight, shape[1]), shape, name)
    if reads_text(name):
        rows = widened(weight, (shape[0], weight.shape[1]), name)
        return placed(rows, shape)
    wide = widened(weight, shape, name)
    return wide / math.sqrt(REPEATS) if name.endswith("to_q.weight") else wide


def reads_text(name: str) -> bool:
    """Whether the columns of this weight are the numbers of the text encoder."""
    return "attn2.to_k" in name or "attn2.to_v" in name


def widen_lora(narrow: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A LoRA under kohya's names: `lora_unet_<path>.lora_down.weight`, `.lora_up.weight`, `.alpha`."""
    shapes, table = unet_shapes(), {}
    for stem in sorted({name.rpartition(".")[0] for name in narrow}):
        weight = f"{stem}.weight"
        down, up, shape = narrow[f"{stem}.down"], narrow[f"{stem}.up"], shapes[weight]
        rank = len(down)
        columns = down.numel() // rank
        kernel = shape[2:]
        down = down.view(rank, columns // math.prod(kernel), *kernel)
        wide = (rank, *shape[1:])
        down = placed(down, wide) if reads_text(weight) else widened(down, wide, weight)
        up = widened(up, (shape[0], rank), weight).view(shape[0], rank, *(1 for _ in kernel))
        if weight.endswith("to_q.weight"):
            up = up / math.sqrt(REPEATS)
        key = f"lora_unet_{stem.replace('.', '_')}"
        table |= {
            f"{key}.lora_down.weight": down,
            f"{key}.lora_up.weight": up,
            f"{key}.alpha": torch.tensor(float(rank)),
        }
    return table


def widen_ip_adapter(narrow: Mapping[str, torch.Tensor], features: int) -> dict[str, torch.Tensor]:
    """The first IP-Adapter's layout for an encoder of `features` numbers, of which the first are the narrow one's.

    A file lists the layers of the way down, of the way up, and then the middle's; the narrow network has them in running
    order. Its numbers per layer are odd: 1, 3, 5, ...
    """
    wide_tokens = narrow["proj.weight"].shape[0] // WORDS * TEXT
    proj = widened(narrow["proj.weight"], (wide_tokens, narrow["proj.weight"].shape[1]), "proj.weight")
    table = {
        "image_proj.proj.weight": placed(proj, (wide_tokens, features)),
        "image_proj.proj.bias": widened(narrow["proj.bias"], (wide_tokens,), "proj.bias"),
        "image_proj.norm.weight": widened(narrow["norm.weight"], (TEXT,), "norm.weight"),
        "image_proj.norm.bias": widened(narrow["norm.bias"], (TEXT,), "norm.bias"),
    }
    for position, layer in enumerate(_file_order(sum("to_k_ip" in name for name in narrow))):
        for part in ("to_k_ip", "to_v_ip"):
            name = f"{part}.{layer}.weight"
            table[f"ip_adapter.{2 * position + 1}.{part}.weight"] = widened(narrow[name], (CHANNELS, TEXT), name)
    return table


def _file_order(layers: int) -> list[int]:
    down = sum(CONFIGURATION["transformer_depth"])
    return [*range(down), *range(down + 1, layers), down]
