"""comfyui_controlnet_aux: preprocessors.

Its `resolution` is the shorter side at which a method sees the picture, and that of the map; ours is the former alone, and the
map has the picture's size. A control net scales either to the size that is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...compatibility.prompt import Link
from ..entry import Choices, Done, Known, Pack
from ..graph import From, Graph, Keep, Node

_LEAST, _MOST = 64, 8192
_SIZE = "the map has the size of the picture now; the method still sees a shorter side of {resolution}"
_WEIGHTS = "its weights are loaded from your models folder: `python armature.py fetch {method}`"


@dataclass(frozen=True)
class _Method:
    """How one preprocessor is turned. kind: of our node, or from the old one; inputs: beside image and size.

    widgets: theirs with defaults, in the order of saved graphs. fetch: what `fetch` calls our weights; notes: what else is
    different. sized: whether the method sees the picture at `resolution`. poses: whether it has an output of keypoints.
    swapped: whether it takes red for blue.
    """

    kind: str | Callable[[Node], str]
    widgets: Mapping[str, Any] = field(default_factory=dict)
    inputs: Callable[[Node], dict[str, Any]] = lambda _node: {}
    fetch: str | Callable[[Node], str] = ""
    notes: tuple[str, ...] = ()
    sized: bool = True
    poses: bool = False
    swapped: bool = False


def _given(node: Node, name: str, default: Any) -> Any:
    """A value that decides how a node is turned. Raises Keep where it is linked."""
    if node.link(name) is not None:
        raise Keep(f"its {name} is linked, and how it is turned hangs on that value")
    return node.value(name, default)


def _on(name: str, default: str = "enable") -> Callable[[Node], bool]:
    return lambda node: _given(node, name, default) == "enable"


def _moved(**names: tuple[str, Any]) -> Callable[[Node], dict[str, Any]]:
    return lambda _node: {ours: From(*theirs) for ours, theirs in names.items()}


def _safe(default: str = "enable") -> Callable[[Node], dict[str, Any]]:
    return lambda node: {"safe": _on("safe", default)(node)}


def _binary(node: Node) -> dict[str, Any]:
    """255 asks for Otsu's threshold there, as 0 does in both; light becomes white, as the picture is turned twice."""
    threshold = 0 if _given(node, "bin_threshold", 100) == 255 else From("bin_threshold", 100)
    return {"threshold": threshold, "white_is": "bright", "thresholding": "global"}


def _poses(node: Node) -> dict[str, Any]:
    body, hands, face = (_on(name)(node) for name in ("detect_body", "detect_hand", "detect_face"))
    xinsir = _on("scale_stick_for_xinsr_cn", "disable")(node)
    parts = {"body": body, "head": body, "hands": hands, "face": face}
    return {**parts, "line_width": "xinsir" if xinsir else "classic"}


def _teed(node: Node) -> dict[str, Any]:
    steps = _given(node, "safe_steps", 2)
    if steps not in (0, 2):
        raise Keep(f"its safe_steps is {steps}, and ours has 2 or none")
    return {"safe": steps == 2}


def _leres(node: Node) -> dict[str, Any]:
    if _given(node, "rm_nearest", 0.0) or _given(node, "rm_background", 0.0) or _on("boost", "disable")(node):
        raise Keep("it removes the nearest or farthest parts, or boosts, which ours does not")
    return {}


def _tile(node: Node) -> dict[str, Any]:
    return {"down_sampling_rate": float(2 ** int(_given(node, "pyrUp_iters", 3)))}


def _inpaint(node: Node) -> dict[str, Any]:
    black = _given(node, "black_pixel_for_xinsir_cn", False)
    return {"mask": From("mask"), "masked_is": "black" if black else "minus_one"}


