"""What the header says equals what the host's own loaders make of the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from armature_pack.models.files.families import family_of_host_class
from armature_pack.models.files.host_detection import meta_tensors
from armature_pack.models.files.identify import identify, identify_file
from armature_pack.models.files.identity import Tensors
from armature_pack.tests.generated.catalog import RECIPES
from armature_pack.tests.models.files import networks
from armature_pack.tests.models.files.header_files import header_of
from armature_pack.tests.models.files.transformers import transformer


def load_checkpoint(path: Path) -> tuple[str, str]:
    import comfy.sd

    model, clip, vae, _ = comfy.sd.load_checkpoint_guess_config(str(path), output_clip=False)
    assert model is not None and clip is None and vae is not None
    return "checkpoint", family_of_host_class(type(model.model.model_config).__name__).id


def load_diffusion_model(path: Path) -> tuple[str, str]:
    import comfy.sd

    model = comfy.sd.load_diffusion_model(str(path))
    return "diffusion_model", family_of_host_class(type(model.model.model_config).__name__).id


def load_control(path: Path) -> tuple[str, str]:
    import comfy.controlnet

    control = comfy.controlnet.load_controlnet(str(path))
    assert control is not None
    if isinstance(control, comfy.controlnet.T2IAdapter):
        return "t2i_adapter", "sd15" if control.t2i_model.unshuffle_amount == 8 else "sdxl"
    width = next(
        tensor.shape[1]
        for name, tensor in control.control_model.state_dict().items()
        if name.endswith("attn2.to_k.weight")
    )
    return "controlnet", {768: "sd15", 1024: "sd2", 2048: "sdxl"}[width]


def load_text_encoder(path: Path) -> tuple[str, str]:
    import comfy.sd

    clip = comfy.sd.load_clip([str(path)], clip_type=comfy.sd.CLIPType.STABLE_DIFFUSION)
    return "text_encoder", type(clip.cond_stage_model).__name__


def load_vae(path: Path) -> tuple[str, Any]:
    import comfy.sd
    import comfy.utils

    state_dict, metadata = comfy.utils.load_torch_file(str(path), return_metadata=True)
    return "vae", comfy.sd.VAE(sd=state_dict, metadata=metadata).latent_channels


LOADERS: dict[str, Callable[[Path], tuple[str, Any]]] = {
    "checkpoints": load_checkpoint,
    "diffusion_models": load_diffusion_model,
    "controlnet": load_control,
    "text_encoders": load_text_encoder,
    "vae": load_vae,
}


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_generated_files(generated, recipe):
    path = generated(recipe.name)
    identity = identify_file(path)
    if identity.kind in ("controlnext", "unet_weights", "lora", "ip_adapter"):
        pytest.skip("the host has no loader of its own for this kind; our loader's tests say the same")
    if recipe.name.startswith("svd"):
        pytest.skip("the host loads it together with an image encoder; its detection is compared below")
    if recipe.folder not in LOADERS:
        pytest.skip(f"no loader of the host for {recipe.folder} is compared here")
    kind, found = LOADERS[recipe.folder](path)
    assert identity.kind == kind
    if kind == "text_encoder":
        assert (identity.traits["text_encoder"], found) == ("clip_l", "SD1ClipModel")
    elif kind == "vae":
        assert identity.traits["latent_channels"] == found
    else:
        assert identity.families == (found,)


WHOLE = [(family, networks.unet, family) for family in ("sd15", "sd2", "sdxl", "sdxl_refiner", "svd")]
WHOLE += [(family, transformer, family) for family in ("flux", "qwen_image", "wan", "z_image", "sd3")]
WHOLE += [("sd35_medium", transformer, "sd3")]


@pytest.mark.parametrize(("name", "shapes", "family"), WHOLE, ids=[one[0] for one in WHOLE])
def test_networks_at_full_size_against_the_hosts_detection(name, shapes, family):
    """The host would load gigabytes here, so its own detection is asked, by its public name, on the same shapes."""
    from comfy import model_detection

    header = header_of(shapes(name))
    found = model_detection.model_config_from_unet(meta_tensors(Tensors.of(header)), "")
    assert identify(header).families == (family_of_host_class(type(found).__name__).id,) == (family,)
    whole = header_of(networks.under("model.diffusion_model.", shapes(name)) | networks.under("vae.", networks.vae(4)))
    assert (identify(whole).kind, identify(whole).families) == ("checkpoint", (family,))


@pytest.mark.parametrize("encoder", ["vit_l", "vit_l_336", "vit_h", "vit_bigg", "siglip_384"])
def test_image_encoders_against_the_hosts_loader(encoder, monkeypatch):
    """The host's loader chooses its configuration from the names; the network itself is left out, it has gigabytes."""
    import json

    import comfy.clip_vision

    chosen: list[dict[str, Any]] = []

    class Chosen(Exception):
        pass

    def stop(config: str) -> None:
        chosen.append(json.loads(Path(config).read_text(encoding="utf-8")))
        raise Chosen

    monkeypatch.setattr(comfy.clip_vision, "ClipVisionModel", stop)
    header = header_of(networks.clip_vision(encoder))
    with pytest.raises(Chosen):
        comfy.clip_vision.load_clipvision_from_sd(meta_tensors(Tensors.of(header)))
    traits = identify(header).traits
    assert traits["hidden"] == chosen[0]["hidden_size"]
    assert encoder.startswith("siglip") or traits["projection"] == chosen[0]["projection_dim"]
