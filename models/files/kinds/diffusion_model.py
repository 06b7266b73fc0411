"""A diffusion model (UNet or transformer) alone, in any layout that the host loads."""

from __future__ import annotations

from ..families import family_of_host_class
from ..host_detection import detect_model
from ..identity import Identity, Kind, Tensors
from .checkpoint import model_evidence, model_traits, variant_title

_FEWEST = 12  # a network has at least this many tensors; the host's detection looks at single names


def recognise(tensors: Tensors) -> Identity | None:
    """Whatever the host's own detection knows."""
    if len(tensors.shapes) < _FEWEST:
        return None
    model = detect_model(tensors)
    if model is None:
        return None
    family = family_of_host_class(model.host_class)
    return Identity(
        "diffusion_model",
        f"{family.title} diffusion model{variant_title(model)}",
        (family.id,),
        evidence=model_evidence(model),
        traits={**model_traits(model), "parts": ["model"]},
    )


DIFFUSION_MODEL = Kind("diffusion_model", "diffusion model", ("diffusion_models",), ("UNETLoader",), recognise)
