"""The seeded recipes of tests/fixtures/controlnext/README.md: weights, inputs and small UNets of the host."""

from __future__ import annotations

import importlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import comfy.cldm.cldm
import comfy.controlnet
import comfy.model_base
import comfy.ops
import comfy.sample
import comfy.t2i_adapter.adapter
import comfy.utils
import torch
from armature_pack.models.controlnext.key_map import to_ldm
from armature_pack.models.controlnext.loading import control_from_state_dict
from armature_pack.models.controlnext.module import ControlNeXtModule
from armature_pack.models.controlnext.variants import VARIANTS
from armature_pack.models.files.layouts.controlnext import Layout
from comfy.ldm.modules.diffusionmodules.util import timestep_embedding
from unets import family_of, unet_config

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "controlnext"
BY_NAME = {variant.name: variant for variant in VARIANTS}
OPERATIONS = comfy.ops.manual_cast


@dataclass(frozen=True)
class Seeds:
    """The recipes' seeds: of both networks' weights, of the control image, and of the UNet's inputs."""

    control: int = 1234
    unet: int = 5
    image: int = 77
    inputs: int = 31

    def shifted(self, offset: int) -> Seeds:
        return Seeds(self.control + offset, self.unet + offset, self.image + offset, self.inputs + offset)


SEEDS = Seeds()


def fixture(name: str) -> dict[str, Any]:
    return json.loads((FIXTURES / name).read_text())


def rounding(reference: dict[str, Any] | torch.Tensor) -> float:
    """How far from a reference its values may lie by rounding alone, on any processor.

    Each kind of processor adds up in an order of its own, and what that changes grows with the values: where they go up to
    170, two processors lie 1.6e-4 apart. A wrong eps of a normalisation, the smallest fault that the fixtures are made to
    show, moves them by 1e-5 to 1e-4 of the largest, everything else by far more.
    """
    if isinstance(reference, torch.Tensor):
        largest = float(reference.abs().max())
    elif "max" in reference:
        largest = max(abs(reference["min"]), abs(reference["max"]))
    else:
        largest = max(map(abs, [*reference["first8"], *reference["strided16"]]))
    return 5e-6 * largest + 1e-5


def assert_reference(
    tensor: torch.Tensor, reference: dict[str, Any], told: str = "", tolerance: float | None = None
) -> None:
    """The tensor has the values that a fixture holds of it, within `tolerance` or their rounding."""
    error, tolerance = error_against(tensor, reference), rounding(reference) if tolerance is None else tolerance
    assert error <= tolerance, f"{told}: off by {error:.3g}, more than {tolerance:.3g}"


def error_against(tensor: torch.Tensor, reference: dict[str, Any]) -> float:
    """Largest difference to the values that a fixture holds of a tensor."""
    assert list(tensor.shape) == reference["shape"]
    flat = tensor.flatten()
    return max(
        float((flat[:8] - torch.tensor(reference["first8"])).abs().max()),
        float((flat[reference["strided16_index"]] - torch.tensor(reference["strided16"])).abs().max()),
        abs(float(flat.double().mean()) - reference["mean"]),
        abs(float(flat.double().std()) - reference["std_unbiased"]),
    )


def control_weights(layout: Layout, seed: int = 1234) -> dict[str, torch.Tensor]:
    torch.manual_seed(seed)
    weights = {}
    for key, shape in sorted(layout.shapes().items()):
        if key == "scale":
            weights[key] = torch.tensor(1.0)
            continue
        value = torch.randn(shape)
        weights[key] = 1 + 0.1 * value if value.ndim == 1 and key.endswith(".weight") else 0.05 * value
    return weights


def control(
    variant: str, setting: str = "auto", seed: int = 1234, form: Any = "code", dtype: torch.dtype = torch.float32
) -> Any:
    """CONTROL_NET of a variant with seeded weights, stored in `dtype`."""
    weights = {key: value.to(dtype) for key, value in control_weights(BY_NAME[variant].layout, seed).items()}
    return control_from_state_dict(weights, f"{variant}.safetensors", setting, form)


