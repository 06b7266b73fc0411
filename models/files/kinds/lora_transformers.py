"""The base of a LoRA for a diffusion transformer: families share names of layers; widths and numbers of blocks tell them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from re import Pattern

from ..identity import Shape

Shapes = Mapping[str, Shape]
DOWN = (".lora_down.weight", ".lora_A.weight", ".lora_A.default.weight", ".lora.down.weight", "_lora.down.weight")
_READS = (*DOWN, ".hada_w1_b")


@dataclass(frozen=True)
class Told:
    """families: all for which it may be made. name: of the tensor that tells so. ambiguity: why there are several."""

    families: tuple[str, ...]
    name: str
    ambiguity: str = ""


def transformer_families(shapes: Shapes) -> Told | None:
    """The families of a LoRA for a transformer; None where its names are of none that is known here, or of several by far."""
    for pattern, families_of in _LAYOUTS:
        name = next((one for one in shapes if pattern.search(one)), None)
        if name is not None:
            return families_of(shapes, name)
    return None


def _widths(shapes: Shapes, pattern: Pattern[str]) -> set[int]:
    """How many numbers the layers of a pattern read; empty for relatives of LoRA whose shapes do not say it."""
    return {
        shape[1] for name, shape in shapes.items() if name.endswith(_READS) and len(shape) > 1 and pattern.search(name)
    }


def _blocks(shapes: Shapes, pattern: Pattern[str]) -> set[int]:
    return {int(found[1]) for name in shapes if (found := pattern.search(name))}


_DOUBLE = re.compile(r"(?:double_blocks|(?<!single_)(?<!blocks[._])transformer_blocks)[._](\d+)")
_SINGLE = re.compile(r"single_(?:transformer_)?blocks[._](\d+)")
_STREAM = re.compile(
    r"(?:img|txt)_attn[._](?:qkv|proj)|attn[._](?:to|add)_[qkv]|single_blocks[._]\d+[._]linear1|(?:img|txt)_mlp[._](?:0|fc1)"
)
# Flux 2 names its blocks as Flux does, but has gated feed-forward layers of three times the width, and layers of its own
# (`mlp_silu_act` and `global_modulation` in the host's ldm/flux/model.py).
_FLUX2 = re.compile(r"(?:double|single)_stream_modulation|to_qkv_mlp_proj|\bff(?:_context)?[._]linear_(?:in|out)")
_FLUX2_SECOND = ((re.compile(r"single_blocks[._]\d+[._]linear2"), 12288), (re.compile(r"(?:img|txt)_mlp[._]2"), 9216))
_HUNYUAN = re.compile(r"(?:img|txt)_mlp[._]fc[12]|_mod[._]linear|modulation[._]linear")
_OF_WIDTH = {
    6144: ("flux2",),
    4096: ("flux2", "joy_image"),
    3584: ("hunyuan_image21",),
    2048: ("hunyuan_video15",),
}
_ONE_WIDTH = "models of one width share the layers that it touches"
_FLUX_BLOCKS = (19, 38)
# Of the width of Flux, 3072, but with other numbers of blocks.
_AS_WIDE = {(5, 20): "flux2", (10, 20): "long_cat_image"}
_MODULATION = re.compile(r"[._]modulation|(?:img|txt)_mod[._]|\.norm1\.linear")


def _two_streams(shapes: Shapes, name: str) -> Told | None:
    """Flux and what names its layers as Flux does."""
    own = next((one for one in shapes if _FLUX2.search(one)), None) or next(
        (one for one in shapes for pattern, width in _FLUX2_SECOND if width in _widths({one: shapes[one]}, pattern)),
        None,
    )
    if own is not None:
        return Told(("flux2",), own)
    widths = _widths(shapes, _STREAM)
    if widths and 3072 not in widths:
        families = next((_OF_WIDTH[width] for width in sorted(widths & set(_OF_WIDTH))), ())
        if _blocks(shapes, _SINGLE):
            families = tuple(family for family in families if family != "joy_image")  # it has none
        return Told(families, name, _ONE_WIDTH if len(families) > 1 else "") if families else None
    seen = _blocks(shapes, _DOUBLE), _blocks(shapes, _SINGLE)
    named = next((one for one in shapes if _HUNYUAN.search(one)), None)
    if named is not None or any(max(one, default=0) >= most for one, most in zip(seen, _FLUX_BLOCKS, strict=True)):
        return Told(("hunyuan_video",), named or name)
    others = tuple(
        family
        for counts, family in _AS_WIDE.items()
        if any(seen) and all(not one or one == set(range(count)) for one, count in zip(seen, counts, strict=True))
    )
    if any(_MODULATION.search(one) for one in shapes) and not others:
        return Told(("flux",), name)
    return Told(("flux", "chroma", *others), name, _ONE_WIDTH)


_JOINT = re.compile(r"attn[._](?:add_[qkv]_proj|to_[qkv])")
_SD3_WIDTHS = {1536, 2432}
_SD3_BLOCKS = 38  # of its largest; Qwen-Image has 60


def _joint_attention(shapes: Shapes, name: str) -> Told | None:
    """Attention of two streams in the layout of diffusers, and nothing else."""
    widths = _widths(shapes, _JOINT)
    if widths and widths <= _SD3_WIDTHS:
        return Told(("sd3",), name)
    if widths != {3072}:
        return None
    if max(_blocks(shapes, _DOUBLE), default=0) >= _FLUX_BLOCKS[0]:
        return Told(("qwen_image",), name)
    return Told(("qwen_image", "flux", "chroma"), name, _ONE_WIDTH)


_WAN = re.compile(r"blocks[._]\d+[._](?:self|cross)_attn[._][qkvo](?![._]proj)(?:[._]|$)")


def _wan(shapes: Shapes, name: str) -> Told:
    return Told(("wan22_5b" if 3072 in _widths(shapes, _WAN) else "wan",), name)


_COSMOS = re.compile(r"blocks[._]\d+[._](?:self|cross)_attn[._](?:q|k|v|output)_proj")


def _cosmos(shapes: Shapes, name: str) -> Told | None:
    adapter = next((one for one in shapes if "llm_adapter" in one), None)
    if adapter is not None:
        return Told(("anima",), adapter)
    widths = _widths(shapes, _COSMOS)
    if 2048 in widths:
        return Told(("anima", "cosmos_predict2"), name, "Anima is made of Cosmos Predict 2, and has its layers")
    return Told(("cosmos_predict2",), name) if 5120 in widths else None


_NEXT_DIT = re.compile(r"layers[._]\d+[._](?:attention[._](?:qkv|to_q|out)|feed_forward[._]w1)")


def _next_dit(shapes: Shapes, name: str) -> Told | None:
    widths = _widths(shapes, _NEXT_DIT)
    if not widths:
        return Told(("z_image", "lumina2"), name, "Z-Image and Lumina 2 share the names of their layers")
    return next(
        (Told((family,), name) for width, family in ((3840, "z_image"), (2304, "lumina2")) if width in widths), None
    )


_CROSS = re.compile(
    r"(?:^|diffusion_model[._]|transformer[._]|lora_unet_)transformer_blocks[._]\d+[._]attn2[._]to_[kv]"
)


def _one_stream(shapes: Shapes, name: str) -> Told | None:
    widths = _widths(shapes, _CROSS)
    return Told(("ltxv",), name) if widths & {2048, 4096} else Told(("pixart",), name) if 1152 in widths else None


# In this order: a layout further up has layers of one further down as well.
_LAYOUTS: tuple[tuple[Pattern[str], Callable[[Shapes, str], Told | None]], ...] = (
    (
        re.compile(r"transformer_blocks[._]\d+[._](?:img_mlp|txt_mlp|img_mod)"),
        lambda _shapes, name: Told(("qwen_image",), name),
    ),
    (
        re.compile(
            r"single_transformer_blocks[._]\d+|double_blocks[._]\d+[._](?:img|txt)_(?:attn|mlp|mod)|"
            r"single_blocks[._]\d+[._](?:linear[12]|modulation)"
        ),
        _two_streams,
    ),
    (re.compile(r"joint_blocks[._]\d+"), lambda _shapes, name: Told(("sd3",), name)),
    (re.compile(r"transformer_blocks[._]\d+[._]attn[._]add_[qkv]_proj"), _joint_attention),
    (_WAN, _wan),
    (_COSMOS, _cosmos),
    (_NEXT_DIT, _next_dit),
    (_CROSS, _one_stream),
)
FAMILIES = (
    *("qwen_image", "flux", "sd3", "wan", "z_image", "flux2", "chroma", "wan22_5b", "hunyuan_video", "hunyuan_video15"),
    *("hunyuan_image21", "long_cat_image", "joy_image", "anima", "cosmos_predict2", "lumina2", "ltxv", "pixart"),
)
