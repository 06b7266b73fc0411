"""The kinds of files that are recognised. A new one is a new file and one line here.

The first kind that recognises a file names it, so the special ones stand before the general ones: a control net holds half
a UNet, and a LoRA names the layers of one.
"""

from __future__ import annotations

from ..identity import Kind
from .checkpoint import CHECKPOINT
from .clip_vision import CLIP_VISION
from .control_lllite import CONTROL_LLLITE
from .control_lora import CONTROL_LORA
from .controlnet import CONTROLNET
from .controlnet_transformer import CONTROLNET_TRANSFORMER
from .controlnext import CONTROLNEXT
from .diffusion_model import DIFFUSION_MODEL
from .embedding import EMBEDDING
from .gligen import GLIGEN
from .ip_adapter import IP_ADAPTER
from .lora import LORA
from .model_patch import MODEL_PATCH
from .style_model import STYLE_MODEL
from .t2i_adapter import T2I_ADAPTER
from .taesd import TAESD
from .text_encoder import TEXT_ENCODER
from .unet_weights import UNET_WEIGHTS
from .upscaler import UPSCALER
from .vae import VAE

KINDS: tuple[Kind, ...] = (
    IP_ADAPTER,
    CONTROLNEXT,
    CONTROL_LORA,
    CONTROL_LLLITE,
    MODEL_PATCH,
    CONTROLNET_TRANSFORMER,
    CONTROLNET,
    T2I_ADAPTER,
    LORA,
    CHECKPOINT,
    STYLE_MODEL,
    GLIGEN,
    TAESD,
    VAE,
    CLIP_VISION,
    TEXT_ENCODER,
    UPSCALER,
    EMBEDDING,
    DIFFUSION_MODEL,
    UNET_WEIGHTS,
)


def find_kind(kind_id: str) -> Kind | None:
    """The kind with this id, or None."""
    return next((kind for kind in KINDS if kind.id == kind_id), None)
