"""Every weight file of the methods, and which method needs which. Standard library only: `fetch` reads it.

Sizes are those that the repositories show, rounded; a licence is that of the weights, not of the data they saw.
"""

from __future__ import annotations

from .model_file import ModelFile

ANNOTATORS = "annotators"
_LLLYASVIEL = "lllyasviel/Annotators"
_MEDIAPIPE = "mediapipe==0.10.21"


def _annotator(id: str, file: str, licence: str, megabytes: float, commercial: bool = True) -> ModelFile:
    return ModelFile(id, _LLLYASVIEL, file, ANNOTATORS, licence, megabytes, commercial=commercial)


def _transformers(id: str, repository: str, licence: str, megabytes: float) -> tuple[ModelFile, ModelFile]:
    return (
        ModelFile(id, repository, "model.safetensors", ANNOTATORS, licence, megabytes),
        ModelFile(f"{id}_config", repository, "config.json", ANNOTATORS, licence, 0.01),
    )


def _mediapipe(id: str, file: str, megabytes: float) -> ModelFile:
    return ModelFile(id, _MEDIAPIPE, f"mediapipe/modules/{file}", ANNOTATORS, "Apache-2.0", megabytes, source="pypi")


HED = _annotator("hed", "ControlNetHED.pth", "Apache-2.0", 29)
PIDINET = _annotator("pidinet", "table5_pidinet.pth", "research only, commercial use on request", 2.9, commercial=False)
TEED = ModelFile("teed", "fal-ai/teed", "5_model.pth", ANNOTATORS, "MIT", 0.25)
LINEART = _annotator("lineart", "sk_model.pth", "MIT", 17)
LINEART_COARSE = _annotator("lineart_coarse", "sk_model2.pth", "MIT", 17)
LINEART_ANIME = _annotator("lineart_anime", "netG.pth", "MIT", 218)
MLSD = _annotator("mlsd", "mlsd_large_512_fp32.pth", "Apache-2.0", 6.3)
LERES = _annotator("leres", "res101.pth", "non-commercial (AdelaiDepth)", 531, commercial=False)
NORMAL_BAE = _annotator("normal_bae", "scannet.pt", "MIT", 291)
OPENPOSE_BODY = _annotator("openpose_body", "body_pose_model.pth", "non-commercial (CMU)", 209, commercial=False)
OPENPOSE_HAND = _annotator("openpose_hand", "hand_pose_model.pth", "non-commercial (CMU)", 147, commercial=False)
OPENPOSE_FACE = _annotator("openpose_face", "facenet.pth", "non-commercial (CMU)", 154, commercial=False)

DEPTH_ANYTHING_V2 = _transformers("depth_anything_v2", "depth-anything/Depth-Anything-V2-Small-hf", "Apache-2.0", 99)
MIDAS = _transformers("midas", "Intel/dpt-hybrid-midas", "Apache-2.0", 490)
ZOE = _transformers("zoe", "Intel/zoedepth-nyu-kitti", "MIT", 1380)
ONEFORMER_ADE20K = _transformers("oneformer_ade20k", "shi-labs/oneformer_ade20k_swin_large", "MIT", 875)
ONEFORMER_COCO = _transformers("oneformer_coco", "shi-labs/oneformer_coco_swin_large", "MIT", 875)
EOMT_ADE20K = _transformers("eomt_ade20k", "tue-mps/ade20k_panoptic_eomt_large_640", "MIT", 1270)
EOMT_COCO = _transformers("eomt_coco", "tue-mps/coco_panoptic_eomt_large_640", "MIT", 1270)
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
LOTUS = ModelFile("lotus", "Comfy-Org/lotus", "lotus-depth-d-v1-1.safetensors", "diffusion_models", "Apache-2.0", 1730)
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
    "see the repository",
    1900,
)
YOLOX = ModelFile("yolox", "yzd-v/DWPose", "yolox_l.onnx", ANNOTATORS, "Apache-2.0", 217)
DWPOSE = ModelFile("dwpose", "yzd-v/DWPose", "dw-ll_ucoco_384.onnx", ANNOTATORS, "Apache-2.0", 134)

POSE_DETECTION = _mediapipe("pose_detection", "pose_detection/pose_detection.tflite", 3)
POSE_LANDMARK = _mediapipe("pose_landmark", "pose_landmark/pose_landmark_full.tflite", 6.4)
FACE_DETECTION = _mediapipe("face_detection", "face_detection/face_detection_short_range.tflite", 0.23)
FACE_LANDMARK = _mediapipe("face_landmark", "face_landmark/face_landmark.tflite", 1.2)
SELFIE = _mediapipe("selfie_segmentation", "selfie_segmentation/selfie_segmentation.tflite", 0.25)

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
    "openpose": (OPENPOSE_BODY,),
    "dwpose": (YOLOX, DWPOSE),
    "sdpose": (SDPOSE,),
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
    "ArmatureBlazePose": "blazepose",
    "ArmatureMediaPipeFace": "mediapipe_face",
    "ArmaturePersonMask": "person_mask",
    "ArmatureSegOneFormerADE20K": "seg_oneformer_ade20k",
    "ArmatureSegOneFormerCOCO": "seg_oneformer_coco",
    "ArmatureSegEoMTADE20K": "seg_eomt_ade20k",
    "ArmatureSegEoMTCOCO": "seg_eomt_coco",
    "ArmatureSegSAM": "seg_sam",
}
