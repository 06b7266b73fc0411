"""What a file is, by its header: every kind, in its layouts, at full size."""

from __future__ import annotations

import pytest
from armature_pack.models.files.identify import identify, told_file
from armature_pack.models.files.kinds import KINDS, find_kind
from armature_pack.models.files.layouts.controlnext import LAYOUTS
from armature_pack.models.files.wrong_kind import told_kind
from armature_pack.tests.models.files import networks
from armature_pack.tests.models.files.header_files import header_of
from armature_pack.tests.models.files.transformers import transformer

TI = {"emb_params": (4, 768)}
GLIGEN = {
    "position_net.null_positive_feature": (768,),
    "input_blocks.1.1.transformer_blocks.0.fuser.linear.weight": (320, 768),
}
REDUX = {"redux_up.weight": (12288, 1152), "redux_down.weight": (4096, 12288)}
ESRGAN = {"model.0.weight": (64, 3, 3, 3), "model.1.sub.0.RDB1.conv1.0.weight": (32, 64, 3, 3)}
TAESD = {"taesd_decoder.1.weight": (64, 4, 3, 3), "taesd_encoder.0.weight": (64, 3, 3, 3)}
CONTROL_LORA = {
    "lora_controlnet": (0,),
    "input_blocks.4.1.transformer_blocks.0.attn2.to_k.down": (128, 2048),
    "zero_convs.0.0.weight": (320, 320, 1, 1),
}
LLLITE = {"lllite_unet_input_blocks_7_1_transformer_blocks_1_attn2_to_q.down.0.weight": (64, 1280)}
T2I_LIGHT = {"body.0.in_conv.weight": (80, 192, 1, 1)}
T2I_XL = {"adapter.conv_in.weight": (320, 768, 3, 3), "adapter.body.0.resnets.0.block2.weight": (320, 320, 1, 1)}
FLUX_NET = {"controlnet_blocks.0.weight": (3072, 3072), "controlnet_x_embedder.weight": (3072, 64)}
FLUX_UNION = {**FLUX_NET, "controlnet_mode_embedder.weight": (10, 3072)}
SD35_NET = {
    "controlnet_blocks.0.weight": (2432, 2432),
    "pos_embed_input.proj.weight": (2432, 16, 2, 2),
    "transformer_blocks.0.adaLN_modulation.1.bias": (14592,),
}
Z_FUN = {"control_all_x_embedder.2-1.weight": (3840, 132)}
QWEN_INPAINT = {"controlnet_blocks.0.y_rms.weight": (3072,), "img_in.weight": (3072, 68)}
FLUX2_FUN = {"control_img_in.weight": (6144, 260), "control_transformer_blocks.0.after_proj.weight": (6144, 6144)}
FLUX_LORA = {"lora_unet_double_blocks_0_img_attn_proj.lora_down.weight": (16, 3072)}
QWEN_LORA = {"transformer_blocks.0.img_mlp.net.2.lora_A.weight": (16, 12288)}
WAN_LORA = {"diffusion_model.blocks.0.self_attn.q.lora_A.weight": (16, 5120)}
TEXT_LORA = {"lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_down.weight": (8, 1280)}
LOKR = {"lora_unet_input_blocks_1_1_transformer_blocks_0_attn1_to_k.lokr_w1": (8, 8)}
LOHA = {
    "lora_unet_output_blocks_3_1_transformer_blocks_0_attn2_to_k.hada_w1_a": (640, 8),
    "lora_unet_output_blocks_3_1_transformer_blocks_0_attn2_to_k.hada_w1_b": (8, 768),
}
DELTA = {
    "mid_block.attentions.0.transformer_blocks.9.attn2.to_out.0.weight": (1280, 1280),
    "down_blocks.2.attentions.0.transformer_blocks.1.attn2.to_out.0.weight": (1280, 1280),
}

