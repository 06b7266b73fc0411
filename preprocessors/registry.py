"""All preprocessors. A new one is a new file and one line here; `armature.py pages` and `locales` write what follows."""

from __future__ import annotations

from .binary import BINARY
from .blur import BLUR
from .canny import CANNY
from .color_grid import COLOR_GRID
from .depth.by_host import DEPTH_ANYTHING_3, DEPTH_LERES, DEPTH_LOTUS
from .depth.by_transformers import DEPTH_ANYTHING_V2, DEPTH_MIDAS, DEPTH_ZOE
from .entry import Preprocessor
from .floor_plan.entries import FLOOR_PLAN_DEPTH, FLOOR_PLAN_NORMAL
from .floor_plan.rooms import FLOOR_PLAN_ROOMS
from .inpaint import INPAINT_HINT
from .learned_normals import NORMAL_BAE, NORMAL_MOGE
from .lineart import LINEART_ANIME, LINEART_COARSE, LINEART_REALISTIC
from .lineart_standard import LINEART_STANDARD
from .mask_map import MASK_MAP
from .mediapipe.body import BLAZEPOSE
from .mediapipe.face import MEDIAPIPE_FACE
from .mediapipe.person import PERSON_MASK
from .mlsd import MLSD
from .model_files import ModelFile
from .normals import NORMAL_FROM_DEPTH
from .optical_flow import OPTICAL_FLOW, OPTICAL_FLOW_RAFT
from .pose.dwpose import DWPOSE
from .pose.openpose import OPENPOSE
from .pose.sdpose import SDPOSE
from .qr import QR_CODE
from .recolor import RECOLOR_INTENSITY, RECOLOR_LUMINANCE
from .sam import SEG_SAM
from .segmentation import SEG_EOMT_ADE20K, SEG_EOMT_COCO, SEG_ONEFORMER_ADE20K, SEG_ONEFORMER_COCO
from .shuffle import SHUFFLE
from .soft_edges import SCRIBBLE_HED, SCRIBBLE_PIDINET, SOFTEDGE_HED, SOFTEDGE_PIDINET, SOFTEDGE_TEED
from .straight_lines import STRAIGHT_LINES
from .swap_red_blue import SWAP_RED_BLUE
from .tile import TILE_COLORFIX, TILE_COLORFIX_SHARP, TILE_RESAMPLE
from .viridis import DEPTH_TO_VIRIDIS
from .xdog import SCRIBBLE_XDOG

ENTRIES: tuple[Preprocessor, ...] = (
    CANNY,
    DEPTH_TO_VIRIDIS,
    SWAP_RED_BLUE,
    LINEART_STANDARD,
    SCRIBBLE_XDOG,
    STRAIGHT_LINES,
    BINARY,
    BLUR,
    TILE_RESAMPLE,
    TILE_COLORFIX,
    TILE_COLORFIX_SHARP,
    COLOR_GRID,
    RECOLOR_LUMINANCE,
    RECOLOR_INTENSITY,
    SHUFFLE,
    INPAINT_HINT,
    MASK_MAP,
    QR_CODE,
    NORMAL_FROM_DEPTH,
    OPTICAL_FLOW,
    FLOOR_PLAN_ROOMS,
    FLOOR_PLAN_DEPTH,
    FLOOR_PLAN_NORMAL,
    SOFTEDGE_HED,
    SOFTEDGE_PIDINET,
    SOFTEDGE_TEED,
    SCRIBBLE_HED,
    SCRIBBLE_PIDINET,
    LINEART_REALISTIC,
    LINEART_COARSE,
    LINEART_ANIME,
    MLSD,
    DEPTH_ANYTHING_V2,
    DEPTH_ANYTHING_3,
    DEPTH_LOTUS,
    DEPTH_MIDAS,
    DEPTH_ZOE,
    DEPTH_LERES,
    NORMAL_BAE,
    NORMAL_MOGE,
    BLAZEPOSE,
    DWPOSE,
    OPENPOSE,
    SDPOSE,
    MEDIAPIPE_FACE,
    PERSON_MASK,
    SEG_ONEFORMER_ADE20K,
    SEG_ONEFORMER_COCO,
    SEG_EOMT_ADE20K,
    SEG_EOMT_COCO,
    SEG_SAM,
    OPTICAL_FLOW_RAFT,
)


def available_methods() -> tuple[Preprocessor, ...]:
    """The entries that this host can run: an older one may lack what a method is made of."""
    return tuple(entry for entry in ENTRIES if entry.lack() is None)


def all_files() -> dict[str, ModelFile]:
    """Every weight file of the methods once, by its id, in the order of the methods."""
    return {file.id: file for entry in ENTRIES for file in entry.files}


def find_method(method: object) -> Preprocessor:
    """The entry of a method name, or a ValueError: the method is not for this host, or the list of those that are."""
    for entry in ENTRIES:
        if entry.method == method:
            lack = entry.lack()
            if lack:
                raise ValueError(lack)
            return entry
    known = ", ".join(entry.method for entry in available_methods())
    if isinstance(method, (list, tuple)):
        raise ValueError(f"Control Map, input method: it cannot be linked; choose one of {known}.")
    if method is None:  # the host leaves out a choice that it does not know
        raise ValueError(
            f"Control Map, input method: none was given, or one that does not exist. The methods are: {known}."
            + "".join(f"\n{lack}" for lack in filter(None, (entry.lack() for entry in ENTRIES)))
        )
    raise ValueError(f'Control Map, input method: "{method}" is not a method. The methods are: {known}.')
