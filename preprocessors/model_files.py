"""Every weight file of the methods, and which method needs which. Standard library only: `fetch` reads it.

Sizes are those that the repositories show, rounded, and exact with a sha256 where their pages tell it; a licence is that
of the weights, not of the data they saw, and UNKNOWN where the repository states none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# A weight file that a method needs. Standard library only, because `fetch` reads this with any Python.

Source = Literal["huggingface", "pypi"]
Kind = Literal["annotator", "checkpoint", "clip_vision", "control_net", "controlnext", "ip_adapter", "lora"]
UNKNOWN = "unknown, the repository states none"


@dataclass(frozen=True)
class ModelFile:
    """Where a file comes from and where it belongs.

    id: its short name on the command line; repository: owner/name on Hugging Face, or package==version on PyPI; file:
    the path inside of it; folder: the folder of ComfyUI's models; licence: of the weights, UNKNOWN where nobody says;
    megabytes: about how large, for people; bytes and sha256: exact, where they are known; commercial: False where the
    licence forbids commercial use; kind: what it is; saved_as: its name here, where the repository's says nothing.
    """

    id: str
    repository: str
    file: str
    folder: str
    licence: str
    megabytes: float
    bytes: int | None = None
    sha256: str | None = None
    commercial: bool = True
    source: Source = "huggingface"
    kind: Kind = "annotator"
    saved_as: str = ""

    @property
    def name(self) -> str:
        """The file's name below its folder: what two files of one name need, repository and path, is kept."""
        if self.saved_as:
            return self.saved_as
        if self.file.rpartition("/")[2] in _COMMON_NAMES:
            return f"{self.repository.rpartition('/')[2]}/{self.file.rpartition('/')[2]}"
        return self.file.rpartition("/")[2]

    @property
    def size(self) -> str:
        """About how large it is, in words."""
        return f"about {self.megabytes:g} MB" if self.megabytes >= 1 else f"about {self.megabytes * 1000:g} kB"

    @property
    def address(self) -> str:
        """Where it can be seen and downloaded by hand."""
        if self.source == "pypi":
            package, _, version = self.repository.partition("==")
            return f"https://pypi.org/project/{package}/{version}/"
        return f"https://huggingface.co/{self.repository}/resolve/main/{self.file}"


# Every repository of transformers has files of these names.
_COMMON_NAMES = ("model.safetensors", "config.json", "pytorch_model.bin", "preprocessor_config.json")


ANNOTATORS = "annotators"
_LLLYASVIEL = "lllyasviel/Annotators"
_MEDIAPIPE = "mediapipe==0.10.21"


def _annotator(
    id: str,
    file: str,
    licence: str,
    megabytes: float,
    bytes: int | None = None,
    sha256: str | None = None,
    commercial: bool = True,
) -> ModelFile:
    return ModelFile(id, _LLLYASVIEL, file, ANNOTATORS, licence, megabytes, bytes, sha256, commercial)


def _transformers(
    id: str, repository: str, licence: str, megabytes: float, weights: str = "model.safetensors"
) -> tuple[ModelFile, ModelFile]:
    return (
        ModelFile(id, repository, weights, ANNOTATORS, licence, megabytes),
        ModelFile(f"{id}_config", repository, "config.json", ANNOTATORS, licence, 0.01),
    )


def _mediapipe(id: str, file: str, bytes: int, sha256: str) -> ModelFile:
    path, megabytes = f"mediapipe/modules/{file}", round(bytes / 1e6, 2)
    return ModelFile(id, _MEDIAPIPE, path, ANNOTATORS, "Apache-2.0", megabytes, bytes, sha256, source="pypi")


