"""What the header says of control files equals what the host's own dispatch makes of them, in every layout that it loads."""

from __future__ import annotations

from typing import Any

import pytest
from armature_pack.models.files.families import FAMILY_OF_CONTEXT
from armature_pack.models.files.host_detection import meta_tensors
from armature_pack.models.files.identify import identify
from armature_pack.models.files.identity import Tensors
from armature_pack.tests.models.files import networks
from armature_pack.tests.models.files.header_files import header_of
from armature_pack.tests.models.files.test_identify import (
    CONTROL_LORA,
    FLUX_NET,
    FLUX_UNION,
    LLLITE,
    SD35_NET,
    T2I_LIGHT,
    T2I_XL,
)

SD3_DIFFUSERS = {name: shape for name, shape in SD35_NET.items() if "adaLN" not in name}
XLABS = {"controlnet_blocks.0.weight": (3072, 3072), "double_blocks.0.img_attn.norm.key_norm.scale": (128,)}
MISTOLINE = {"controlnet_blocks.0.linear.weight": (3072, 3072)}
HUNYUAN = {"after_proj_list.18.bias": (1408,)}
QWEN_INSTANTX = {
    "controlnet_blocks.0.weight": (3072, 3072),
    "transformer_blocks.0.img_mlp.net.0.proj.weight": (12288, 3072),
}
QWEN_FUN = {"control_blocks.0.after_proj.weight": (3072, 3072), "control_img_in.weight": (3072, 132)}
T2I_FULL = {"conv_in.weight": (320, 192, 3, 3), "body.0.block2.weight": (320, 320, 1, 1)}
T2I_DIFFUSERS = {**T2I_XL, "adapter.body.0.resnets.0.block1.weight": (320, 320, 3, 3)}
CASCADE = {"backbone.0.0.weight": (64, 3, 3, 3)}
BY_DISPATCH = [
    (FLUX_NET, "load_controlnet_flux_instantx", "flux", "flux_instantx"),
    (FLUX_UNION, "load_controlnet_flux_instantx", "flux", "flux_instantx"),
    (XLABS, "load_controlnet_flux_xlabs_mistoline", "flux", "xlabs"),
    (MISTOLINE, "load_controlnet_flux_xlabs_mistoline", "flux", "mistoline"),
    (SD35_NET, "load_controlnet_sd35", "sd3", "sd35"),
    (SD3_DIFFUSERS, "load_controlnet_mmdit", "sd3", "sd3_diffusers"),
    (QWEN_INSTANTX, "load_controlnet_qwen_instantx", "qwen_image", "qwen_instantx"),
    (QWEN_FUN, "load_controlnet_qwen_fun", "qwen_image", "qwen_fun"),
    (HUNYUAN, "load_controlnet_hunyuandit", "hunyuan_dit", "hunyuan_dit"),
    (CONTROL_LORA, "ControlLora", "sdxl", ""),
]


class Chosen(Exception):
    """What the host was about to build: the networks themselves have gigabytes, so its choice is where it stops."""

    def __init__(self, name: str, settings: dict[str, Any]) -> None:
        super().__init__(name)
        self.name, self.settings = name, settings


@pytest.fixture
def choice(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Shapes -> what the host's dispatch would build of them, or None where it does not know the file."""
    import comfy.cldm.cldm
    import comfy.controlnet
    import comfy.ldm.cascade.controlnet
    import comfy.t2i_adapter.adapter

    builders = [(comfy.controlnet, name) for name in {loader for _, loader, *_ in BY_DISPATCH}]
    builders += [(comfy.t2i_adapter.adapter, name) for name in ("Adapter", "Adapter_light")]
    builders += [(place, "ControlNet") for place in (comfy.cldm.cldm, comfy.ldm.cascade.controlnet)]

    def stop(name: str) -> Any:
        def chosen(*_args: Any, **settings: Any) -> None:
            raise Chosen(name, settings)

        return chosen

    def ask(shapes: networks.Shapes) -> Chosen | None:
        with monkeypatch.context() as patched:
            for place, name in builders:
                patched.setattr(place, name, stop(name))
            try:
                return comfy.controlnet.load_controlnet_state_dict(meta_tensors(Tensors.of(header_of(shapes))))
            except Chosen as found:
                return found

    return ask


@pytest.mark.parametrize(("shapes", "loader", "family", "layout"), BY_DISPATCH, ids=[one[3] for one in BY_DISPATCH])
def test_layouts_with_a_loader_of_their_own(choice, shapes, loader, family, layout):
    identity = identify(header_of(shapes))
    assert choice(shapes).name == loader
    assert identity.kind == ("control_lora" if loader == "ControlLora" else "controlnet")
    assert (identity.families, identity.layout) == ((family,), layout)


@pytest.mark.parametrize("family", ["sd15", "sd2", "sdxl"])
@pytest.mark.parametrize("layout", ["ldm", "ldm_pth", "diffusers", "union"])
def test_nets_for_unets(choice, family, layout):
    shapes = networks.controlnet(family)
    if layout == "ldm_pth":
        shapes = networks.under("control_model.", shapes)
    elif layout != "ldm":
        shapes = networks.diffusers_controlnet(family, types=6 if layout == "union" else 0)
    identity = identify(header_of(shapes))
    settings = choice(shapes).settings
    assert (identity.kind, identity.layout) == ("controlnet", layout)
    assert identity.families == (FAMILY_OF_CONTEXT[settings["context_dim"]],) == (family,)
    assert identity.traits["union_types"] == settings.get("union_controlnet_num_control_type", 0)


@pytest.mark.parametrize(
    ("shapes", "name", "channels", "family"),
    [
        (T2I_LIGHT, "Adapter_light", 192, "sd15"),
        (T2I_FULL, "Adapter", 192, "sd15"),
        (T2I_DIFFUSERS, "Adapter", 768, "sdxl"),
        (CASCADE, "ControlNet", 3, "stable_cascade_c"),
    ],
)
def test_t2i_adapters(choice, shapes, name, channels, family):
    found, identity = choice(shapes), identify(header_of(shapes))
    assert (identity.kind, identity.families) == ("t2i_adapter", (family,))
    assert found.name == name and found.settings.get("cin", found.settings.get("c_in")) == channels
    assert found.settings.get("xl", False) == (family == "sdxl")


def test_files_that_the_hosts_control_net_loader_does_not_know(choice):
    """The host answers None for them, and the header names what they are."""
    for shapes, kind in ((LLLITE, "control_lllite"), (networks.lora("sd15"), "lora"), (networks.vae(4), "vae")):
        assert choice(shapes) is None
        assert identify(header_of(shapes)).kind == kind
