"""The host's SD1.5 network and control nets at a tenth of their width, for tests that sample often: real, seeded, and fast."""

from __future__ import annotations

from typing import Any

import comfy.model_patcher
import comfy.ops
import torch
from armature_pack.tests.generated.catalog import SD15
from armature_pack.tests.latest import latest
from comfy.cldm.cldm import ControlNet as Network
from comfy.controlnet import ControlNet

from .sampling import Bench, conditioning

WIDTH, FULL = 32, 320
CPU = torch.device("cpu")


def _seeded(network: Any, seed: int) -> Any:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.05)
    return network.eval()


@latest(2)
def small_bench(width: int = WIDTH) -> Bench:
    """A MODEL with two prompts' worth of conditioning."""
    config = SD15.model_config()
    config.unet_config = {**config.unet_config, "model_channels": width}
    config.set_inference_dtype(torch.float32, None)
    model = _seeded(config.get_model({}, "", device=CPU), 0)
    return Bench(comfy.model_patcher.ModelPatcher(model, CPU, CPU), conditioning(1), conditioning(2), (16, 16))


@latest(4)
def small_control_net(seed: int = 1, union_types: int | None = None) -> ControlNet:
    """A CONTROL_NET for it; with `union_types`, a union net of that many types, which only there is in full width."""
    width = WIDTH if union_types is None else FULL
    return control_net_of({**SD15.model_config().unet_config, "model_channels": width}, seed, union_types)


def control_net_of(unet_config: dict[str, Any], seed: int = 1, union_types: int | None = None) -> ControlNet:
    """A CONTROL_NET for the UNet of such a configuration."""
    config = {
        **{key: value for key, value in unet_config.items() if key not in {"out_channels", "dtype"}},
        "hint_channels": 3,
        "union_controlnet_num_control_type": union_types,
        "operations": comfy.ops.disable_weight_init,
        "dtype": torch.float32,
        "device": CPU,
    }
    return ControlNet(_seeded(Network(**config), seed), load_device=CPU)