EXPECTED = [
    ("checkpoint", ("sd15",), lambda: networks.checkpoint("sd15")),
    ("checkpoint", ("sdxl",), lambda: networks.checkpoint("sdxl")),
    ("checkpoint", ("sd2",), lambda: networks.checkpoint("sd2")),
    ("checkpoint", ("sdxl_refiner",), lambda: networks.checkpoint("sdxl_refiner")),
    ("diffusion_model", ("sdxl",), lambda: networks.unet("sdxl")),
    ("diffusion_model", ("sd15",), lambda: networks.under("model.diffusion_model.", networks.unet("sd15"))),
    ("diffusion_model", ("flux",), lambda: transformer("flux")),
    ("diffusion_model", ("qwen_image",), lambda: transformer("qwen_image")),
    ("diffusion_model", ("wan",), lambda: transformer("wan")),
    ("controlnet", ("sd15",), lambda: networks.controlnet("sd15")),
    ("controlnet", ("sdxl",), lambda: networks.under("control_model.", networks.controlnet("sdxl"))),
    ("controlnet", ("sdxl",), lambda: networks.union("sdxl")),
    ("controlnet", ("flux",), lambda: FLUX_NET),
    ("controlnet", ("flux",), lambda: FLUX_UNION),
    ("controlnet", ("sd3",), lambda: SD35_NET),
    ("control_lora", ("sdxl",), lambda: CONTROL_LORA),
    ("control_lllite", ("sdxl",), lambda: LLLITE),
    ("t2i_adapter", ("sd15",), lambda: T2I_LIGHT),
    ("t2i_adapter", ("sdxl",), lambda: T2I_XL),
    ("model_patch", ("z_image",), lambda: Z_FUN),
    ("model_patch", ("qwen_image",), lambda: QWEN_INPAINT),
    ("model_patch", ("flux2",), lambda: FLUX2_FUN),
    ("ip_adapter", ("sd15",), lambda: networks.ip_adapter("sd15", "plus")),
    ("ip_adapter", ("sdxl",), lambda: networks.ip_adapter("sdxl", "base", "vit_bigg")),
    ("ip_adapter", ("sd15",), lambda: networks.ip_adapter("sd15", "full_face")),
    ("ip_adapter", ("sdxl",), lambda: networks.ip_adapter("sdxl", "face_id")),
    ("ip_adapter", ("sd15",), lambda: networks.ip_adapter("sd15", "face_id_plus")),
    ("ip_adapter", ("sd15",), lambda: networks.ip_adapter("sd15", "portrait")),
    ("ip_adapter", ("sdxl",), lambda: networks.ip_adapter("sdxl", "portrait_unnormalised")),
    ("ip_adapter", ("kolors",), lambda: networks.ip_adapter("sdxl", "kolors", "vit_l_336")),
    ("ip_adapter", ("kolors",), lambda: networks.ip_adapter("sdxl", "kolors_face_id", "vit_l_336")),
    (
        "ip_adapter",
        ("sd15",),
        lambda: {
            key.replace("ip_adapter.", "adapter_modules."): shape
            for key, shape in networks.ip_adapter("sd15", "base").items()
        },
    ),
    ("ip_adapter", ("flux",), lambda: {"ip_adapter_proj_model.proj.weight": (16384, 768)}),
    ("ip_adapter", ("sd3",), lambda: {"ip_adapter.0.norm_ip.linear.weight": (4864, 1280)}),
    ("clip_vision", (), lambda: networks.clip_vision("vit_h")),
    ("clip_vision", (), lambda: networks.clip_vision("siglip_384")),
    ("text_encoder", (), lambda: networks.CLIP_L),
    ("text_encoder", (), lambda: networks.CLIP_G),
    ("text_encoder", (), lambda: networks.T5),
    ("vae", (), lambda: networks.vae(4)),
    ("vae", (), lambda: networks.WAN_VAE),
    ("vae", (), lambda: TAESD),
    ("lora", ("sd15",), lambda: networks.lora("sd15")),
    ("lora", ("sdxl",), lambda: networks.lora("sdxl", diffusers=True)),
    ("lora", ("flux", "chroma"), lambda: FLUX_LORA),
    ("lora", ("qwen_image",), lambda: QWEN_LORA),
    ("lora", ("wan",), lambda: WAN_LORA),
    ("lora", ("sdxl",), lambda: TEXT_LORA),
    ("lora", ("sd15",), lambda: LOHA),
    ("lora", (), lambda: LOKR),
    ("embedding", ("sd15",), lambda: TI),
    ("embedding", ("sdxl",), lambda: {"clip_l": (8, 768), "clip_g": (8, 1280)}),
    ("gligen", ("sd15",), lambda: GLIGEN),
    ("style_model", ("flux",), lambda: REDUX),
    ("upscaler", (), lambda: ESRGAN),
    ("unet_weights", ("sdxl",), lambda: DELTA),
    ("unknown", (), lambda: {"weird.weight": (3, 3)}),
]


