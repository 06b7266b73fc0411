"""What is known of single nodes beside their types: controls, preprocessors, empty latents, samplers, compilers.

Tables only. A node of another pack that is not listed is treated by its types.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class ControlNode:
    """The names of the inputs of a node that puts a control net to work on an image."""

    image: str = "image"
    weight: str = "strength"
    start: str = "start_percent"
    end: str = "end_percent"
    default_weight: float = 1.0


DEFAULT_CONTROL = ControlNode()
_OURS = ControlNode(weight="weight", default_weight=0.8)
CONTROL_NODES = {
    "ArmatureControlSignal": _OURS,
    "ArmatureApplyControl": _OURS,
    "SUPIRApply": ControlNode(weight="strength_start", start="", end=""),
    # Its steps are zero for the whole sampling, and count at its end: the range is none of shares.
    "LLLiteLoader": ControlNode("cond_image", start="", end=""),
}
# Nodes that give a map to the model itself, without a control net.
REFERENCE_NODES = {
    "ArmatureMapReference": ControlNode(weight="weight"),
    "WanVaceToVideo": ControlNode("control_video"),
    "WanVideoVACEEncode": ControlNode("input_frames"),
    "StyleModelApply": ControlNode("clip_vision_output"),
}

# Class -> the kind of map it makes, by its name in the table of map kinds; of other packs and of the host, ours are in their
# registry.
MAP_OF_NODE = {
    "Canny": "canny",
    "CannyEdgePreprocessor": "canny",
    "PyraCannyPreprocessor": "canny",
    "HEDPreprocessor": "softedge",
    "PiDiNetPreprocessor": "softedge",
    "TEEDPreprocessor": "softedge",
    "FakeScribblePreprocessor": "scribble",
    "ScribblePreprocessor": "scribble",
    "Scribble_XDoG_Preprocessor": "scribble",
    "Scribble_PiDiNet_Preprocessor": "scribble",
    "LineArtPreprocessor": "lineart",
    "AnimeLineArtPreprocessor": "lineart",
    "LineartStandardPreprocessor": "lineart",
    "AnyLineArtPreprocessor_aux": "lineart",
    "M-LSDPreprocessor": "mlsd",
    "MiDaS-DepthMapPreprocessor": "depth",
    "Zoe-DepthMapPreprocessor": "depth",
    "LeReS-DepthMapPreprocessor": "depth",
    "DepthAnythingPreprocessor": "depth",
    "DepthAnythingV2Preprocessor": "depth",
    "DepthAnything_V2": "depth",
    "Zoe_DepthAnythingPreprocessor": "depth",
    "DA3Render": "depth",
    "MiDaS-NormalMapPreprocessor": "normal",
    "BAE-NormalMapPreprocessor": "normal",
    "DSINE-NormalMapPreprocessor": "normal",
    "OpenposePreprocessor": "openpose",
    "DWPreprocessor": "openpose",
    "SDPoseDrawKeypoints": "openpose",
    "OneFormer-COCO-SemSegPreprocessor": "segmentation",
    "OneFormer-ADE20K-SemSegPreprocessor": "segmentation",
    "UniFormer-SemSegPreprocessor": "segmentation",
    "SemSegPreprocessor": "segmentation",
    "TilePreprocessor": "tile",
    "TTPlanet_TileGF_Preprocessor": "tile",
    "ShufflePreprocessor": "shuffle",
    "InpaintPreprocessor": "inpaint",
    "ImageLuminanceDetector": "recolor",
    "ImageIntensityDetector": "recolor",
}
# Nodes that hold all methods: class -> (name of the input that chooses, its values -> map).
MAP_OF_METHOD: dict[str, tuple[str, dict[str, str]]] = {
    "AIO_Preprocessor": (
        "preprocessor",
        {name: made for name, made in MAP_OF_NODE.items() if name.endswith(("Preprocessor", "Preprocessor_aux"))},
    ),
}

# Empty latents: class -> (channels, whether width and height are widgets).
EMPTY_LATENTS = {
    "EmptyLatentImage": 4,
    "EmptySD3LatentImage": 16,
    "EmptyFlux2LatentImage": 128,
    "EmptyHunyuanLatentVideo": 16,
    "EmptyHunyuanImageLatent": 64,
    "EmptyMochiLatentVideo": 12,
    "EmptyLTXVLatentVideo": 128,
    "EmptyCosmosLatentVideo": 16,
    "EmptyChromaRadianceLatentImage": 3,
}
# Nodes that put two latents together.
BLENDS = frozenset(
    {
        "LatentBlend",
        "LatentInterpolate",
        "LatentAdd",
        "LatentSubtract",
        "LatentComposite",
        "LatentCompositeMasked",
        "LatentBatch",
        "LatentConcat",
    }
)
# Of these, those that put one at a place in the other, whatever its size.
PLACED = frozenset({"LatentComposite", "LatentCompositeMasked"})
# Loaders of engines: what comes out ignores every patch. Class -> what it loads.
COMPILED = {"TensorRTLoader": "a TensorRT engine", "TensorRT Loader": "a TensorRT engine"}
# Loaders of weights packed so that only their own LoRA nodes reach them.
PACKED = {
    "NunchakuFluxDiTLoader": "SVDQuant weights",
    "NunchakuQwenImageDiTLoader": "SVDQuant weights",
    "NunchakuZImageDiTLoader": "SVDQuant weights",
}
# Nodes whose several MODEL inputs end in one model; the host has more of them, one for each family, called the same way.
MERGES = frozenset({"ModelMergeSimple", "ModelMergeBlocks", "ModelMergeAdd", "ModelMergeSubtract"})


def is_merge(class_type: str) -> bool:
    """Whether a node merges models."""
    return class_type in MERGES or class_type.startswith("ModelMerge")


# What our own preprocessors make, out of their registry: a new method is known here as soon as it is listed there.


@dataclass(frozen=True)
class OwnMethod:
    """A method's map, its version, the kinds of control nets that read its maps, and its name in Control Map.

    of_photographs: whether it finds its map in any photograph, which a plan, a depth picture or a mask is not.
    """

    made: str
    version: int
    wanted_by: tuple[str, ...]
    name: str
    of_photographs: bool


@cache
def own_methods() -> dict[str, OwnMethod]:
    """Our methods, by the class of their node and by their name in Control Map."""
    from ...preprocessors.registry import ENTRIES

    known = {}
    for entry in ENTRIES:
        of_photographs = entry.sample in ("portrait", "rocket") and entry.mask != "needed"
        method = OwnMethod(entry.makes.name, entry.version, entry.wanted_by, entry.method, of_photographs)
        known[entry.node_id] = known[entry.method] = method
    return known
