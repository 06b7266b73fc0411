"""Fun control of FLUX.2: a branch of double blocks beside the model's own, which the host has no node for.

Layout and arithmetic are those of aigc-apps/VideoX-Fun (`models/flux2_transformer2d_control.py`,
`pipeline/pipeline_flux2_control.py`): before the first block the encoded map joins the picture's tokens, the branch's blocks
follow one another, and what each gives is added behind every second block of the model. The blocks are the host's own class.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import comfy.ldm.flux.layers
import comfy.model_management
import comfy.ops
import comfy.utils
import torch
from einops import rearrange
from torch import nn
from torch.nn.functional import interpolate, pad

from ...host import put_under_management
from .weighting import Weighted

BLOCKS = "control_transformer_blocks"
STRIDE = 2  # the branch has a block for every second one of the model

# Of a block, by the file's names: {the host's name: names whose rows it joins}.
_NAMES: Mapping[str, Sequence[str]] = {
    "img_attn.qkv": ("attn.to_q", "attn.to_k", "attn.to_v"),
    "img_attn.norm.query_norm": ("attn.norm_q",),
    "img_attn.norm.key_norm": ("attn.norm_k",),
    "img_attn.proj": ("attn.to_out.0",),
    "img_mlp.0": ("ff.linear_in",),
    "img_mlp.2": ("ff.linear_out",),
    "txt_attn.qkv": ("attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"),
    "txt_attn.norm.query_norm": ("attn.norm_added_q",),
    "txt_attn.norm.key_norm": ("attn.norm_added_k",),
    "txt_attn.proj": ("attn.to_add_out",),
    "txt_mlp.0": ("ff_context.linear_in",),
    "txt_mlp.2": ("ff_context.linear_out",),
}


class ControlBlock(nn.Module):
    """One block. first: whether it takes in the map."""

    def __init__(self, width: int, heads: int, mlp_ratio: float, first: bool, **factory: Any) -> None:
        super().__init__()
        operations = factory["operations"]
        made = {name: value for name, value in factory.items() if name != "operations"}
        self.before_proj = operations.Linear(width, width, **made) if first else None
        self.block = comfy.ldm.flux.layers.DoubleStreamBlock(
            width, heads, mlp_ratio, modulation=False, mlp_silu_act=True, proj_bias=False, **factory
        )
        self.after_proj = operations.Linear(width, width, **made)


class Flux2FunControl(nn.Module):
    """The branch. channels: of the encoded map, of a mask in its cells, and of the encoded picture that is painted into."""

    def __init__(self, channels: int, width: int, heads: int, mlp_ratio: float, blocks: int, **factory: Any) -> None:
        super().__init__()
        made = {name: value for name, value in factory.items() if name != "operations"}
        self.control_img_in = factory["operations"].Linear(channels, width, **made)
        self.blocks = nn.ModuleList(
            [ControlBlock(width, heads, mlp_ratio, number == 0, **factory) for number in range(blocks)]
        )


def _renamed(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """By the host's names of a block. KeyError for one that is missing, ValueError for one beside it that is not read."""
    read: set[str] = set()

    def take(name: str) -> torch.Tensor:
        read.add(name)
        return weights[name]

    renamed = {name: take(name) for name in ("control_img_in.weight", "control_img_in.bias")}
    for number in range(_count(weights)):
        old, new = f"{BLOCKS}.{number}", f"blocks.{number}"
        for host, own in _NAMES.items():
            renamed[f"{new}.block.{host}.weight"] = torch.cat([take(f"{old}.{name}.weight") for name in own])
        for name in ("before_proj", "after_proj") if number == 0 else ("after_proj",):
            for part in ("weight", "bias"):
                renamed[f"{new}.{name}.{part}"] = take(f"{old}.{name}.{part}")
    layers = {name.rpartition(".")[0] for name in read}
    # Without the scale of a quantised layer its numbers mean something else.
    over = [name for name in weights if name not in read and name.rpartition(".")[0] in layers]
    if over:
        raise ValueError(f"{over[0]} is not read, nor are {len(over) - 1} more")
    return renamed


def _count(names: Mapping[str, Any]) -> int:
    return len({name.split(".")[1] for name in names if name.startswith(f"{BLOCKS}.")})


def load_flux2_fun(weights: Mapping[str, torch.Tensor]) -> Any:
    """The host's patcher of a file's branch. KeyError or RuntimeError for a file that is not whole."""
    first = f"{BLOCKS}.0"
    width, channels = weights["control_img_in.weight"].shape
    heads = width // weights[f"{first}.attn.norm_q.weight"].shape[0]
    network = Flux2FunControl(
        channels,
        width,
        heads,
        weights[f"{first}.ff.linear_out.weight"].shape[1] / width,
        _count(weights),
        device=comfy.model_management.unet_offload_device(),
        dtype=weights["control_img_in.weight"].dtype,
        operations=comfy.ops.manual_cast,
    )
    network.load_state_dict(_renamed(weights))
    return put_under_management(network)


