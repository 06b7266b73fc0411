"""LoRAs for transformers whose layers bear the same names: widths and numbers of blocks tell the families apart."""

from __future__ import annotations

import pytest
from armature_pack.models.files.identify import identify
from armature_pack.tests.models.files.header_files import header_of
from armature_pack.tests.models.files.networks import Shapes


def lora(blocks: str, count: int, **layers: tuple[int, int]) -> Shapes:
    """A LoRA on layers of each block; `layers`: their names, "__" for a dot, and (numbers read, numbers given)."""
    return {
        f"diffusion_model.{blocks}.{number}.{layer.replace('__', '.')}.{part}.weight": shape
        for number in range(count)
        for layer, (read, given) in layers.items()
        for part, shape in (("lora_A", (8, read)), ("lora_B", (given, 8)))
    }


QKV = {"img_attn__qkv": (3072, 9216)}
JOINT = {"attn__to_q": (3072, 3072), "attn__add_k_proj": (3072, 3072)}
FAMILIES = [
    ("flux", lora("double_blocks", 19, img_attn__qkv=(3072, 9216), img_mod__lin=(3072, 18432))),
    ("flux chroma", lora("double_blocks", 19, **QKV)),
    ("flux chroma", lora("single_blocks", 38, linear2=(15360, 3072))),
    ("flux chroma", lora("single_transformer_blocks", 38, attn__to_q=(3072, 3072))),
    ("flux2", lora("double_blocks", 8, img_attn__qkv=(6144, 18432))),
    ("flux2 joy_image", lora("double_blocks", 8, img_attn__qkv=(4096, 12288))),
    ("flux2", lora("double_blocks", 8, img_attn__qkv=(4096, 12288)) | lora("single_blocks", 24, linear2=(16384, 4096))),
    ("flux2", lora("single_blocks", 20, linear2=(12288, 3072))),
    ("flux2", lora("single_transformer_blocks", 20, attn__to_qkv_mlp_proj=(3072, 27648))),
    ("flux chroma flux2", lora("double_blocks", 5, **QKV)),
    (
        "flux chroma long_cat_image",
        lora("transformer_blocks", 10, **JOINT) | lora("single_transformer_blocks", 20, **JOINT),
    ),
    ("hunyuan_video", lora("double_blocks", 20, **QKV)),
    ("hunyuan_video", lora("double_blocks", 4, img_attn_qkv=(3072, 9216), img_mlp__fc1=(3072, 12288))),
    ("hunyuan_video15", lora("double_blocks", 54, img_attn__qkv=(2048, 6144))),
    ("hunyuan_image21", lora("double_blocks", 20, img_attn__qkv=(3584, 10752))),
    ("qwen_image", lora("transformer_blocks", 60, **JOINT)),
    ("sd3", lora("transformer_blocks", 24, attn__add_k_proj=(1536, 1536))),
    ("sd3", lora("transformer_blocks", 38, attn__add_k_proj=(2432, 2432))),
    ("", lora("transformer_blocks", 38, attn__add_k_proj=(999, 999))),
    ("wan", lora("blocks", 40, self_attn__q=(5120, 5120))),
    ("wan22_5b", lora("blocks", 30, cross_attn__o=(3072, 3072))),
    ("anima cosmos_predict2", lora("blocks", 28, self_attn__q_proj=(2048, 2048))),
    ("anima", lora("blocks", 28, self_attn__q_proj=(2048, 2048)) | lora("llm_adapter.blocks", 1, mlp__0=(1024, 1024))),
    ("z_image", lora("layers", 30, attention__qkv=(3840, 11520))),
    ("lumina2", lora("layers", 26, attention__qkv=(2304, 4608))),
    ("ltxv", lora("transformer_blocks", 28, attn2__to_k=(2048, 2048))),
    ("pixart", lora("transformer_blocks", 28, attn2__to_k=(1152, 1152))),
]


@pytest.mark.parametrize(("families", "shapes"), FAMILIES)
def test_the_families_that_a_lora_may_be_made_for(families, shapes):
    identity = identify(header_of(shapes))
    assert (identity.kind, identity.families) == ("lora", tuple(families.split())), identity
    assert bool(identity.ambiguity) == (len(identity.families) != 1)


def test_the_names_and_widths_are_those_of_the_host():
    import comfy.ops
    import torch
    from armature_pack.tests.models.files.networks import shapes_of
    from comfy.ldm.flux.model import Flux

    settings = {
        "in_channels": 128,
        "out_channels": 128,
        "context_in_dim": 7680,
        "hidden_size": 3072,
        "num_heads": 24,
        "axes_dim": [32] * 4,
        "txt_ids_dims": [3],
    }
    own = {"mlp_ratio": 3.0, "global_modulation": True, "mlp_silu_act": True, "qkv_bias": False, "ops_bias": False}
    network = Flux(
        image_model="flux2", vec_in_dim=None, depth=5, depth_single_blocks=20, theta=2000, patch_size=1, guidance_embed=False,
        device=torch.device("meta"), operations=comfy.ops.disable_weight_init, **settings, **own,
    )  # fmt: skip
    layers = {name.removesuffix(".weight"): shape for name, shape in shapes_of(network).items() if len(shape) == 2}
    for part in ("linear2", "img_mlp.2", "stream_modulation"):
        down = {f"{name}.lora_A.weight": (8, shape[1]) for name, shape in layers.items() if part in name}
        down |= {f"{name}.lora_A.weight": (8, shape[1]) for name, shape in layers.items() if "img_attn" in name}
        assert len(down) > 5 and identify(header_of(down)).families == ("flux2",), part
