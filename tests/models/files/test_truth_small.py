"""The same truth for the small kinds: the host really loads the files, or is asked up to where it would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from armature_pack.models.files.host_detection import meta_tensors
from armature_pack.models.files.identify import identify, identify_file
from armature_pack.models.files.identity import Tensors
from armature_pack.tests.models.files import networks
from armature_pack.tests.models.files.header_files import header_of
from safetensors.torch import save_file


def saved(path: Path, weights: dict[str, torch.Tensor]) -> Path:
    save_file({name: tensor.contiguous() for name, tensor in weights.items()}, path)
    return path


@pytest.mark.parametrize("channels", [4, 16])
def test_taesd(tmp_path, channels):
    import comfy.sd
    import comfy.taesd.taesd
    import comfy.utils

    tiny = comfy.taesd.taesd.TAESD(latent_channels=channels)
    path = saved(tmp_path / "tiny.safetensors", dict(tiny.state_dict()))
    identity = identify_file(path)
    loaded = comfy.sd.VAE(sd=comfy.utils.load_torch_file(str(path)))
    assert type(loaded.first_stage_model).__name__ == "TAESD"
    assert (identity.kind, identity.layout) == ("vae", "taesd")
    assert identity.traits["latent_channels"] == loaded.latent_channels == channels


@pytest.mark.parametrize(("context", "family"), [(768, "sd15"), (2048, "sdxl")])
def test_gligen(tmp_path, context, family):
    import comfy.gligen

    fuser = comfy.gligen.GatedSelfAttentionDense(64, context, 8 if context == 768 else 1, 8 if context == 768 else 64)
    place = comfy.gligen.PositionNet(context, context)
    weights = {f"input_blocks.1.1.transformer_blocks.0.fuser.{key}": one for key, one in fuser.state_dict().items()}
    weights |= {f"position_net.{key}": one for key, one in place.state_dict().items()}
    identity = identify_file(saved(tmp_path / "gligen.safetensors", weights))
    assert (identity.kind, identity.families) == ("gligen", (family,))
    assert comfy.gligen.load_gligen(weights).key_dim == context


@pytest.mark.parametrize(("width", "family"), [(768, "sd15"), (1024, "sd2"), (1280, "sdxl_refiner")])
def test_textual_inversion(tmp_path, width, family):
    from comfy.sd1_clip import load_embed

    identity = identify_file(saved(tmp_path / "word.safetensors", {"emb_params": torch.zeros(3, width)}))
    loaded: Any = load_embed("word", str(tmp_path), width, "clip_l")
    assert (identity.kind, identity.families) == ("embedding", (family,))
    assert identity.traits["vectors"] == len(loaded)


def test_textual_inversion_for_both_encoders_of_sdxl(tmp_path):
    from comfy.sd1_clip import load_embed

    both = {"clip_l": torch.zeros(2, 768), "clip_g": torch.zeros(2, 1280)}
    identity = identify_file(saved(tmp_path / "word.safetensors", both))
    assert (identity.kind, identity.families) == ("embedding", ("sdxl",))
    for name, wanted in both.items():
        loaded: Any = load_embed("word", str(tmp_path), wanted.shape[1], name)
        assert loaded.shape == wanted.shape


def upscaler(name: str) -> Any:
    """A narrow network of one of the architectures, by the library that the host reads upscalers with."""
    from spandrel.architectures import DAT, ESRGAN, SPAN, Compact, OmniSR, SwinIR

    made = {
        "esrgan": lambda: ESRGAN.ESRGAN(num_filters=8, num_blocks=1),
        "compact": lambda: Compact.Compact(num_feat=8, num_conv=2),
        "swinir": lambda: SwinIR.SwinIR(
            embed_dim=12, depths=[1], num_heads=[2], window_size=8, upsampler="pixelshuffle"
        ),
        "dat": lambda: DAT.DAT(embed_dim=12, depth=[2], num_heads=[2], split_size=[2, 4]),
        "omnisr": lambda: OmniSR.OmniSR(num_feat=16, res_num=1, block_num=1, window_size=8),
        "span": lambda: SPAN.SPAN(num_in_ch=3, num_out_ch=3, feature_channels=8),
    }
    return made[name]()


@pytest.mark.parametrize("name", ["esrgan", "compact", "swinir", "dat", "omnisr", "span"])
def test_upscalers(name):
    from spandrel import ModelLoader

    weights = dict(upscaler(name).state_dict())
    identity = identify(header_of({key: tuple(one.shape) for key, one in weights.items()}))
    assert (identity.kind, identity.layout) == ("upscaler", name)
    assert ModelLoader().load_from_state_dict(weights).architecture.id.lower() == name


@pytest.mark.parametrize(("channels", "shapes"), [(4, networks.vae(4)), (16, networks.vae(16)), (16, networks.WAN_VAE)])
def test_vaes_at_full_size(channels, shapes):
    """On the meta device: the host chooses the class and its latents from the names and builds it without numbers."""
    import comfy.sd

    with torch.device("meta"):
        loaded = comfy.sd.VAE(sd=meta_tensors(Tensors.of(header_of(shapes))), device=torch.device("meta"))
    identity = identify(header_of(shapes))
    assert identity.kind == "vae" and identity.traits["latent_channels"] == loaded.latent_channels == channels


@pytest.mark.parametrize("layout", ["redux", "t2i_style"])
def test_style_models(layout):
    """The names of the classes that the host's loader builds by the same signs."""
    import comfy.ldm.flux.redux
    import comfy.t2i_adapter.adapter

    with torch.device("meta"):
        model = (
            comfy.ldm.flux.redux.ReduxImageEncoder()
            if layout == "redux"
            else comfy.t2i_adapter.adapter.StyleAdapter(width=1024, context_dim=768, num_head=8, n_layes=3, num_token=8)
        )
    identity = identify(header_of(networks.shapes_of(model)))
    assert (identity.kind, identity.layout) == ("style_model", layout)
    assert identity.families == (("flux",) if layout == "redux" else ("sd15",))