def check_blocks(network: Flux2FunControl, model: Any) -> str:
    """What is wrong with a branch for a model of the host's, or ""."""
    if not getattr(model.params, "global_modulation", False):
        return "acts on FLUX.2 alone, and the model being sampled is another Flux. Load FLUX.2, or a control for yours."
    depth, wanted = len(model.double_blocks), len(network.blocks)
    if -(-depth // STRIDE) == wanted:
        return ""
    return (
        f"has {wanted} blocks, one for every second of a model with {STRIDE * wanted}, and the one being sampled has {depth}. "
        "Load the model that the control was made for (FLUX.2 dev for the released one)."
    )


def encoded_context(
    image: torch.Tensor | None, painted: torch.Tensor | None, mask: torch.Tensor | None, vae: Any, model: Any
) -> torch.Tensor:
    """What the branch sees, [B,N,C]: the map's latent, the mask in cells of two by two, the latent of what is painted into.

    image, painted: [B,H,W,3] in 0..1, or None for zeros; mask: [B,H,W], 1 where the picture is drawn anew, or None, which tells
    of no place at all; vae, model: the host's.
    """
    sample = image if image is not None else painted
    assert sample is not None, "there is a map or a picture"
    whole = None if mask is None else _at(mask[:, None].to(sample), sample.shape[1:3], "bilinear").round()
    if painted is not None and whole is not None:
        painted = (painted - 0.5) * (1 - whole).movedim(1, -1) + 0.5
    latents = [None if one is None else model.process_latent_in(vae.encode(one)) for one in (image, painted)]
    like = next(latent for latent in latents if latent is not None)
    rows, columns = like.shape[-2:]
    cells = like.new_zeros(like.shape[0], 4, rows, columns)
    if whole is not None:
        kept = interpolate(1 - whole, (2 * rows, 2 * columns), mode="nearest").to(like)
        cells = rearrange(kept, "b c (h p) (w q) -> b (c p q) h w", p=2, q=2).expand_as(cells)
    parts = [torch.zeros_like(like) if latent is None else latent for latent in latents]
    return rearrange(torch.cat((parts[0], cells, parts[1]), 1), "b c h w -> b (h w) c")


def _at(mask: torch.Tensor, size: Sequence[int], how: str) -> torch.Tensor:
    return comfy.utils.common_upscale(mask, size[1], size[0], how, "center")


class Flux2FunPatch:
    """The branch, as it runs beside the model's double blocks in one call. encoded_image: [B,N,C], see `encoded_context`."""

    def __init__(self, patcher: Any, encoded_image: torch.Tensor) -> None:
        self.patcher = patcher
        self.encoded_image = encoded_image
        self.strength = 1.0
        self.wrapper = WeightedReplacement
        self._state: tuple[torch.Tensor, torch.Tensor] | None = None

    def to(self, device_or_dtype: Any) -> Flux2FunPatch:
        """The host's protocol for patches."""
        if isinstance(device_or_dtype, torch.device):
            self.encoded_image = self.encoded_image.to(device_or_dtype)
        return self

    def models(self) -> list[Any]:
        """The host's protocol for patches."""
        return [self.patcher]

    def put(self, transformer_options: dict[str, Any], wrapped: Any) -> None:
        """Around the double blocks, as the host lets them be replaced; replacements by others stay in place inside."""
        replaced = dict(transformer_options.get("patches_replace", {}))
        blocks = dict(replaced.get("dit", {}))
        for number in range(STRIDE * len(self.patcher.model.blocks)):
            blocks["double_block", number] = _Around(wrapped, blocks.get(("double_block", number)))
        transformer_options["patches_replace"] = {**replaced, "dit": blocks}

    def enter(self, given: Mapping[str, Any]) -> None:
        """Before the model's first block: the map joins the tokens. given: img and txt [B,N,D], as the host hands them over."""
        network = self.patcher.model
        context = self.encoded_image.to(given["img"])
        batch, tokens = given["img"].shape[:2]
        context = context.repeat(-(-batch // context.shape[0]), 1, 1)[:batch]
        context = pad(context, (0, 0, 0, tokens - context.shape[1]))  # pictures of reference behind have no map
        joined = network.blocks[0].before_proj(network.control_img_in(context)) + given["img"]
        self._state = joined, given["txt"].clone()  # the host's blocks work in place

    def hint(self, number: int, given: Mapping[str, Any]) -> torch.Tensor:
        """What the branch's next block gives, [B,N,D]; number: of the block."""
        assert self._state is not None, "the model's blocks run in order"
        block = self.patcher.model.blocks[number]
        # Patches of others are made for the model's own attention.
        options = {name: value for name, value in given["transformer_options"].items() if name != "patches"}
        picture, text = block.block(
            *self._state, given["vec"], given["pe"], given.get("attn_mask"), transformer_options=options
        )
        self._state = picture, text
        out = block.after_proj(picture)
        if number + 1 == len(self.patcher.model.blocks):
            self._state = None
        return out


class _Around:
    """One replacement around another."""

    def __init__(self, outer: Any, inner: Any) -> None:
        self.outer = outer
        self.inner = inner

    @torch.compiler.disable
    def __call__(self, given: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
        inner = self.inner
        run = extra["original_block"] if inner is None else lambda again: inner(again, extra)
        return self.outer(given, run)


class WeightedReplacement(Weighted):
    """Around a double block: what is added to the picture's tokens behind it."""

    def __call__(self, given: dict[str, Any], run: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
        """given: as the host hands it over; run: the block itself."""
        number, odd = divmod(given["transformer_options"]["block_index"], STRIDE)
        if given["vec"][0][0].scale.shape[1] > 1:
            raise ValueError(
                "FLUX.2 Fun control: pictures of reference by the method index_timestep_zero have a time of their own, which "
                "this control cannot read. Set FluxKontextMultiReferenceLatentMethod to index."
            )
        self._set_strength()
        if number == 0 and not odd:
            self.patch.enter(given)
        hint = None if odd else self.patch.hint(number, given) * self.weights.strength
        out = run(given)
        if hint is None:
            return out
        if self.weights.looks_at(number):
            self.weights.saw(hint)
        rows, columns = self.weights.latent.shape[-2:]
        factor = self.weights.of(hint, grid=(rows, columns)) if self.weights.shapes else 1.0
        return {**out, "img": out["img"] + hint * factor}
