"""QR codes for QR control nets."""

from __future__ import annotations

import numpy as np
import torch

from .entry import Detected, Option, Options, Preprocessor
from .grey import as_grey_maps, luma, otsu_threshold
from .images.kinds import MAP_KINDS

_LOOK = 640  # pixels of the longer side, enough to see whether there is a code
_GREY = MAP_KINDS["qr"].background[0]


def detect_qr(pictures: torch.Tensor, options: Options) -> Detected:
    """A picture of a code [B,h,w,3] as pure black and white modules; the ground around it grey, as the nets know it."""
    codes = [_code(one, options) for one in luma(pictures)]
    notes = dict.fromkeys(note for _, note in codes if note)
    return Detected(as_grey_maps(torch.stack([code for code, _ in codes])), tuple(notes))


def _code(grey: torch.Tensor, options: Options) -> tuple[torch.Tensor, str]:
    """(the map [h,w] of a grey picture, a sentence on what was strange about it)."""
    dark = (grey * 255).round() <= otsu_threshold(grey)
    if bool(dark.all()) or not bool(dark.any()):
        return torch.full_like(grey, _GREY), ""
    turned, note = _looked_at(dark)
    return _drawn(grey, ~dark if turned else dark, options), note


def _looked_at(dark: torch.Tensor) -> tuple[bool, str]:
    """(whether the modules are the bright ones, a sentence), by the three squares that OpenCV looks for."""
    try:
        import cv2
    except ImportError:
        return False, ""
    find = cv2.QRCodeDetector().detect
    paper = (~dark).cpu().numpy().astype(np.uint8) * 255
    scale = min(1.0, _LOOK / max(paper.shape))
    height, width = (max(1, round(side * scale)) for side in paper.shape)
    paper = cv2.resize(paper, (width, height), interpolation=cv2.INTER_AREA)
    if find(paper)[0]:
        return False, ""
    if find(255 - paper)[0]:
        return (
            True,
            "The code was light on dark; dark and light were exchanged, because nets and scanners want dark modules.",
        )
    return False, (
        "No QR code was recognised: none of the three squares in its corners. Link a picture of the plain code, straight and "
        "whole, with dark modules on white."
    )


def _drawn(grey: torch.Tensor, dark: torch.Tensor, options: Options) -> torch.Tensor:
    code = (~dark).float()
    if options["ground"] == "white":
        return code
    rows, columns = dark.any(1).nonzero()[:, 0], dark.any(0).nonzero()[:, 0]
    margin = round(options["quiet_zone"] * int(columns[-1] - columns[0] + 1))
    top, bottom = max(0, int(rows[0]) - margin), int(rows[-1]) + 1 + margin
    left, right = max(0, int(columns[0]) - margin), int(columns[-1]) + 1 + margin
    ground = torch.full_like(grey, _GREY)
    ground[top:bottom, left:right] = code[top:bottom, left:right]
    return ground


QR_CODE = Preprocessor(
    method="qr_code",
    node_id="ArmatureQRCode",
    title="QR Code",
    summary="A picture of a QR code as pure black and white modules on grey, for QR control nets.",
    version=2,
    makes=MAP_KINDS["qr"],
    wanted_by=("qr", "brightness"),
    detect=detect_qr,
    options=(
        Option(
            "ground",
            "gray",
            "What lies around the code. gray: the net is free to draw there; white: everything counts as code.",
            choices=("gray", "white"),
        ),
        Option(
            "quiet_zone",
            0.04,
            "White border kept around the code, as a share of its width. Scanners want some.",
            minimum=0.0,
            maximum=0.5,
            step=0.01,
        ),
    ),
    search_aliases=("qr", "qrcode", "qr monster", "barcode", "brightness controlnet"),
    mistakes=(
        "**The code does not scan.** Raise the weight of its signal, or the error correction of the code.",
        "**No code is recognised.** The report says so: link the plain code, straight and whole. One that is light on dark is "
        "turned.",
    ),
    sample="qr_code",
)
