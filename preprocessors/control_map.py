"""From pictures to control maps: the one function behind every preprocessor node."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.functional import interpolate

from .entry import Detected, MapConvention, Options, Preprocessor
from .image_tensor import check_image, check_mask, to_rgb
from .options import resolved_options
from .sizing import (
    MAXIMUM_RESOLUTION,
    MINIMUM_RESOLUTION,
    RESOLUTION_MODES,
    detector_size,
    resized_maps,
    resized_pictures,
)


def control_map(
    entry: Preprocessor,
    image: Any,
    options: Options,
    mask: Any = None,
    resolution_mode: Any = "native",
    resolution: Any = 512,
) -> tuple[torch.Tensor, str]:
    """Maps [B,H,W,3] of the size of `image` [B,H,W,C], and a report in words.

    `resolution_mode` and `resolution` decide only what the method sees. Outside `mask` [B,H,W] the map holds the
    method's background. Pictures run one at a time, so memory stays flat and an interrupt acts between two.
    """
    pictures = to_rgb(check_image(image, f"{entry.title}, input image"))
    settings = resolved_options(entry, options)
    _check_resolution(entry, resolution_mode, resolution)
    height, width = pictures.shape[1:3]
    size = detector_size(height, width, resolution_mode, resolution)
    detected = _detect_each(entry, resized_pictures(pictures, size), settings)
    maps = resized_maps(detected.maps, (height, width), entry.makes)
    if mask is not None:
        maps = _inside(maps, check_mask(mask, f"{entry.title}, input mask"), entry.makes)
    return _for_host(maps), _report(entry, settings, maps, size, detected.notes)


def _detect_each(entry: Preprocessor, pictures: torch.Tensor, settings: Options) -> Detected:
    import comfy.utils
    from comfy.model_management import throw_exception_if_processing_interrupted

    bar = comfy.utils.ProgressBar(pictures.shape[0])
    detected: list[Detected] = []
    for picture in pictures.split(1):
        throw_exception_if_processing_interrupted()
        detected.append(entry.detect(picture.float(), settings))
        bar.update(1)
    notes = dict.fromkeys(note for one in detected for note in one.notes)
    return Detected(torch.cat([one.maps for one in detected]), tuple(notes))


def _inside(maps: torch.Tensor, mask: torch.Tensor, convention: MapConvention) -> torch.Tensor:
    if mask.shape[0] not in (1, maps.shape[0]):
        raise ValueError(
            f"Input mask: {mask.shape[0]} masks came in for {maps.shape[0]} pictures. Give one mask, or one for each picture."
        )
    mask = interpolate(mask.unsqueeze(1).to(maps), maps.shape[1:3], mode="nearest-exact").movedim(1, -1)
    background = torch.tensor(convention.background).to(maps)
    return maps * mask + background * (1 - mask)


def _check_resolution(entry: Preprocessor, mode: Any, resolution: Any) -> None:
    if mode not in RESOLUTION_MODES:
        raise ValueError(f'{entry.title}, input resolution_mode: "{mode}" is not one of {", ".join(RESOLUTION_MODES)}.')
    if not MINIMUM_RESOLUTION <= resolution <= MAXIMUM_RESOLUTION:
        raise ValueError(
            f"{entry.title}, input resolution: {resolution} lies outside {MINIMUM_RESOLUTION} to {MAXIMUM_RESOLUTION}."
        )


def _for_host(maps: torch.Tensor) -> torch.Tensor:
    import comfy.model_management as management

    return maps.clamp(0, 1).to(device=management.intermediate_device(), dtype=torch.float32)


def _report(
    entry: Preprocessor, settings: Options, maps: torch.Tensor, seen: tuple[int, int], notes: tuple[str, ...]
) -> str:
    batch, height, width = maps.shape[:3]
    chosen = ", ".join(f"{name} {value}" for name, value in settings.items())
    lines = [
        f"{entry.title} (version {entry.version}): {batch} map{'s' if batch > 1 else ''} of {width}x{height}; {chosen}."
    ]
    if seen != (height, width):
        lines.append(f"The method saw the picture at {seen[1]}x{seen[0]}.")
    lines.extend(notes)
    blank = [str(index) for index, one in enumerate(maps) if float(one.amax() - one.amin()) < 1 / 255]
    if blank:
        lines.append(
            f"Warning: map {', '.join(blank)} is blank, the method found nothing. A blank map controls nothing: "
            "loosen the options, or look at the picture."
        )
    return "\n".join(lines)
