"""ControlNet-LLLite for SD 1.5 and SDXL: small modules beside the UNet's attention layers, which the host does not load.

Layout and arithmetic are those of kohya-ss (sd-scripts, `networks/control_net_lllite.py`; ControlNet-LLLite-ComfyUI,
`node_control_net_lllite.py`): what goes into a query, key or value is changed by a module that sees it and the map,
x + up(mid([stem(map), down(x)])). Modules beside `proj_in`, which those nodes leave out, are left out here as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import comfy.model_management
import comfy.ops
import torch
from einops import rearrange
from torch import nn
from torch.nn.functional import interpolate

from ...host import put_under_management
from .weighting import Weighted

_NAME = re.compile(
    r"lllite_unet_(?:(input|output)_blocks_(\d+)|(middle)_block)_1_transformer_blocks_(\d+)_(attn[12])_to_([qkv])"
)
# (part of the UNet, block, transformer in it, attention, what of it)
Place = tuple[str, int, int, str, str]


def place_of(name: str) -> Place | None:
    """Where a module acts, by its name in the file; None for one that is not beside a query, key or value."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    part, block, middle, index, attention, what = found.groups()
    return middle or part, int(block or 0), int(index), attention, what


class LLLiteModule(nn.Module):
    """One module. shapes: of its tensors by name; the stem shrinks the map by 8, 16 or 32."""

    def __init__(self, shapes: Mapping[str, Sequence[int]], **factory: Any) -> None:
        super().__init__()
        operations = factory.pop("operations")
        convolutions = sorted(
            int(name.split(".")[1]) for name in shapes if re.fullmatch(r"conditioning1\.\d+\.weight", name)
        )
        layers: list[nn.Module] = []
        for number in convolutions:
            out, into, size, _ = shapes[f"conditioning1.{number}.weight"]
            layers += [nn.ReLU()] * (number - len(layers))
            layers.append(operations.Conv2d(into, out, size, stride=size, **factory))
        self.conditioning1 = nn.Sequential(*layers)
        self.down = nn.Sequential(_linear(shapes, "down.0", operations, factory), nn.ReLU())
        self.mid = nn.Sequential(_linear(shapes, "mid.0", operations, factory), nn.ReLU())
        self.up = nn.Sequential(_linear(shapes, "up.0", operations, factory))

    def forward(self, x: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        """What is added to x [B,N,D]; seen: the map behind the stem, [B,N,C]."""
        return self.up(self.mid(torch.cat((seen, self.down(x)), dim=2)))


def _linear(shapes: Mapping[str, Sequence[int]], name: str, operations: Any, factory: Mapping[str, Any]) -> nn.Module:
    out, into = shapes[f"{name}.weight"]
    return operations.Linear(into, out, **factory)


class ControlLLLite(nn.Module):
    """All modules of a file, by the file's names. family: `sd15` or `sdxl`."""

    def __init__(self, shapes: Mapping[str, Sequence[int]], family: str, **factory: Any) -> None:
        super().__init__()
        self.family = family
        by_module: dict[str, dict[str, Sequence[int]]] = {}
        for name, shape in shapes.items():
            module, _, rest = name.partition(".")
            if place_of(module) is not None:
                by_module.setdefault(module, {})[rest] = shape
        if not by_module:
            raise ValueError("It holds no module beside a query, key or value of a UNet.")
        self.places: dict[Place, str] = {}
        for name, own in by_module.items():
            place = place_of(name)
            assert place is not None
            self.places[place] = name
            self.add_module(name, LLLiteModule(own, **factory))


def load_lllite(weights: Mapping[str, torch.Tensor], family: str) -> Any:
    """The host's patcher of a file's modules."""
    kept = {name: value for name, value in weights.items() if place_of(name.partition(".")[0]) is not None}
    dtype = next(iter(kept.values())).dtype if kept else torch.float32
    network = ControlLLLite(
        {name: tuple(value.shape) for name, value in kept.items()},
        family,
        device=comfy.model_management.unet_offload_device(),
        dtype=dtype,
        operations=comfy.ops.manual_cast,
    )
    network.load_state_dict(kept)
    return put_under_management(network)


class LLLitePatch:
    """The modules as the host's patch before an attention. image: [B,H,W,3] in 0..1 at the size of the picture.

    leads: it stands before patches of others, of which some merge or tile the tokens (ToMe, HyperTile): it has one of the map
    for each.
    """

    leads = True

    def __init__(self, patcher: Any, image: torch.Tensor, attention: str) -> None:
        self.patcher = patcher
        self.image = image.movedim(-1, 1) * 2 - 1
        self.attention = attention
        self.strength = 1.0
        self.wrapper = WeightedUNetAttention
        self._seen: dict[tuple[str, int, int], torch.Tensor] = {}

    def to(self, device_or_dtype: Any) -> LLLitePatch:
        """The host's protocol for patches."""
        if isinstance(device_or_dtype, torch.device):
            self.image = self.image.to(device_or_dtype)
            self._seen.clear()
        return self

    def models(self) -> list[Any]:
        """The host's protocol for patches."""
        return [self.patcher]

    def __call__(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, options: Mapping[str, Any]) -> Any:
        """q: [B,N,D], k, v: [B,M,C], as the host hands them over; options: its own of this layer."""
        part, block = options["block"]
        at = (part, block, options["block_index"], self.attention)
        rows, columns = options["activations_shape"][-2:]
        changed = []
        for what, x in (("q", q), ("k", k), ("v", v)):
            name = self.patcher.model.places.get((*at, what))
            if name is None:
                changed.append(x)
                continue
            module = self.patcher.model.get_submodule(name)
            changed.append(x + module(x, self._map(name, module, rows, columns, x)) * self.strength)
        return tuple(changed)

    def _map(self, name: str, module: LLLiteModule, rows: int, columns: int, x: torch.Tensor) -> torch.Tensor:
        key = (name, rows, columns)
        if key not in self._seen:
            seen = module.conditioning1(self.image.to(x))
            if seen.shape[-2:] != (rows, columns):  # a side that the stem's strides do not divide
                seen = interpolate(seen, (rows, columns), mode="bilinear")
            self._seen[key] = rearrange(seen, "b c h w -> b (h w) c")
        seen = self._seen[key]
        return seen.repeat(x.shape[0] // seen.shape[0], 1, 1)


class WeightedUNetAttention(Weighted):
    """Before an attention of a UNet: what its queries, keys and values are changed by."""

    @torch.compiler.disable
    def __call__(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, options: Mapping[str, Any]) -> Any:
        """The same as `LLLitePatch`."""
        self._set_strength()
        out = self.patch(q, k, v, options)
        self.weights.saw(out[0] - q)
        if not self.weights.shapes:
            return out
        grid = options["activations_shape"][-2:]
        return tuple(
            after if after is before else self.weights.between(before, after, grid=grid)
            for before, after in zip((q, k, v), out, strict=True)
        )
