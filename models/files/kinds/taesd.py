"""TAESD: a tiny VAE, as one file or as its encoder and decoder apart."""

from __future__ import annotations

from ..identity import Identity, Kind, Tensors, shown
from .vae import formats_of, vae_title

_WHOLE = "taesd_decoder.1.weight"
_DECODER, _ENCODER = ("1.weight", "3.conv.0.weight"), ("0.weight", "1.conv.0.weight")


def recognise(tensors: Tensors) -> Identity | None:
    """One file for the VAE loader, or one half for the folder vae_approx."""
    if tensors.has(_WHOLE):
        channels = tensors.size(_WHOLE, 1)
        return _identity("taesd", "", channels, shown(tensors, _WHOLE))
    if all(root.isdecimal() for root in tensors.roots) and tensors.has(*_DECODER) and tensors.size("1.weight", 1) < 64:
        return _identity("taesd_decoder", " (decoder alone)", tensors.size("1.weight", 1), shown(tensors, "1.weight"))
    if all(root.isdecimal() for root in tensors.roots) and tensors.has(*_ENCODER) and tensors.size("0.weight", 1) == 3:
        last = max((root for root in tensors.roots if f"{root}.weight" in tensors.shapes), key=int)
        return _identity("taesd_encoder", " (encoder alone)", tensors.size(f"{last}.weight", 0), f"{last}.weight")
    return None


def _identity(layout: str, part: str, channels: int, sign: str) -> Identity:
    formats = formats_of(channels)
    return Identity(
        "vae",
        f"TAESD{part}, {vae_title(channels, formats)}",
        layout=layout,
        evidence=(sign,),
        traits={"latent_channels": channels, "latent_formats": list(formats), "is_approximate": True},
    )


TAESD = Kind("vae", "VAE", ("vae", "vae_approx"), ("VAELoader",), recognise)
