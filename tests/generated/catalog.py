"""Every file that can be generated. Adding one is one entry here."""

from __future__ import annotations

from armature_pack.tests.generated.checkpoint import Checkpoint, VideoCheckpoint
from armature_pack.tests.generated.controlnet import ControlNetLDM
from armature_pack.tests.generated.controlnet_diffusers import ControlNetDiffusers
from armature_pack.tests.generated.controlnext import ControlNeXtControl, ControlNeXtWeights
from armature_pack.tests.generated.ip_adapter import ClipVisionL, IPAdapterBase
from armature_pack.tests.generated.lora import LoRA
from armature_pack.tests.generated.recipe import Recipe
from armature_pack.tests.generated.t2i_adapter import T2IAdapterLight
from armature_pack.tests.generated.text_encoder import ClipL, ClipLG
from armature_pack.tests.generated.unet import NO_MIDDLE_BLOCK, DiffusionModel, UNet, VideoUNet
from armature_pack.tests.generated.vae import Taesd
from armature_pack.tests.generated.vision import ClipVisionH

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

# The smallest that the host takes for Stable Video Diffusion.
SVD = VideoUNet(
    family="SVD_img2vid",
    num_res_blocks=(2, 2, 2, 2),
    channel_mult=(1, 1, 1, 1),
    transformer_depth=(1, 1, 1, 1, 1, 1, 0, 0),
    transformer_depth_output=(1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0),
    transformer_depth_middle=1,
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
        name="sdxl_checkpoint",
        folder="checkpoints",
        source=Checkpoint(
            unet=KOALA, unet_dtype=FP16, text_encoder=ClipLG(FP8), vae=Taesd(latent_format="SDXL", dtype=FP16)
        ),
        seed=10,
        version=1,
        description="SDXL-family checkpoint: the network of sdxl_model, CLIP-L, a CLIP-G of zeros, a TAESD VAE.",
    ),
    Recipe(
        name="svd_checkpoint",
        folder="checkpoints",
        source=VideoCheckpoint(unet=SVD, unet_dtype=FP8, vision=ClipVisionH(FP8), vae=VAE),
        seed=20,
        version=1,
        description="Stable Video Diffusion with 320 channels throughout, an image encoder of zeros, a TAESD VAE.",
    ),
    Recipe(
        name="controlnext_control",
        folder="controlnet",
        source=ControlNeXtControl(layout="stem", dtype=FP16),
        seed=30,
        version=1,
        description="ControlNeXt control file in the layout that SD1.5 (training code), SDXL and SVD v2 share.",
    ),
    Recipe(
        name="controlnext_weights_sdxl",
        folder="controlnet",
        source=ControlNeXtWeights(
            unet=KOALA, base_seed=10, base_dtype=FP16, part="attn2.to_out", share=0.05, full=False, dtype=FP16
        ),
        seed=31,
        version=1,
        description="ControlNeXt UNet weights for sdxl_checkpoint: differences to its cross attention's outputs.",
    ),
    Recipe(
        name="controlnext_weights_svd",
        folder="controlnet",
        source=ControlNeXtWeights(
            unet=SVD, base_seed=20, base_dtype=FP8, part=".to_out.", share=0.05, full=True, dtype=FP16
        ),
        seed=32,
        version=1,
        description="ControlNeXt UNet weights for svd_checkpoint: whole weights of its attentions' outputs.",
    ),
    Recipe(
        name="sdxl_lora",
        folder="loras",
        source=LoRA(unet=KOALA, rank=4, dtype=FP16),
        seed=40,
        version=1,
        description="LoRA for sdxl_checkpoint, rank 4.",
    ),
    Recipe(
        name="sd15_lora",
        folder="loras",
        source=LoRA(unet=SD15, rank=4, dtype=FP16),
        seed=41,
        version=1,
        description="LoRA for sd15_checkpoint, rank 4.",
    ),
    Recipe(
        name="sd15_ip_adapter",
        folder="ipadapter",
        source=IPAdapterBase(unet=SD15, dtype=FP16),
        seed=50,
        version=1,
        description="IP-Adapter for sd15_checkpoint, first layout, reads clip_vision_l.",
    ),
    Recipe(
        name="sdxl_ip_adapter",
        folder="ipadapter",
        source=IPAdapterBase(unet=KOALA, dtype=FP8),
        seed=51,
        version=1,
        description="IP-Adapter for sdxl_checkpoint, first layout, reads clip_vision_l.",
    ),
    Recipe(
        name="clip_vision_l",
        folder="clip_vision",
        source=ClipVisionL(FP8),
        seed=52,
        version=1,
        description="CLIP ViT-L/14 of one attention and zeros; its embedding depends on the picture.",
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
