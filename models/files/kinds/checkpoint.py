"""A checkpoint: a diffusion model with its VAE, its text encoder, or both, in one file."""

from __future__ import annotations

from typing import Any

from ..families import family_of_host_class
from ..host_detection import HostModel, detect_model
from ..identity import Identity, Kind, Tensors

_MODEL = ("model.diffusion_model.", "model.model.")
_VAE = ("first_stage_model.", "vae.")
_TEXT = ("cond_stage_model.", "conditioner.embedders.", "text_encoders.")


def recognise(tensors: Tensors) -> Identity | None:
    """A diffusion model under the checkpoint's prefix, with something beside it."""
    if "model" not in tensors.roots or not tensors.any_starts(*_MODEL):
        return None
    has_vae, has_text = tensors.any_starts(*_VAE), tensors.any_starts(*_TEXT)
    if not has_vae and not has_text:
        return None  # a diffusion model alone, whatever its prefix
    model = detect_model(tensors)
    parts = ["model", *(["vae"] if has_vae else []), *(["text_encoder"] if has_text else [])]
    if model is None:
        return Identity(
            "checkpoint",
            "checkpoint of an unknown family",
            evidence=("model.diffusion_model.*, of no family that the host knows",),
            traits={"parts": parts},
        )
    family = family_of_host_class(model.host_class)
    held = ", ".join(part.replace("_", " ").replace("vae", "VAE") for part in parts)
    return Identity(
        "checkpoint",
        f"{family.title} checkpoint{variant_title(model)}",
        (family.id,),
        evidence=model_evidence(model, f"it holds {held}"),
        traits={**model_traits(model), "parts": parts},
    )


def model_traits(model: HostModel) -> dict[str, Any]:
    """What rules ask about a diffusion model."""
    config = model.config
    names = ("in_channels", "context_dim", "adm_in_channels", "guidance_embed", "model_channels")
    return {
        "host_class": model.host_class,
        "latent_channels": model.latent_channels,
        "latent_format": model.latent_format,
        **{name: config[name] for name in names if isinstance(config.get(name), (int, bool))},
    }


def model_evidence(found: HostModel, *more: str) -> tuple[str, ...]:
    """What the host's own detection saw."""
    config = found.config
    seen = [f"{name} {config[name]}" for name in ("image_model", "context_dim", "in_channels") if config.get(name)]
    return (f"the host detects {found.host_class}" + (f" ({', '.join(seen)})" if seen else ""), *more)


def variant_title(model: HostModel) -> str:
    """' (inpainting)' and the like, where the header shows it."""
    if model.config.get("in_channels") == model.latent_channels * 2 + 1 and model.latent_channels == 4:
        return " (inpainting)"
    if model.host_class in ("SSD1B", "Segmind_Vega", "KOALA_700M", "KOALA_1B", "FluxSchnell"):
        return f" ({model.host_class.replace('_', ' ')})"
    return ""


CHECKPOINT = Kind(
    "checkpoint",
    "checkpoint",
    ("checkpoints",),
    ("CheckpointLoaderSimple", "unCLIPCheckpointLoader", "ImageOnlyCheckpointLoader", "CheckpointLoader"),
    recognise,
)