_RESOLUTION = {"resolution": 512}
_SAFE = {"safe": "enable"}
_POSE = {"detect_hand": "enable", "detect_body": "enable", "detect_face": "enable", **_RESOLUTION}
_XINSIR = {"scale_stick_for_xinsr_cn": "disable"}
_A = {"a": 6.283185307179586, "bg_threshold": 0.1}
_NO_GRID = "it averages over all grids, so that its map is smoother and does not flicker"
_ANOTHER = "other weights of the same method may draw a little differently"

METHODS: Mapping[str, _Method] = {
    "CannyEdgePreprocessor": _Method(
        "ArmatureCanny",
        {"low_threshold": 100, "high_threshold": 200},
        _moved(low_threshold=("low_threshold", 100), high_threshold=("high_threshold", 200)),
    ),
    "BinaryPreprocessor": _Method("ArmatureBinary", {"bin_threshold": 100}, _binary),
    "ColorPreprocessor": _Method("ArmatureColorGrid"),
    "Scribble_XDoG_Preprocessor": _Method(
        "ArmatureScribbleXDoG",
        {"threshold": 32},
        lambda _node: {"threshold": From("threshold", 32), "formula": "annotator"},
    ),
    "Scribble_PiDiNet_Preprocessor": _Method(
        "ArmatureScribblePiDiNet", _SAFE, fetch="scribble_pidinet", notes=("its option safe has no counterpart",)
    ),
    "FakeScribblePreprocessor": _Method(
        "ArmatureScribbleHED", _SAFE, fetch="scribble_hed", notes=("its option safe has no counterpart",)
    ),
    "HEDPreprocessor": _Method("ArmatureSoftEdgeHED", _SAFE, _safe(), "softedge_hed"),
    "PiDiNetPreprocessor": _Method("ArmatureSoftEdgePiDiNet", _SAFE, _safe(), "softedge_pidinet"),
    "TEEDPreprocessor": _Method("ArmatureSoftEdgeTEED", {"safe_steps": 2}, _teed, "softedge_teed"),
    "LineArtPreprocessor": _Method(
        lambda node: "ArmatureLineartCoarse" if _on("coarse", "disable")(node) else "ArmatureLineartRealistic",
        {"coarse": "disable"},
        fetch=lambda node: "lineart_coarse" if _on("coarse", "disable")(node) else "lineart_realistic",
    ),
    "AnimeLineArtPreprocessor": _Method("ArmatureLineartAnime", fetch="lineart_anime"),
    "LineartStandardPreprocessor": _Method(
        "ArmatureLineartStandard",
        {"guassian_sigma": 6.0, "intensity_threshold": 8},
        _moved(sigma=("guassian_sigma", 6.0), intensity_threshold=("intensity_threshold", 8)),
    ),
    "M-LSDPreprocessor": _Method(
        "ArmatureMLSD",
        {"score_threshold": 0.1, "dist_threshold": 0.1},
        _moved(score_threshold=("score_threshold", 0.1), distance_threshold=("dist_threshold", 0.1)),
        "mlsd",
    ),
    "DepthAnythingV2Preprocessor": _Method(
        "ArmatureDepthAnythingV2",
        {"ckpt_name": "depth_anything_v2_vitl.pth"},
        fetch="depth_anything_v2",
        notes=(_ANOTHER,),
    ),
    "MiDaS-DepthMapPreprocessor": _Method(
        "ArmatureDepthMiDaS", _A, fetch="depth_midas", notes=("its option bg_threshold has no counterpart", _ANOTHER)
    ),
    "Zoe-DepthMapPreprocessor": _Method("ArmatureDepthZoe", fetch="depth_zoe", notes=(_ANOTHER,)),
    "LeReS-DepthMapPreprocessor": _Method(
        "ArmatureDepthLeReS",
        {"rm_nearest": 0.0, "rm_background": 0.0, "boost": "disable"},
        _leres,
        "depth_leres",
    ),
    "BAE-NormalMapPreprocessor": _Method("ArmatureNormalBAE", fetch="normal_bae"),
    "OpenposePreprocessor": _Method("ArmatureOpenPose", {**_POSE, **_XINSIR}, _poses, "openpose", poses=True),
    "DWPreprocessor": _Method(
        "ArmatureDWPose",
        {**_POSE, "bbox_detector": "yolox_l.onnx", "pose_estimator": "dw-ll_ucoco_384_bs5.torchscript.pt", **_XINSIR},
        _poses,
        "dwpose",
        poses=True,
    ),
    "MediaPipe-FaceMeshPreprocessor": _Method(
        "ArmatureMediaPipeFace",
        {"max_faces": 10, "min_confidence": 0.5},
        _moved(most_faces=("max_faces", 10), detection_threshold=("min_confidence", 0.5)),
        "mediapipe_face",
    ),
    "OneFormer-ADE20K-SemSegPreprocessor": _Method("ArmatureSegOneFormerADE20K", fetch="seg_oneformer_ade20k"),
    "OneFormer-COCO-SemSegPreprocessor": _Method("ArmatureSegOneFormerCOCO", fetch="seg_oneformer_coco"),
    "ShufflePreprocessor": _Method(
        "ArmatureShuffle",
        {**_RESOLUTION, "seed": 0},
        _moved(seed=("seed", 0)),
    ),
    "TilePreprocessor": _Method("ArmatureTileResample", {"pyrUp_iters": 3}, _tile, notes=(_NO_GRID,), sized=False),
    "ImageLuminanceDetector": _Method(
        "ArmatureRecolorLuminance",
        {"gamma_correction": 1.0},
        _moved(gamma=("gamma_correction", 1.0)),
        notes=("it took red for blue; take Swap Red and Blue out for the true lightness",),
        swapped=True,
    ),
    "ImageIntensityDetector": _Method(
        "ArmatureRecolorIntensity", {"gamma_correction": 1.0}, _moved(gamma=("gamma_correction", 1.0))
    ),
    "InpaintPreprocessor": _Method("ArmatureInpaintHint", {"black_pixel_for_xinsir_cn": False}, _inpaint, sized=False),
}
AIO = "AIO_Preprocessor"