# The repository of ControlNet's annotators says only "other"; what stands here is the licence of each network's own source.
HED = _annotator("hed", "ControlNetHED.pth", "Apache-2.0", 29, None, "5ca93762ffd68a29fee1af9d495bf6aab80ae86f08905fb35472a083a4c7a8fa")  # fmt: skip  # noqa: E501
PIDINET = _annotator("pidinet", "table5_pidinet.pth", "research only, commercial use on request", 2.9, commercial=False)  # fmt: skip  # noqa: E501
TEED = ModelFile("teed", "fal-ai/teed", "5_model.pth", ANNOTATORS, "MIT", 0.25)
LINEART = _annotator("lineart", "sk_model.pth", "MIT", 17, 17_173_511, "c686ced2a666b4850b4bb6ccf0748031c3eda9f822de73a34b8979970d90f0c6")  # fmt: skip  # noqa: E501
LINEART_COARSE = _annotator("lineart_coarse", "sk_model2.pth", "MIT", 17, 17_173_511, "30a534781061f34e83bb9406b4335da4ff2616c95d22a585c1245aa8363e74e0")  # fmt: skip  # noqa: E501
LINEART_ANIME = _annotator("lineart_anime", "netG.pth", "MIT", 218, 217_631_959, "ccabdcc3f5cf3c07cf65d58776acb21df7dfda825cdc70c9766a93fd62bfc488")  # fmt: skip  # noqa: E501
MLSD = _annotator("mlsd", "mlsd_large_512_fp32.pth", "Apache-2.0", 6.3, 6_341_481, "5696f168eb2c30d4374bbfd45436f7415bb4d88da29bea97eea0101520fba082")  # fmt: skip  # noqa: E501
LERES = _annotator("leres", "res101.pth", "non-commercial (AdelaiDepth)", 531, 530_760_553, "1d696b2ef3e8336b057d0c15bc82d2fecef821bfebe5ef9d7671a5ec5dde520b", commercial=False)  # fmt: skip  # noqa: E501
NORMAL_BAE = _annotator("normal_bae", "scannet.pt", "MIT", 291)
OPENPOSE_BODY = _annotator("openpose_body", "body_pose_model.pth", "non-commercial (CMU)", 209, 209_267_595, "25a948c16078b0f08e236bda51a385d855ef4c153598947c28c0d47ed94bb746", commercial=False)  # fmt: skip  # noqa: E501
OPENPOSE_HAND = _annotator("openpose_hand", "hand_pose_model.pth", "non-commercial (CMU)", 147, 147_341_049, "b76b00d1750901abd07b9f9d8c98cc3385b8fe834a26d4b4f0aad439e75fc600", commercial=False)  # fmt: skip  # noqa: E501
OPENPOSE_FACE = _annotator("openpose_face", "facenet.pth", "non-commercial (CMU)", 154, 153_718_792, "8beb52e548624ffcc4aed12af7aee7dcbfaeea420c75609fee999fe7add79d43", commercial=False)  # fmt: skip  # noqa: E501

DEPTH_ANYTHING_V2 = _transformers("depth_anything_v2", "depth-anything/Depth-Anything-V2-Small-hf", "Apache-2.0", 99)
# These repositories have no safetensors: what they have is read by weights alone, so nothing in it can run.
MIDAS = _transformers("midas", "Intel/dpt-hybrid-midas", "Apache-2.0", 490, "pytorch_model.bin")
ONEFORMER_ADE20K = _transformers(
    "oneformer_ade20k", "shi-labs/oneformer_ade20k_swin_large", "MIT", 880, "pytorch_model.bin"
)
ONEFORMER_COCO = _transformers("oneformer_coco", "shi-labs/oneformer_coco_swin_large", "MIT", 880, "pytorch_model.bin")
ZOE = _transformers("zoe", "Intel/zoedepth-nyu-kitti", "MIT", 1380)
EOMT_ADE20K = _transformers("eomt_ade20k", "tue-mps/ade20k_panoptic_eomt_large_640", UNKNOWN, 1270)
EOMT_COCO = _transformers("eomt_coco", "tue-mps/coco_panoptic_eomt_large_640", UNKNOWN, 1270)
SAM2 = _transformers("sam2", "facebook/sam2.1-hiera-tiny", "Apache-2.0", 156)

DEPTH_ANYTHING_3 = ModelFile(
    "depth_anything_3",
    "Comfy-Org/Depth-Anything-3",
    "geometry_estimation/depth_anything_3_mono_large.safetensors",
    "geometry_estimation",
    "Apache-2.0",
    700,
)
MOGE = ModelFile(
    "moge",
    "Comfy-Org/MoGe",
    "geometry_estimation/moge_2_vitl_normal_fp16.safetensors",
    "geometry_estimation",
    "MIT",
    660,
)
LOTUS = ModelFile("lotus", "Comfy-Org/lotus", "lotus-depth-d-v1-1.safetensors", "diffusion_models", "Apache-2.0", 1740)
LOTUS_VAE = ModelFile(
    "sd15_vae",
    "stabilityai/sd-vae-ft-mse-original",
    "vae-ft-mse-840000-ema-pruned.safetensors",
    "vae",
    "MIT",
    335,
)
SDPOSE = ModelFile(
    "sdpose",
    "Comfy-Org/SDPose",
    "checkpoints/sdpose_wholebody_fp16.safetensors",
    "checkpoints",
    "MIT",
    1920,
)
RAFT = ModelFile(
    "raft",
    "Comfy-Org/void-model",
    "optical_flow/raft_large_C_T_SKHT_V2-ff5fadd5.safetensors",
    "optical_flow",
    "BSD-3-Clause",
    21,
)
YOLOX = ModelFile("yolox", "yzd-v/DWPose", "yolox_l.onnx", ANNOTATORS, "Apache-2.0", 217)
DWPOSE = ModelFile("dwpose", "yzd-v/DWPose", "dw-ll_ucoco_384.onnx", ANNOTATORS, "Apache-2.0", 134)

