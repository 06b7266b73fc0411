"""What a signal can do with each kind of control, and the table of it in docs/controls.md.

`tests/models/control/model_patch/test_abilities.py` tries every cell on small networks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ...models.control.model_patch.kinds import PatchKind

Ability = Literal["layers", "halves", "every", "conditional_only", "union", "inpaint_mask", "inpaint_image", "clip"]

# Ability: (head of its column, what it means)
ABILITIES: Mapping[Ability, tuple[str, str]] = {
    "layers": ("layers", "a weight for each layer of the network, and soft weights (**Layer Weights**)"),
    "halves": (
        "halves",
        "a weight for the prompt's and one for the negative prompt's half of the guidance (**Layer Weights**)",
    ),
    "every": ("every", "saving: computed in every n-th step and kept for those between (**Control Savings**)"),
    "conditional_only": (
        "half",
        "saving: computed for the prompt's half alone, `conditional_only` (**Control Savings**)",
    ),
    "union": ("union", "several maps of a union net in one pass (**Union Signal**)"),
    "inpaint_mask": ("mask to paint", "`inpaint_mask`: the place to paint is part of what it sees"),
    "inpaint_image": ("map and paint", "`inpaint_image`: it follows a map and paints into a picture at the same time"),
    "clip": ("clip", "its image is one clip, a picture for each frame"),
}

_NET: Mapping[Ability, str] = {
    "layers": "yes",
    "halves": "yes",
    "every": "yes",
    "conditional_only": "yes",
    "union": "union nets",
    "inpaint_mask": "inpaint nets",
}
# Of the patches: {layout: (models, files that inpaint)}
_PATCHES: Mapping[str, tuple[str, str]] = {
    "z_image_fun": ("Z-Image", "2.x"),
    "flux2_fun": ("FLUX.2 dev", "yes"),
    "qwen_blockwise": ("Qwen-Image", "inpaint file"),
    "anima_lllite": ("Anima", "inpaint file"),
    "uni3c": ("Wan 2.1", ""),
    "control_lllite": ("SD 1.5, SDXL", ""),
}


@dataclass(frozen=True)
class ControlKind:
    """One row. made_for: models; abilities: {ability: "yes", or which files have it}; vae: which of them encode the image."""

    title: str
    made_for: str
    abilities: Mapping[Ability, str]
    vae: str = ""


def _of_patch(kind: PatchKind) -> ControlKind:
    made_for, inpaints = _PATCHES[kind.layout]
    abilities: dict[Ability, str] = {"halves": "yes"}
    if inpaints:
        abilities["inpaint_mask"] = inpaints
    if kind.takes_inpaint_image:
        abilities["inpaint_image"] = inpaints
    if kind.video:
        abilities["clip"] = "yes"
    return ControlKind(kind.title, made_for, abilities, "yes" if kind.needs_vae else "")


_HOST_AND_OWN: Mapping[str, ControlKind] = {
    "controlnet": ControlKind(
        "ControlNet, Control-LoRA",
        "SD 1.5, SD 2, SDXL, SD 3, Flux, Qwen-Image and others",
        _NET,
        "SD 3, Flux, Qwen-Image",
    ),
    "t2i_adapter": ControlKind("T2I-Adapter", "SD 1.5, SDXL", {"layers": "yes", "halves": "yes"}),
    "controlnext": ControlKind(
        "ControlNeXt", "SD 1.5, SDXL, SVD; SD 3, Flux, Z-Image, Lumina 2, Qwen-Image if you train it", {"every": "yes"}
    ),
}


def control_kinds() -> Mapping[str, ControlKind]:
    """All rows, by layout."""
    from ...models.control.model_patch.kinds import KINDS

    patches = {kind.layout: _of_patch(kind) for kind in KINDS}
    return {**_HOST_AND_OWN, **{layout: patches[layout] for layout in (*_PATCHES, *patches)}}


_BEFORE = """# Kinds of control, and what a signal can do with each

A **Control Signal** takes every kind of control. With all of them it has a weight, a range (of the noise schedule or of the
steps), a schedule, a mask, `fit`, `on_invalid`, a map for each picture of a batch, weights per picture or frame, a place in a
stack with `balance` and `budget`, and a plot. It acts on one prompt among several, in areas and in context windows, and the
guard tells when it contributes nothing. What only some have:

"""

_AFTER = """
Two kinds are no control nets and have nodes of their own. **VACE Weights** gives each VACE control of Wan a range, a schedule, a
mask and weights per frame. **Map Reference** gives a map to models that read it themselves (control LoRAs of Flux, Kontext,
FLUX.2, Qwen-Image-Edit) with a weight, a range and a schedule.

This page is written by `python armature.py pages` from the code, and a test tries every cell on small networks.
"""


def control_page() -> str:
    """docs/controls.md."""
    heads = ["kind", "made for", *(head for head, _ in ABILITIES.values()), "VAE"]
    rows = [heads, ["---"] * len(heads)]
    for kind in control_kinds().values():
        rows.append([kind.title, kind.made_for, *(kind.abilities.get(one, "") for one in ABILITIES), kind.vae])
    table = "\n".join(f"| {' | '.join(row)} |".replace("|  |", "| |").replace("|  |", "| |") for row in rows)
    legend = "\n".join(f"- *{head}*: {meaning}." for head, meaning in ABILITIES.values())
    vae = "- *VAE*: it encodes its map: link `vae` of the node that applies it."
    return f"{_BEFORE}{table}\n\n{legend}\n{vae}\n{_AFTER}"