def module_inputs(case: str, shape: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Image [B,3,H,W] and timestep, videos flattened to frames."""
    is_video = len(shape) == 5
    if case.startswith("rand"):
        torch.manual_seed(77)
        pixels = torch.rand(shape)
        times = [0.25 * math.log(700.0)] * 3 + [0.25 * math.log(0.5)] * 3 if is_video else [999.0, 1.0]
    else:
        torch.manual_seed(78)
        pixels = torch.zeros(shape) if case == "black" else 0.5 + 0.003 * torch.rand(shape)
        times = [0.0 if is_video else 500.0]
    return (pixels.flatten(0, 1) if is_video else pixels), torch.tensor(times)


def module(name: str) -> ControlNeXtModule:
    """A variant's network with seeded weights."""
    layout = BY_NAME[name].layout
    network = ControlNeXtModule(layout, OPERATIONS, torch.float32)
    network.load_state_dict(control_weights(layout))
    return network


def diffusers_names(model: Any) -> dict[str, str]:
    """Diffusers key -> LDM key for every weight of a model's UNet."""
    config = model.model_config.unet_config
    ldm_names = model.diffusion_model.state_dict().keys()
    is_video = config.get("use_temporal_resblock")
    keys = set(
        fixture("controlnext_svd_unet_diffusers_to_ldm.json") if is_video else comfy.utils.unet_to_diffusers(config)
    )
    # The small networks change their width on another level than the full one, and need a shortcut there.
    blocks = {key.split("norm1.weight")[0] for key in keys if key.endswith("norm1.weight") and "res_block" in key}
    keys |= {f"{block}conv_shortcut.{leaf}" for block in blocks for leaf in ("weight", "bias")}
    pairs = {key: to_ldm(key, config, ldm_names) for key in keys if not key.startswith("class_embedding.")}
    found = {key: ldm for key, ldm in pairs.items() if ldm is not None and ldm in ldm_names}
    assert sorted(found.values()) == sorted(ldm_names)
    return found


def base_stub(name: str) -> Any:
    """What a control net looks at in a base model, without a network."""
    kind = comfy.model_base.ModelType.V_PREDICTION_EDM if "svd" in name else comfy.model_base.ModelType.EPS
    family = family_of(name)
    return SimpleNamespace(model_config=family, model_sampling=comfy.model_base.model_sampling(family, kind))


def image(pictures: int = 1, height: int = 64, width: int = 48, seed: int = 77) -> torch.Tensor:
    """A control image as the Apply nodes get it: [B,H,W,3]."""
    return torch.rand(pictures, height, width, 3, generator=torch.Generator().manual_seed(seed))


def host_model(name: str, seed: int = 5, dtype: torch.dtype = torch.float32) -> Any:
    """A small UNet of the host (comfy.model_base.BaseModel) with seeded weights."""
    model = family_of(name, dtype).get_model({}, device="cpu")
    torch.manual_seed(seed)
    state = model.diffusion_model.state_dict()
    for key, ldm in sorted(diffusers_names(model).items()):
        shape = state[ldm].shape
        value = torch.randn(shape)
        if len(shape) == 1 and key.endswith(".weight"):
            value = 1 + 0.1 * value
        elif len(shape) <= 1:
            value = 0.1 * value
        else:
            value = value / (value[0].numel() ** 0.5)
        state[ldm].copy_(value)
    return model


def seeded(module: torch.nn.Module) -> torch.nn.Module:
    generator = torch.Generator().manual_seed(3)
    for parameter in module.parameters():
        parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.05)
    return module


def native_controlnet() -> Any:
    """A ControlNet of the host for the small SD1.5 UNet."""
    config = {key: value for key, value in unet_config("small_sd15").items() if key not in ("out_channels",)}
    config.pop("transformer_depth_output")
    model: Any = seeded(comfy.cldm.cldm.ControlNet(**config, hint_channels=3, operations=comfy.ops.manual_cast))
    model.dtype = torch.float32
    return comfy.controlnet.ControlNet(model, load_device=torch.device("cpu"))


def t2i_adapter() -> Any:
    """A T2I-Adapter of the host for the small SD1.5 UNet."""
    model = seeded(comfy.t2i_adapter.adapter.Adapter_light(channels=[320, 320], nums_rb=1, cin=192))
    return comfy.controlnet.T2IAdapter(model, 3, 8, "nearest-exact", device=torch.device("cpu"))


def model_inputs(name: str, seeds: Seeds = SEEDS) -> tuple[torch.Tensor, torch.Tensor, dict[str, Any]]:
    """(latent, timestep, everything else) of one call of a small UNet, as the fixtures' recipes draw them."""
    torch.manual_seed(seeds.inputs)
    if "svd" in name:
        latent, context = torch.randn(2, 3, 8, 16, 8).flatten(0, 1), torch.randn(2, 1, 64).repeat_interleave(3, 0)
        ids = timestep_embedding(torch.tensor([6.0, 128.0, 0.02]), 256).flatten()
        return latent, torch.full((6,), 0.3), {"context": context, "y": ids.repeat(6, 1), "num_video_frames": 3}
    latent, context = torch.randn(2, 4, 16, 12), torch.randn(2, 7, 64)
    extra = {"context": context}
    if "sdxl" in name:
        text = torch.randn(2, 64)
        ids = timestep_embedding(torch.tensor([128.0, 96.0, 0.0, 0.0, 128.0, 96.0]), 256).flatten()
        extra["y"] = torch.cat([text, ids.repeat(2, 1)], dim=1)
    return latent, torch.full((2,), 601.0), extra


def hint_for(name: str, seeds: Seeds = SEEDS) -> torch.Tensor:
    """The fixtures' control image [B,3,H,W]; one video serves both halves."""
    torch.manual_seed(seeds.image)
    return torch.rand(1, 3, 3, 128, 64)[0] if "svd" in name else torch.rand(2, 3, 128, 96)


def sampled(model: Any, positive: Any, negative: Any, **changes: Any) -> torch.Tensor:
    """A few steps of the host's sampler."""
    settings = {"steps": 2, "cfg": 3.0, "pictures": 1, "size": (8, 6), **changes}
    generator = torch.Generator().manual_seed(1)
    noise = torch.randn(settings["pictures"], 4, *settings["size"], generator=generator)
    return comfy.sample.sample(
        model,
        noise,
        settings["steps"],
        settings["cfg"],
        "euler",
        "normal",
        positive,
        negative,
        torch.zeros_like(noise),
        denoise=1.0,
        disable_pbar=True,
        seed=1,
    )


def prompt(seed: int, **options: Any) -> Any:
    """CONDITIONING of random text embeddings."""
    return [[torch.randn(1, 7, 64, generator=torch.Generator().manual_seed(seed)), options]]


def applied(positive: Any, negative: Any, net: Any, pixels: torch.Tensor, strength: float = 1.0, **span: float) -> Any:
    """The host's own apply node; span: start, end."""
    node = importlib.import_module("nodes").ControlNetApplyAdvanced()
    return node.apply_controlnet(
        positive, negative, net, pixels, strength, span.get("start", 0.0), span.get("end", 1.0)
    )
