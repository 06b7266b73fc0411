"""A style model: Flux Redux, or the T2I style adapter."""

from __future__ import annotations

from ..identity import Identity, Kind, Tensors, shown


def recognise(tensors: Tensors) -> Identity | None:
    """The two signs of the host's loader."""
    if "redux_down.weight" in tensors.shapes:
        return Identity(
            "style_model",
            "Redux style model for Flux",
            ("flux",),
            "redux",
            (shown(tensors, "redux_down.weight"),),
            traits={"encoder": "siglip_384"},
        )
    if "style_embedding" in tensors.shapes:
        sign = shown(tensors, "style_embedding")
        return Identity(
            "style_model", "T2I style adapter for SD 1.5", ("sd15",), "t2i_style", (sign,), traits={"encoder": "vit_l"}
        )
    return None


STYLE_MODEL = Kind("style_model", "style model", ("style_models",), ("StyleModelLoader",), recognise, ("sd15", "flux"))
