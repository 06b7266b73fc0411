"""A VAE: which latents it makes and reads, by the signs that the host's loader tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..identity import Identity, Kind, Tensors, shown

# The host's names of latent formats that one kind of VAE serves. SD and SDXL differ in scale only, and so do SD 3 and
# Flux: their VAEs have the same keys and shapes, and the header cannot tell them apart.
_FOUR = ("SD15", "SDXL", "SDXL_Playground_2_5", "SD_X4")
_SIXTEEN = ("SD3", "Flux", "HunyuanImage21Refiner")
_FLUX2, _WAN = ("Flux2",), ("Wan21",)


@dataclass(frozen=True)
class _Sign:
    """A VAE's layout: its decisive name, and its latents as (channels, formats) by the tensors."""

    layout: str
    name: str
    latents: Callable[[Tensors], tuple[int, tuple[str, ...]]]


def _fixed(channels: int, *formats: str) -> Callable[[Tensors], tuple[int, tuple[str, ...]]]:
    return lambda _tensors: (channels, formats)


def formats_of(channels: int) -> tuple[str, ...]:
    """The latent formats of pictures with so many channels."""
    return {4: _FOUR, 16: _SIXTEEN, 128: _FLUX2}.get(channels, ())


def _picture(tensors: Tensors) -> tuple[int, tuple[str, ...]]:
    width = tensors.size("decoder.conv_in.weight", 1)
    if len(tensors.shapes["decoder.conv_in.weight"]) == 5:
        return width, ("HunyuanVideo15",) if width == 32 else ()
    if width == 64:
        return width, ("HunyuanImage21",)
    channels = width * 4 if "bn.running_mean" in tensors.shapes else width  # Flux 2 packs 2x2 latents into one
    return channels, formats_of(channels)


def _wan(tensors: Tensors) -> tuple[int, tuple[str, ...]]:
    is_22 = "decoder.upsamples.0.upsamples.0.residual.2.weight" in tensors.shapes
    return (48, ("Wan22",)) if is_22 else (16, _WAN)


def _hunyuan_or_cog(tensors: Tensors) -> tuple[int, tuple[str, ...]]:
    if "decoder.mid_block.resnets.0.norm1.norm_layer.weight" in tensors.shapes:
        return tensors.size("encoder.conv_out.conv.weight", 0) // 2, ("CogVideoX", "CogVideoX1_5")
    width = tensors.size("decoder.conv_in.conv.weight", 1)
    return width, ("HunyuanVideo15",) if width == 32 else ("HunyuanVideo",)


# In the order of the host's loader.
_SIGNS = (
    _Sign("video", "decoder.mid.block_1.mix_factor", _fixed(4, "SD15")),
    _Sign("cascade_a", "vquantizer.codebook.weight", _fixed(4, "SC_B")),
    _Sign("cascade_c", "encoder.backbone.1.0.block.0.1.num_batches_tracked", _fixed(16, "SC_Prior")),
    _Sign("seedvr2", "decoder.up_blocks.2.upsamplers.0.upscale_conv.weight", _fixed(16, "SeedVR2")),
    _Sign("mage", "student.dconv_encoder.proj_out.weight", _fixed(128, *_FLUX2)),
    _Sign("picture", "decoder.conv_in.weight", _picture),
    _Sign("audio", "decoder.layers.1.layers.0.beta", _fixed(64, "StableAudio1", "StableAudio3")),
    _Sign("mochi", "decoder.blocks.2.blocks.3.stack.5.weight", _fixed(12, "Mochi")),
    _Sign("ltxv", "decoder.up_blocks.0.res_blocks.0.conv1.conv.weight", _fixed(128, "LTXV", "LTXAV")),
    _Sign("video_causal", "decoder.conv_in.conv.weight", _hunyuan_or_cog),
    _Sign("cosmos", "decoder.unpatcher3d.wavelets", _fixed(16, "Cosmos1CV8x8x8")),
    _Sign("wan", "decoder.middle.0.residual.0.gamma", _wan),
    _Sign("hunyuan_3d", "geo_decoder.cross_attn_decoder.ln_1.bias", _fixed(64)),
    _Sign("ace", "vocoder.backbone.channel_layers.0.0.bias", _fixed(8, "ACEAudio")),
    _Sign("stable_audio3", "decoder.layers.3.transformers.0.pre_norm.alpha", _fixed(256, "StableAudio3")),
    _Sign("minimax", "decoder.transformer_blocks.0.scale1", _fixed(24, "MiniMaxH3Video", "MiniMaxH3AV")),
)


def recognise(tensors: Tensors) -> Identity | None:
    """The first sign that is there; a checkpoint's prefix is taken off as the host does."""
    inner = tensors.under("first_stage_model.") if "first_stage_model" in tensors.roots else tensors
    for sign in _SIGNS:
        if sign.name in inner.shapes:
            channels, formats = sign.latents(inner)
            return Identity(
                "vae",
                f"VAE, {vae_title(channels, formats)}",
                layout=sign.layout,
                evidence=(shown(inner, sign.name),),
                ambiguity=_ambiguity(formats),
                traits={"latent_channels": channels, "latent_formats": list(formats), "is_approximate": False},
            )
    return None


def vae_title(channels: int, formats: tuple[str, ...]) -> str:
    """'4 channels (SD 1.x, SD 2 or SDXL)' for a person."""
    known = {_FOUR: "SD 1.x, SD 2 or SDXL", _SIXTEEN: "SD 3 or Flux", _FLUX2: "Flux 2", _WAN: "Wan or Qwen-Image"}
    named = known.get(formats) or ", ".join(formats)
    return f"{channels} channels ({named})" if named else f"{channels} channels"


def _ambiguity(formats: tuple[str, ...]) -> str:
    if formats == _FOUR:
        return "the VAEs of SD 1.x and SDXL have the same keys and shapes and differ in their numbers only"
    return "the VAEs of SD 3 and Flux have the same keys and shapes" if formats == _SIXTEEN else ""


VAE = Kind("vae", "VAE", ("vae",), ("VAELoader",), recognise)
