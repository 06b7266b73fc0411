"""What a model patch that controls a sampling is, and how the host's own classes apply it. A new kind is one entry.

The arithmetic is the host's (`comfy_extras/nodes_model_patch.py`, `comfy.ldm`): a kind only makes its patch objects.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ...host import host_extra
from .flux2_fun import Flux2FunPatch, check_blocks, encoded_context
from .lllite import LLLitePatch


@dataclass(frozen=True, eq=False)
class Inputs:
    """What a patch is made from. image: [B,H,W,3] in 0..1 at the size of the picture; inpaint_mask: [B,H,W], 1 where the
    picture is drawn anew, or None; inpaint_image: [B,H,W,3], the picture that is painted into where `image` is a map, or None;
    vae: the host's VAE, where the kind encodes pictures; model: the host's BaseModel.
    """

    image: torch.Tensor
    inpaint_mask: torch.Tensor | None
    inpaint_image: torch.Tensor | None
    vae: Any
    model: Any

    @property
    def map_and_painted(self) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        """(the map, the picture that is painted into): with a mask and one picture alone, that is the one to paint into."""
        if self.inpaint_mask is None:
            return self.image, None
        return (None, self.image) if self.inpaint_image is None else (self.image, self.inpaint_image)


# {name in `transformer_options["patches"]`: the host's patch object}
Patches = Mapping[str, Any]


@dataclass(frozen=True)
class Clip:
    """encode: (patches, (frames, height, width) of the whole latent, sides even) -> the clip, encoded, [1,C,T,H,W]; show: let
    the patches see these frames of it, [1,C,t,H,W].
    """

    encode: Callable[[Patches, tuple[int, int, int]], torch.Tensor]
    show: Callable[[Patches, torch.Tensor], None]


@dataclass(frozen=True)
class PatchKind:
    """One kind. layout: as the header names it (see `files.kinds.model_patch`); network: class of its module.

    family: of the models that it is for, "" where the module itself knows. make: (the host's patcher of the module, inputs)
    -> its patches. width: of the model's hidden state that the module is made for, None where its parts have widths of their
    own; width_of_model: name of the attribute of the model's network that says how wide that is. check: of the module and the
    model's network, what else speaks against their going together, or "". resizes: whether the patch brings its image to size
    itself, in a way of its own. clip: where the image is a clip, a picture for each frame: how the whole of it is encoded, and
    how a part is handed to the patches. takes_inpaint_mask, needs_inpaint_mask: of the module, whether it reads a mask of the
    place to paint, and whether it paints and nothing else; takes_inpaint_image: whether it then reads a map beside the picture.
    """

    layout: str
    title: str
    network: str
    family: str
    make: Callable[[Any, Inputs], Patches]
    width: Callable[[Any], int] | None = None
    width_of_model: str = ""
    check: Callable[[Any, Any], str] = lambda _module, _network: ""
    needs_vae: bool = True
    resizes: bool = False
    clip: Clip | None = None
    takes_inpaint_mask: Callable[[Any], bool] = lambda _module: False
    takes_inpaint_image: bool = False
    needs_inpaint_mask: Callable[[Any], bool] = lambda _module: False

    @property
    def video(self) -> bool:
        """Whether its image is a clip."""
        return self.clip is not None


def _anima(patcher: Any, given: Inputs) -> Patches:
    lllite = importlib.import_module("comfy.ldm.anima.lllite")
    channels = patcher.model.cond_in_channels
    mask = None
    if channels == 4:
        mask = torch.zeros_like(given.image[..., 0]) if given.inpaint_mask is None else given.inpaint_mask
    patch = lllite.AnimaLLLitePatch(patcher, given.image, mask, 1.0, math.inf, -math.inf)  # the range is the link's
    self_attention = {"q": "self_attn_q_proj", "k": "self_attn_k_proj", "v": "self_attn_v_proj"}
    return {
        "post_input": patch,
        "attn1_patch": lllite.AnimaLLLiteAttentionPatch(patch, self_attention),
        "attn2_patch": lllite.AnimaLLLiteAttentionPatch(patch, {"q": "cross_attn_q_proj"}),
        "mlp_patch": lllite.AnimaLLLiteMLPPatch(patch),
    }


def _lllite(patcher: Any, given: Inputs) -> Patches:
    return {f"{attention}_patch": LLLitePatch(patcher, given.image, attention) for attention in ("attn1", "attn2")}


def _uni3c(patcher: Any, given: Inputs) -> Patches:
    make = host_extra("nodes_model_patch").WanUni3CCnetPatch
    latents = given.model.latent_format
    return {"double_block": make(patcher, given.image, given.vae, latents, 1.0, math.inf, -math.inf)}


def _uni3c_encode(patches: Patches, shape: tuple[int, int, int]) -> torch.Tensor:
    return patches["double_block"].encode_render_video(shape)


def _uni3c_show(patches: Patches, clip: torch.Tensor) -> None:
    patches["double_block"].prepared_render = clip


def _qwen(patcher: Any, given: Inputs) -> Patches:
    mask = None if given.inpaint_mask is None else 1.0 - given.inpaint_mask[:, None, None]
    patch = host_extra("nodes_model_patch").DiffSynthCnetPatch(patcher, given.vae, given.image, 1.0, mask)
    return {"double_block": patch}


def _z_image(patcher: Any, given: Inputs) -> Patches:
    mask = None if given.inpaint_mask is None else 1.0 - given.inpaint_mask[:, None, None]
    seen, painted = given.map_and_painted if patcher.model.additional_in_dim > 0 else (given.image, None)
    make = host_extra("nodes_model_patch").ZImageControlPatch
    patch = make(patcher, given.vae, seen, 1.0, inpaint_image=painted, mask=mask)
    return {"noise_refiner": patch, "double_block": patch}


def _flux2_fun(patcher: Any, given: Inputs) -> Patches:
    seen, painted = given.map_and_painted
    return {
        "blocks": Flux2FunPatch(patcher, encoded_context(seen, painted, given.inpaint_mask, given.vae, given.model))
    }


KINDS: tuple[PatchKind, ...] = (
    PatchKind(
        "qwen_blockwise",
        "Qwen-Image DiffSynth control",
        "QwenImageBlockWiseControlNet",
        "qwen_image",
        _qwen,
        width=lambda module: module.img_in.out_features,
        width_of_model="inner_dim",
        takes_inpaint_mask=lambda module: module.additional_in_dim > 0,
        needs_inpaint_mask=lambda module: module.additional_in_dim > 0,
    ),
    PatchKind(
        "anima_lllite",
        "Anima LLLite",
        "AnimaLLLite",
        "anima",
        _anima,
        width=lambda module: module.model_dim,
        width_of_model="model_channels",
        needs_vae=False,
        resizes=True,
        takes_inpaint_mask=lambda module: module.cond_in_channels == 4,
        needs_inpaint_mask=lambda module: module.cond_in_channels == 4,
    ),
    PatchKind("control_lllite", "ControlNet-LLLite", "ControlLLLite", "", _lllite, needs_vae=False),
    PatchKind(
        "uni3c",
        "Wan Uni3C",
        "WanUni3CControlnet",
        "wan",
        _uni3c,
        width=lambda module: module.controlnet_blocks[0].norm1.linear.in_features,
        width_of_model="dim",
        resizes=True,
        clip=Clip(_uni3c_encode, _uni3c_show),
    ),
    PatchKind(
        "z_image_fun",
        "Z-Image Fun control",
        "ZImage_Control",
        "z_image",
        _z_image,
        width=lambda module: module.control_layers[0].dim,
        width_of_model="dim",
        takes_inpaint_mask=lambda module: module.additional_in_dim > 0,
        takes_inpaint_image=True,
    ),
    PatchKind(
        "flux2_fun",
        "FLUX.2 Fun control",
        "Flux2FunControl",
        "flux2",
        _flux2_fun,
        width=lambda module: module.control_img_in.out_features,
        width_of_model="hidden_size",
        check=check_blocks,
        takes_inpaint_mask=lambda _module: True,
        takes_inpaint_image=True,
    ),
)


def kind_of(patcher: Any) -> PatchKind | None:
    """The kind of a MODEL_PATCH by its module; None for what does not control a sampling."""
    name = type(getattr(patcher, "model", None)).__name__
    return next((kind for kind in KINDS if kind.network == name), None)


def titles(kinds: Sequence[PatchKind] = KINDS) -> str:
    """The kinds that there are, for messages."""
    return ", ".join(kind.title for kind in kinds)