def _turn(graph: Graph, node: Node, _choices: Choices) -> Done:
    return _as_method(graph, node, METHODS[node.kind])


def _all_in_one(graph: Graph, node: Node, _choices: Choices) -> Done:
    """The all-in-one node runs a preprocessor with the defaults of its node."""
    name = _given(node, "preprocessor", "none")
    method = METHODS.get(name)
    if method is None:
        raise Keep(_STAY.get(name) or f"there is no preprocessor {name!r} here")
    return _as_method(graph, node, method)


def _as_method(graph: Graph, node: Node, method: _Method) -> Done:
    if node.link("image") is None:
        raise Keep("no picture is linked to it")
    kind = method.kind if isinstance(method.kind, str) else method.kind(node)
    inputs = {"image": From("image"), **method.inputs(node)}
    notes = list(method.notes)
    if method.sized:
        resolution = node.value("resolution", 512)
        if node.link("resolution") is None and not (isinstance(resolution, int) and _LEAST <= resolution <= _MOST):
            raise Keep(f"its resolution is {resolution!r}, and ours goes from {_LEAST} to {_MOST}")
        inputs |= {"resolution_mode": "short_side", "resolution": From("resolution", 512)}
        notes.insert(0, _SIZE.format(resolution="the linked resolution" if node.link("resolution") else resolution))
    if method.fetch:
        name = method.fetch if isinstance(method.fetch, str) else method.fetch(node)
        notes.append(_WEIGHTS.format(method=name))
    into = [node]
    if method.swapped:
        into.append(graph.add("ArmatureSwapRedBlue", node, {"image": From("image")}))
        inputs["image"] = Link(into[-1].id, 0)
    graph.become(node, kind, inputs, {1: 2} if method.poses else None)
    return Done(tuple(into), tuple(notes))


