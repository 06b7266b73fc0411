"""Every file that can be generated. Adding one is one entry here."""

from __future__ import annotations

from .checkpoint import Checkpoint
from .controlnet import ControlNetLDM
from .controlnet_diffusers import ControlNetDiffusers
from .recipe import Recipe
from .t2i_adapter import T2IAdapterLight
from .text_encoder import ClipL
from .unet import NO_MIDDLE_BLOCK, DiffusionModel, UNet
from .vae import Taesd

FP16 = "float16"
FP8 = "float8_e4m3fn"

# Two residual blocks on the first level, as in the full network: the places at which ControlNeXt (input block 3) and a
# T2I-Adapter (input block 2) act then have the full network's numbers and width.
SD15 = UNet(
    family="SD15",
    num_res_blocks=(2, 1),
    channel_mult=(1, 1),
    transformer_depth=(1, 1, 1),
    transformer_depth_output=(1, 1, 1, 1, 1),
    transformer_depth_middle=1,
)

# Widths and blocks of the full network's first two levels, so that two of a T2I-Adapter's four features have a place.
SD15_WIDE = UNet(
    family="SD15",
    num_res_blocks=(2, 2),
    channel_mult=(1, 2),
    transformer_depth=(1, 0, 0, 0),
    transformer_depth_output=(0, 0, 0, 0, 0, 0),
    transformer_depth_middle=NO_MIDDLE_BLOCK,
)

# The way down of the smallest network for which the host reads a ControlNet in the diffusers layout.
SD_XS = UNet(
    family="SD15",
    num_res_blocks=(1, 1, 1),
    channel_mult=(1, 2, 4),
    transformer_depth=(0, 1, 1),
    transformer_depth_output=(0, 0, 0, 0, 0, 0),
    transformer_depth_middle=NO_MIDDLE_BLOCK,
)

# The smallest way down that the host counts among the SDXL family.
KOALA = UNet(
    family="KOALA_700M",
    num_res_blocks=(1, 1, 1),
    channel_mult=(1, 1, 1),
    transformer_depth=(0, 2, 5),
    transformer_depth_output=(0, 0, 1, 1, 1, 1),
    transformer_depth_middle=NO_MIDDLE_BLOCK,
)

CLIP_L = ClipL(dtype=FP8)
VAE = Taesd(latent_format="SD15", dtype=FP16)

RECIPES = (
    Recipe(
        name="sd15_checkpoint",
        folder="checkpoints",
        source=Checkpoint(unet=SD15, unet_dtype=FP16, text_encoder=CLIP_L, vae=VAE),
        seed=15,
        version=1,
        description="SD1.5-family checkpoint with two levels, CLIP-L and a VAE in the TAESD layout.",
    ),
    Recipe(
        name="sd15_controlnet_canny",
        folder="controlnet",
        source=ControlNetLDM(unet=SD15, dtype=FP16),
        seed=151,
        version=1,
        description="ControlNet for sd15_checkpoint, LDM layout.",
    ),
    Recipe(
        name="sd15_controlnet_depth",
        folder="controlnet",
        source=ControlNetLDM(unet=SD15, dtype=FP16),
        seed=152,
        version=1,
        description="A second ControlNet for sd15_checkpoint, LDM layout.",
    ),
    Recipe(
        name="sd15_t2i_adapter",
        folder="controlnet",
        source=T2IAdapterLight(dtype=FP16),
        seed=153,
        version=1,
        description="T2I-Adapter for SD1.5, light layout.",
    ),
    Recipe(
        name="sd15_t2i_base",
        folder="diffusion_models",
        source=DiffusionModel(unet=SD15_WIDE, dtype=FP8),
        seed=154,
        version=1,
        description="SD1.5-family diffusion model with the full network's first two levels.",
    ),
    Recipe(
        name="sd15_xs_checkpoint",
        folder="diffusion_models",
        source=DiffusionModel(unet=SD_XS, dtype=FP8),
        seed=155,
        version=1,
        description="SD1.5-family diffusion model with the blocks and widths of SD-XS.",
    ),
    Recipe(
        name="sd15_xs_controlnet_diffusers",
        folder="controlnet",
        source=ControlNetDiffusers(unet=SD_XS, dtype=FP8),
        seed=156,
        version=1,
        description="ControlNet for sd15_xs_checkpoint, diffusers layout.",
    ),
    Recipe(
        name="sdxl_model",
        folder="diffusion_models",
        source=DiffusionModel(unet=KOALA, dtype=FP16),
        seed=10,
        version=1,
        description="SDXL-family diffusion model with the blocks of KOALA-700M, 320 channels throughout.",
    ),
    Recipe(
        name="sdxl_controlnet",
        folder="controlnet",
        source=ControlNetLDM(unet=KOALA, dtype=FP16),
        seed=101,
        version=1,
        description="ControlNet for sdxl_model, LDM layout.",
    ),
    Recipe(
        name="clip_l",
        folder="text_encoders",
        source=CLIP_L,
        seed=15,
        version=1,
        description="The CLIP-L text encoder of sd15_checkpoint.",
    ),
    Recipe(
        name="vae_taesd",
        folder="vae",
        source=VAE,
        seed=15,
        version=1,
        description="The VAE of sd15_checkpoint, in the TAESD layout.",
    ),
)


def names() -> tuple[str, ...]:
    """The names of all recipes, in the order of the catalogue."""
    return tuple(recipe.name for recipe in RECIPES)


def find_recipe(name: str) -> Recipe:
    """The recipe called ``name``.

    Raises:
        ValueError: there is none; the message lists the names.
    """
    for candidate in RECIPES:
        if candidate.name == name:
            return candidate
    raise ValueError(f"No generated file is called {name!r}. Available: {', '.join(names())}.")
