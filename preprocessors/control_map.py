"""From pictures to control maps: the one function behind every preprocessor node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch.nn.functional import interpolate

from ..common.report_lines import warning, warnings_first
from .chunks import check_memory, detect_batch
from .entry import Detected, Options, Preprocessor
from .images.checks import check_choice, check_range
from .images.frame_numbers import in_ranges
from .images.kinds import MapKind
from .images.tags import tag
from .images.tensors import check_mask, check_shape, target_size
from .options import resolved_options, told_options
from .pictures_in import readable
from .pose.keypoints import Frame, scaled_frames
from .sizing import (
    MAXIMUM_RESOLUTION,
    MINIMUM_RESOLUTION,
    RESOLUTION_MODES,
    detector_size,
    resized_maps,
    resized_pictures,
)


@dataclass(frozen=True)
class MadeMap:
    """maps [B,H,W,3] of the size of the pictures, what to know about them in words, and the poses that were found."""

    maps: torch.Tensor
    report: str
    poses: list[Frame]


def control_map(entry: Preprocessor, image: Any, options: Options, **inputs: Any) -> tuple[torch.Tensor, str]:
    """Maps and report of `make_map`."""
    made = make_map(entry, image, options, **inputs)
    return made.maps, made.report


def make_map(
    entry: Preprocessor,
    image: Any,
    options: Options,
    mask: Any = None,
    resolution_mode: Any = "native",
    resolution: Any = 512,
    target: Any = None,
) -> MadeMap:
    """Maps [B,H,W,3] of the size of `image` [B,H,W,C], and a report in words.

    `resolution_mode`, `resolution` and `target` (an IMAGE or LATENT of the size to be drawn) decide only what the method
    sees. Outside `mask` [B,H,W] the map holds the method's background, unless the method needs the mask for itself.
    """
    where = f"{entry.title}, input"
    settings = resolved_options(entry, options)
    _check_resolution(entry, resolution_mode, resolution)
    height, width = check_shape(image, f"{where} image").shape[1:3]
    # Refused before anything looks at the pixels, of which there may be too many.
    size = detector_size(height, width, resolution_mode, resolution, target_size(target))
    check_memory(entry, size)
    pictures, notes = readable(entry, image, f"{where} image")
    notes = (*notes, *told_options(entry, options))
    mask = None if mask is None else _fitted_mask(check_mask(mask, f"{where} mask"), pictures)
    seen = resized_pictures(pictures, size)
    if entry.mask == "needed":
        seen = torch.cat([seen, _needed(entry, mask, size, len(pictures)).to(seen)], -1)
    detected = _finished(entry, detect_batch(entry, seen, settings), size, (height, width), settings)
    maps = resized_maps(detected.maps, (height, width), entry.makes)
    warnings = _blank(maps, entry, mask)
    if mask is not None and entry.mask == "keep_inside":
        maps = _inside(maps, mask, entry.makes)
        warnings = _blank(maps, entry, mask, warnings)
    notes = (*notes, *detected.notes, *_told_blank(warnings))
    report = _report(entry, settings, maps, size, notes)
    return MadeMap(tag(_for_host(maps, entry.makes), entry.makes.name), report, list(detected.poses))


def _finished(
    entry: Preprocessor, detected: Detected, seen: tuple[int, int], size: tuple[int, int], settings: Options
) -> Detected:
    """The whole batch after the last part: poses in the picture's own pixels, then the method's own last step."""
    poses = tuple(scaled_frames(detected.poses, seen, size)) if detected.poses else ()
    detected = Detected(detected.maps, detected.notes, poses)
    return entry.finish(detected, size, settings) if entry.finish else detected


def _fitted_mask(mask: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
    """[1|B,H,W] at the size of the pictures, nearest pixel."""
    if mask.shape[0] not in (1, pictures.shape[0]):
        raise ValueError(
            f"Input mask: {mask.shape[0]} masks came in for {pictures.shape[0]} pictures. Give one mask, or one for each "
            "picture."
        )
    return interpolate(mask.unsqueeze(1).to(pictures), pictures.shape[1:3], mode="nearest-exact")[:, 0].clamp(0, 1)


def _needed(entry: Preprocessor, mask: torch.Tensor | None, size: tuple[int, int], batch: int) -> torch.Tensor:
    if mask is None:
        raise ValueError(f"{entry.title}, input mask: this method needs one. Link a mask, for example from Load Image.")
    resized = interpolate(mask.unsqueeze(1), size, mode="nearest-exact")
    return resized.movedim(1, -1).expand(batch, -1, -1, -1)


def _inside(maps: torch.Tensor, mask: torch.Tensor, kind: MapKind) -> torch.Tensor:
    mask = mask.unsqueeze(-1).to(maps)
    background = torch.tensor(kind.background).to(maps)
    return maps * mask + background * (1 - mask)


def _check_resolution(entry: Preprocessor, mode: Any, resolution: Any) -> None:
    check_choice(f"{entry.title}, input resolution_mode", mode, RESOLUTION_MODES)
    check_range(f"{entry.title}, input resolution", resolution, MINIMUM_RESOLUTION, MAXIMUM_RESOLUTION)


def _for_host(maps: torch.Tensor, kind: MapKind) -> torch.Tensor:
    """The maps, which are our own to change, in the range and the place that the host expects.

    Contiguous, because other packs write into images in place.
    """
    import comfy.model_management as management

    return maps.contiguous().clamp_(kind.lowest, 1).to(device=management.intermediate_device(), dtype=torch.float32)


def _is_blank(one: torch.Tensor) -> bool:
    """Whether a map [H,W,3] has next to one colour only. Most show it in a few of their pixels, without a pass over all."""
    return all(float((pixels.amax((0, 1)) - pixels.amin((0, 1))).max()) < 1 / 255 for pixels in (one[::16, ::16], one))


Cause = Literal["nothing found", "black mask", "white mask", "mask keeps nothing"]
_WHY: dict[Cause, str] = {
    "black mask": " because the mask is all black there: nothing of the picture is kept. Load Image gives such a mask for a "
    "picture without transparency; unlink it, or paint what is to be kept in white.",
    "white mask": " because the mask is all white there. Paint only the part in white that it is for.",
    "mask keeps nothing": " because the mask keeps nothing of what was found. Paint more of the picture in white, or unlink it.",
    "nothing found": ", the method found nothing. A blank map controls nothing: loosen the options, or look at the picture.",
}


def _blank(
    maps: torch.Tensor, entry: Preprocessor, mask: torch.Tensor | None, before: dict[int, Cause] | None = None
) -> dict[int, Cause]:
    """Which maps [B,H,W,3] are blank, and why. before: which were so before the mask was laid on them."""
    causes: dict[int, Cause] = {}
    for index in (number for number, one in enumerate(maps) if _is_blank(one)):
        of_it = None if mask is None else mask[index if len(mask) > 1 else 0]
        laid = before is not None or entry.mask == "needed"
        if of_it is not None and laid and not bool(of_it.any()):
            causes[index] = "black mask"
        elif of_it is not None and entry.mask == "needed" and bool((of_it == 1).all()):
            causes[index] = "white mask"
        else:
            causes[index] = "nothing found" if before is None or index in before else "mask keeps nothing"
    return causes


def _told_blank(causes: dict[int, Cause]) -> list[str]:
    told = []
    for cause, why in _WHY.items():
        numbers = [index for index, one in causes.items() if one == cause]
        if numbers:
            are = "are" if len(numbers) > 1 else "is"
            told.append(warning(f"{in_ranges(numbers, 'map')} {are} blank{why}"))
    return told


def _report(
    entry: Preprocessor, settings: Options, maps: torch.Tensor, seen: tuple[int, int], notes: tuple[str, ...]
) -> str:
    batch, height, width = maps.shape[:3]
    chosen = ", ".join(f"{name} {value}" for name, value in settings.items())
    count = f"{batch} map{'s' if batch > 1 else ''} of {width}x{height}"
    lines = [f"{entry.title} (version {entry.version}): {count}{'; ' if chosen else ''}{chosen}."]
    if seen != (height, width):
        lines.append(f"The method saw the picture at {seen[1]}x{seen[0]}.")
    return "\n".join(warnings_first((*lines, *notes)))