_NONE = "Armature has no such method"
_STAY = {
    "PyraCannyPreprocessor": f"{_NONE}; Canny Edges is the nearest",
    "AnyLineArtPreprocessor_aux": f"{_NONE}; TEED Soft Edges or Lineart are the nearest",
    "Manga2Anime_LineArt_Preprocessor": f"{_NONE}; Lineart Anime is the nearest",
    "ScribblePreprocessor": f"{_NONE}; Scribble XDoG is the nearest",
    "DiffusionEdge_Preprocessor": f"{_NONE}; HED Soft Edges is the nearest",
    "DepthAnythingPreprocessor": f"{_NONE}; Depth Anything V2 took its place",
    "Zoe_DepthAnythingPreprocessor": f"{_NONE}; Depth Anything V2 or Zoe are the nearest",
    "Metric3D-DepthMapPreprocessor": f"{_NONE}; Depth Anything V2 is the nearest",
    "Metric3D-NormalMapPreprocessor": f"{_NONE}; Normal BAE or MoGe are the nearest",
    "DSINE-NormalMapPreprocessor": f"{_NONE}; Normal BAE or MoGe are the nearest",
    "MiDaS-NormalMapPreprocessor": f"{_NONE}; MiDaS depth and Normal from Depth are the nearest",
    "UniFormer-SemSegPreprocessor": f"{_NONE}; OneFormer ADE20K has the same classes and colours",
    "SemSegPreprocessor": f"{_NONE}; OneFormer ADE20K has the same classes and colours",
    "SAMPreprocessor": "it is the first SAM, and Segmentation SAM is the second, which finds other areas",
    "AnimeFace_SemSegPreprocessor": _NONE,
    "DensePosePreprocessor": _NONE,
    "AnimalPosePreprocessor": _NONE,
    "MeshGraphormer-DepthMapPreprocessor": _NONE,
    "MeshGraphormer+ImpactDetector-DepthMapPreprocessor": _NONE,
    "Unimatch_OptFlowPreprocessor": "its flow comes in a type of its own; Optical Flow and RAFT draw pictures of it",
    "MaskOptFlow": "it works on a flow of its own type",
    "TTPlanet_TileGF_Preprocessor": f"{_NONE}; Tile Resample is the nearest",
    "TTPlanet_TileSimple_Preprocessor": f"{_NONE}; Tile Resample is the nearest",
    "RenderPeopleKps": "link its POSE_KEYPOINT to Draw Poses by hand",
    "RenderAnimalKps": _NONE,
    "SavePoseKpsAsJsonFile": "link its POSE_KEYPOINT to Poses to JSON by hand",
    "FacialPartColoringFromPoseKps": _NONE,
    "UpperBodyTrackingFromPoseKps": _NONE,
    "PixelPerfectResolution": "resolution_mode pixel_perfect with a target does it on each of our preprocessors, without a node",
    "ImageGenResolutionFromImage": "resolution_mode pixel_perfect with a target does it, without a node",
    "ImageGenResolutionFromLatent": "resolution_mode pixel_perfect with a target does it, without a node",
    "HintImageEnchance": "Fit Control Image does it for one map; set it by hand",
    "ControlNetPreprocessorSelector": "it gives the name of a preprocessor by a link",
    "ExecuteAllControlNetPreprocessors": _NONE,
    "ControlNetAuxSimpleAddText": _NONE,
}


def _widgets(method: _Method) -> Mapping[str, Any]:
    named = dict(method.widgets)
    return named if "resolution" in named or method.kind == "ArmatureInpaintHint" else {**named, **_RESOLUTION}


PACK = Pack(
    "comfyui_controlnet_aux",
    {
        **{kind: Known(_turn, _widgets(method)) for kind, method in METHODS.items()},
        AIO: Known(_all_in_one, {"preprocessor": "none", **_RESOLUTION}),
        **{kind: Known(why=why) for kind, why in _STAY.items()},
    },
)