@pytest.mark.parametrize(("kind", "families", "shapes"), EXPECTED)
def test_kind_and_family(kind, families, shapes):
    identity = identify(header_of(shapes()))
    assert (identity.kind, identity.families) == (kind, families), identity
    assert identity.title and (identity.evidence or kind == "unknown")


def test_every_kind_is_met_here():
    assert {kind.id for kind in KINDS} - {kind for kind, _, _ in EXPECTED} == {"controlnext"}
    assert all(kind.folders and kind.loaders for kind in KINDS)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
@pytest.mark.parametrize("prefix", ["", "controlnext."])
def test_controlnext_in_each_layout(layout, prefix):
    identity = identify(header_of(networks.under(prefix, layout.shapes())))
    assert identity.kind == "controlnext" and identity.layout == layout.name and identity.families
    assert bool(identity.ambiguity) == (len(identity.families) > 1)


def test_controlnext_of_an_unknown_layout_says_what_is_off():
    shapes = dict(LAYOUTS[0].shapes()) | {"mid_convs.1.weight": (640, 256, 1, 1)}
    identity = identify(header_of(shapes))
    assert identity.families == () and "mid_convs.1.weight" in " ".join(identity.evidence)


@pytest.mark.parametrize("encoder", ["vit_h", "vit_bigg", "vit_l_336"])
@pytest.mark.parametrize("layout", ["base", "plus", "full_face", "face_id_plus"])
def test_an_ip_adapter_names_the_encoder_that_it_needs(layout, encoder):
    traits = identify(header_of(networks.ip_adapter("sd15", layout, encoder))).traits
    assert traits["encoder"] == {"vit_l_336": "vit_l" if layout == "base" else "vit_l_336"}.get(encoder, encoder)
    assert traits["needs_face"] == (layout == "face_id_plus")


@pytest.mark.parametrize("encoder", ["vit_l", "vit_l_336", "vit_h", "vit_bigg", "siglip_384"])
def test_an_image_encoder_is_named(encoder):
    assert identify(header_of(networks.clip_vision(encoder))).traits["encoder"] == encoder


_QWEN3 = "model.layers.0.self_attn.q_norm.weight"
_NORM = "model.layers.0.post_attention_layernorm.weight"
_KEYS = "model.layers.0.self_attn.k_proj.bias"
_GEMMA = {"model.layers.0.post_feedforward_layernorm.weight": (3840,)}
_TWELVE = {"model.layers.47.self_attn.q_norm.weight": (256,), "model.layers.5.self_attn.v_proj.weight": (1, 1)}
_DEEP = "model.visual.deepstack_merger_list.0.norm.weight"
_MERGER = "model.visual.merger.linear_fc2.weight"


@pytest.mark.parametrize(
    ("encoder", "shapes"),
    [
        ("qwen3_06b", {_NORM: (1024,), _QWEN3: (128,)}),
        ("qwen3_4b", {_NORM: (2560,), _QWEN3: (128,)}),
        ("qwen3_8b", {_NORM: (4096,), _QWEN3: (128,)}),
        ("qwen25_3b", {_KEYS: (256,)}),
        ("qwen25_7b", {_KEYS: (512,)}),
        ("qwen3vl_4b", {_DEEP: (2560,), _MERGER: (2560, 4096)}),
        ("qwen3vl_8b", {_DEEP: (4096,), _MERGER: (4096, 4096)}),
        ("ministral_3_3b", {_NORM: (3072,)}),
        ("mistral3_24b", {_NORM: (5120,), "model.layers.39.post_attention_layernorm.weight": (5120,)}),
        ("mistral3_24b_pruned_flux2", {_NORM: (5120,)}),
        ("llama3_8b", {_NORM: (4096,)}),
        ("gemma2_2b", _GEMMA),
        ("gemma3_12b", _GEMMA | _TWELVE),
        ("umt5xxl", {"encoder.block.23.layer.1.DenseReluDense.wi_1.weight": (10240, 4096), "shared.weight": (256384, 4096)}),
        ("t5_xl", {"encoder.block.23.layer.1.DenseReluDense.wi_1.weight": (5120, 2048)}),
        ("byt5_small_glyph", {"encoder.block.0.layer.0.SelfAttention.k.weight": (384, 1472)}),
    ],
)  # fmt: skip
def test_text_encoders_of_todays_models(encoder, shapes):
    identity = identify(header_of(shapes))
    assert identity.kind == "text_encoder" and identity.traits["text_encoder"] == encoder, identity


