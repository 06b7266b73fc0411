"""A picture upscaler of the architectures that are met most; the host's loader knows more."""

from __future__ import annotations

from ..identity import Identity, Kind, Tensors

# (layout, title, names that must all be there once the wrappers are taken off)
_SIGNS = (
    ("esrgan", "ESRGAN", ("model.0.weight", "model.1.sub.0.RDB1.conv1.0.weight")),
    ("esrgan", "Real-ESRGAN", ("conv_first.weight", "body.0.rdb1.conv1.weight", "conv_last.weight")),
    ("esrgan_old", "ESRGAN (first layout)", ("conv_first.weight", "RRDB_trunk.0.RDB1.conv1.weight")),
    ("compact", "Real-ESRGAN compact", ("body.0.weight", "body.1.weight", "body.2.weight")),
    ("swinir", "SwinIR", ("conv_first.weight", "layers.0.residual_group.blocks.0.attn.qkv.weight")),
    ("swinir", "SwinIR", ("layers.0.residual_group.blocks.0.norm1.weight", "conv_after_body.weight")),
    ("dat", "DAT", ("layers.0.blocks.0.attn.qkv.weight", "before_RG.1.weight")),
    ("omnisr", "OmniSR", ("residual_layer.0.residual_layer.0.layer.0.fn.0.weight", "input.weight")),
    ("span", "SPAN", ("block_1.c1_r.sk.weight", "conv_1.sk.weight")),
)
_WRAPPERS = ("params_ema.", "params.")


def recognise(tensors: Tensors) -> Identity | None:
    """One of the signs, also inside what training code puts around it."""
    inner = next((tensors.under(w) for w in _WRAPPERS if tensors.any_starts(w)), tensors)
    for layout, title, names in _SIGNS:
        if inner.has(*names):
            if layout == "compact" and len(inner.shapes["body.0.weight"]) != 4:
                continue
            return Identity("upscaler", f"upscaler {title}", layout=layout, evidence=names)
    return None


UPSCALER = Kind("upscaler", "upscaler", ("upscale_models",), ("UpscaleModelLoader",), recognise)