POSE_DETECTION = _mediapipe("pose_detection", "pose_detection/pose_detection.tflite", 2_959_046, "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c")  # fmt: skip  # noqa: E501
POSE_LANDMARK = _mediapipe("pose_landmark", "pose_landmark/pose_landmark_full.tflite", 6_440_512, "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f")  # fmt: skip  # noqa: E501
FACE_DETECTION = _mediapipe("face_detection", "face_detection/face_detection_short_range.tflite", 229_714, "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8")  # fmt: skip  # noqa: E501
FACE_LANDMARK = _mediapipe("face_landmark", "face_landmark/face_landmark.tflite", 1_242_398, "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814")  # fmt: skip  # noqa: E501
SELFIE = _mediapipe("selfie_segmentation", "selfie_segmentation/selfie_segmentation.tflite", 249_505, "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c")  # fmt: skip  # noqa: E501

# The entry of a method takes its files from here, so that both always say the same.
METHOD_FILES: dict[str, tuple[ModelFile, ...]] = {
    "softedge_hed": (HED,),
    "scribble_hed": (HED,),
    "softedge_pidinet": (PIDINET,),
    "scribble_pidinet": (PIDINET,),
    "softedge_teed": (TEED,),
    "lineart_realistic": (LINEART,),
    "lineart_coarse": (LINEART_COARSE,),
    "lineart_anime": (LINEART_ANIME,),
    "mlsd": (MLSD,),
    "depth_anything_v2": DEPTH_ANYTHING_V2,
    "depth_anything_3": (DEPTH_ANYTHING_3,),
    "depth_lotus": (LOTUS, LOTUS_VAE),
    "depth_midas": MIDAS,
    "depth_zoe": ZOE,
    "depth_leres": (LERES,),
    "normal_bae": (NORMAL_BAE,),
    "normal_moge": (MOGE,),
    "openpose": (OPENPOSE_BODY, OPENPOSE_HAND, OPENPOSE_FACE),
    "dwpose": (YOLOX, DWPOSE),
    "sdpose": (SDPOSE,),
    "optical_flow_raft": (RAFT,),
    "blazepose": (POSE_DETECTION, POSE_LANDMARK),
    "mediapipe_face": (FACE_DETECTION, FACE_LANDMARK),
    "person_mask": (SELFIE,),
    "seg_oneformer_ade20k": ONEFORMER_ADE20K,
    "seg_oneformer_coco": ONEFORMER_COCO,
    "seg_eomt_ade20k": EOMT_ADE20K,
    "seg_eomt_coco": EOMT_COCO,
    "seg_sam": SAM2,
}


def all_files() -> dict[str, ModelFile]:
    """Every file once, by its id, in the order of the methods."""
    return {file.id: file for files in METHOD_FILES.values() for file in files}


# The nodes of these methods, so that a graph can be read without loading them.
METHOD_NODES: dict[str, str] = {
    "ArmatureSoftEdgeHED": "softedge_hed",
    "ArmatureSoftEdgePiDiNet": "softedge_pidinet",
    "ArmatureSoftEdgeTEED": "softedge_teed",
    "ArmatureScribbleHED": "scribble_hed",
    "ArmatureScribblePiDiNet": "scribble_pidinet",
    "ArmatureLineartRealistic": "lineart_realistic",
    "ArmatureLineartCoarse": "lineart_coarse",
    "ArmatureLineartAnime": "lineart_anime",
    "ArmatureMLSD": "mlsd",
    "ArmatureDepthAnythingV2": "depth_anything_v2",
    "ArmatureDepthAnything3": "depth_anything_3",
    "ArmatureDepthLotus": "depth_lotus",
    "ArmatureDepthMiDaS": "depth_midas",
    "ArmatureDepthZoe": "depth_zoe",
    "ArmatureDepthLeReS": "depth_leres",
    "ArmatureNormalBAE": "normal_bae",
    "ArmatureNormalMoGe": "normal_moge",
    "ArmatureOpenPose": "openpose",
    "ArmatureDWPose": "dwpose",
    "ArmatureSDPose": "sdpose",
    "ArmatureOpticalFlowRAFT": "optical_flow_raft",
    "ArmatureBlazePose": "blazepose",
    "ArmatureMediaPipeFace": "mediapipe_face",
    "ArmaturePersonMask": "person_mask",
    "ArmatureSegOneFormerADE20K": "seg_oneformer_ade20k",
    "ArmatureSegOneFormerCOCO": "seg_oneformer_coco",
    "ArmatureSegEoMTADE20K": "seg_eomt_ade20k",
    "ArmatureSegEoMTCOCO": "seg_eomt_coco",
    "ArmatureSegSAM": "seg_sam",
}
