"""Reading off a host model which family it is, and where in its UNet a site lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .variants import BASE_TITLES, Base, Site


@dataclass(frozen=True)
class Place:
    """A site in one UNet: the host's block id and the number of channels of the hidden state behind it."""

    block: tuple[str, int]
    channels: int


def base_of(model: Any, file_name: str) -> Base:
    """The family of a host model (comfy.model_base.BaseModel); ValueError when ControlNeXt has no variant for it."""
    config = _unet_config(model)
    if config is None:
        raise ValueError(
            f"The ControlNeXt file '{file_name}' steers UNets ({', '.join(BASE_TITLES.values())}), but the model being "
            f"sampled is {type(model).__name__}, which has none. "
            "Load a checkpoint of one of these families, or take ControlNeXt out of the control chain."
        )
    if config.get("use_temporal_resblock") or config.get("use_temporal_attention"):
        return "svd"
    # A class embedding is SDXL's size conditioning; of the models based on SD2 only unCLIP has one, too.
    embeds_class = config.get("num_classes") is not None or config.get("adm_in_channels") is not None
    return "sdxl" if embeds_class and type(model).__name__ != "SD21UNCLIP" else "sd15"


def place_of(site: Site, model: Any) -> Place:
    """Where a site lies: the blocks of the first levels are counted, so that smaller UNets work as well."""
    config = _unet_config(model) or {}
    levels = len(config["channel_mult"])
    blocks = config["num_res_blocks"]
    blocks = [blocks] * levels if isinstance(blocks, int) else list(blocks)
    channels = [config["model_channels"] * factor for factor in config["channel_mult"]]
    last = sum(blocks) + levels - 1  # one downsampler behind every level but the last
    if site == "first_convolution":
        return Place(("input", 0), config["model_channels"])
    if site == "first_down_block":
        return Place(("input", min(blocks[0] + 1, last)), channels[0])
    if site == "last_down_block":
        return Place(("input", last), channels[-1])
    return Place(("middle", 0), channels[-1])


def _unet_config(model: Any) -> dict[str, Any] | None:
    config = getattr(getattr(model, "model_config", None), "unet_config", None)
    is_unet = config is not None and "channel_mult" in config and "num_res_blocks" in config
    return config if is_unet else None