@pytest.mark.parametrize(
    ("channels", "sign"),
    [
        (16, {"decoder.up_blocks.2.upsamplers.0.upscale_conv.weight": (8, 8, 1, 1)}),
        (128, {"student.dconv_encoder.proj_out.weight": (8, 8)}),
        (24, {"decoder.transformer_blocks.0.scale1": (8,)}),
        (32, {"decoder.conv_in.conv.weight": (1024, 32, 3, 3, 3)}),
        (8, {"vocoder.backbone.channel_layers.0.0.bias": (8,)}),
    ],
)
def test_vaes_of_todays_models(channels, sign):
    identity = identify(header_of(sign))
    assert identity.kind == "vae" and identity.traits["latent_channels"] == channels, identity


@pytest.mark.parametrize(("channels", "format_name"), [(4, "SDXL"), (16, "Flux"), (64, "HunyuanImage21")])
def test_a_vae_names_its_latents(channels, format_name):
    traits = identify(header_of(networks.vae(channels))).traits
    assert traits["latent_channels"] == channels and format_name in traits["latent_formats"]


def test_what_a_header_cannot_decide_is_said():
    assert "same keys and shapes" in identify(header_of(networks.vae(4))).ambiguity
    assert "SVD v2" in identify(header_of(LAYOUTS[1].shapes())).ambiguity


def test_a_whole_clip_model_can_be_loaded_as_either():
    identity = identify(header_of(networks.CLIP_L | networks.clip_vision("vit_l")))
    assert identity.kind == "text_encoder" and identity.traits["also"] == ["clip_vision"]


def test_what_a_control_needs_is_a_trait():
    assert (
        identify(header_of(QWEN_INPAINT)).traits["needs_mask"] and not identify(header_of(Z_FUN)).traits["needs_mask"]
    )
    assert identify(header_of(Z_FUN)).traits["needs_vae"] and identify(header_of(FLUX2_FUN)).traits["no_loader"]
    control = FLUX_LORA | {"lora_unet_img_in.lora_down.weight": (16, 128)}
    plain = FLUX_LORA | {"lora_unet_img_in.lora_down.weight": (16, 64)}
    assert identify(header_of(control)).traits["reads_map"] and not identify(header_of(plain)).traits["reads_map"]


def test_a_whole_transformer_is_not_taken_for_weights_of_controlnext():
    assert "UNETLoader" in told_kind("z.safetensors", transformer("z_image"), "a control net", "choose another here.")
    assert "ControlNeXt" in told_kind("x.safetensors", networks.unet("sdxl"), "a control net", "choose another here.")


def test_precision_and_quantisation_are_traits():
    assert identify(header_of(networks.unet("sd15"), "F8_E4M3")).traits["precision"] == "F8_E4M3"
    packed = networks.unet("sd15") | {"input_blocks.1.0.in_layers.2.weight.absmax": (64,)}
    assert identify(header_of(packed)).traits["quantised"] == "absmax"


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({"modelspec.trigger_phrase": "zebrastyle"}, ["zebrastyle"]),
        ({"ss_tag_frequency": '{"a": {"zebrastyle": 40, "tree": 9, "sky": 3}}'}, ["zebrastyle"]),
        ({"ss_tag_frequency": '{"a": {"tree": 10, "sky": 9, "cat": 9}}'}, []),
        ({"ss_tag_frequency": "not json"}, []),
        ({"ss_tag_frequency": "[1]"}, []),
    ],
)
def test_trigger_words_of_a_lora(metadata, words):
    assert identify(header_of(networks.lora("sd15"), metadata=metadata)).traits["trigger_words"] == words


def test_metadata_decides_only_where_shapes_do_not():
    told = {"ss_base_model_version": "sdxl_base_v1-0"}
    assert identify(header_of(LOKR, metadata=told)).families == ("sdxl",)
    assert identify(header_of(networks.lora("sd15"), metadata=told)).families == ("sd15",)


def test_find_kind():
    assert find_kind("vae") is not None and find_kind("nothing") is None


def test_a_loaded_file_is_told_also_where_only_the_host_can_read_it(tmp_path):
    for name in ("net.pkl", "torn.safetensors"):
        (tmp_path / name).write_bytes(b"nothing that is known")
        assert told_file(tmp_path / name).startswith(f"{name}: loaded; ")
