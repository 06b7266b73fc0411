"""The one table of files that can be had: the preprocessors' weights, and the models that the example graphs name.

The official repository comes first wherever there is one. Standard library only: the registry of the methods needs torch,
so what it says of weights is read from method_files.json, which `python armature.py pages` writes.
"""

import json
from pathlib import Path

from ...preprocessors.model_files import UNKNOWN, Kind, ModelFile

_METHODS = json.loads(Path(__file__).with_name("method_files.json").read_text(encoding="utf-8"))
# Method -> its files, and the class of its node -> method; of the methods that need files.
METHOD_FILES: dict[str, tuple[ModelFile, ...]] = {
    method: tuple(ModelFile(**file) for file in told["files"]) for method, told in _METHODS.items()
}
METHOD_NODES: dict[str, str] = {told["node"]: method for method, told in _METHODS.items()}

_CONTROL_NETS = "comfyanonymous/ControlNet-v1-1_fp16_safetensors"  # what the host's own examples name
_OPENRAIL = "OpenRAIL (lllyasviel's originals; this repository states none)"
_CONTROLNEXT = "Pbihao/ControlNeXt"  # the authors'
_FOLDERS = {
    "checkpoint": "checkpoints",
    "clip_vision": "clip_vision",
    "diffusion_model": "diffusion_models",
    "ip_adapter": "ipadapter",
    "lora": "loras",
    "model_patch": "model_patches",
    "text_encoder": "text_encoders",
    "vae": "vae",
}
_Z_IMAGE, _QWEN_IMAGE = "Comfy-Org/z_image_turbo", "Comfy-Org/Qwen-Image_ComfyUI"
_FLUX_TEXT = "comfyanonymous/flux_text_encoders"
_FLUX_LICENCE = "FLUX.1 [dev], non-commercial"
_CONTROL_NET_BYTES = 722_601_100


def manifest() -> dict[str, ModelFile]:
    """Every file by its id, which `fetch` takes as a name."""
    files = (file for files in (*METHOD_FILES.values(), GRAPH_FILES) for file in files)
    return {file.id: file for file in files}


def find_file(folder: str, name: str) -> ModelFile | None:
    """The file that lies at `folder`/`name` below ComfyUI's models folder, or None."""
    return next((file for file in manifest().values() if (file.folder, file.name) == (folder, name)), None)


def host_metadata(file: ModelFile) -> dict[str, str]:
    """A file as the host's `models` metadata of a node, from which the front end offers the download."""
    told = {"name": file.name, "url": file.address, "directory": file.folder}
    return told | ({"hash": file.sha256, "hash_type": "SHA256"} if file.sha256 else {})


def _file(
    id: str,
    kind: Kind,
    repository: str,
    path: str,
    licence: str,
    megabytes: float,
    saved_as: str = "",
    bytes: int | None = None,
    sha256: str | None = None,
    commercial: bool = True,
) -> ModelFile:
    return ModelFile(
        id,
        repository,
        path,
        _FOLDERS.get(kind, "controlnet"),
        licence,
        megabytes,
        bytes,
        sha256,
        commercial,
        kind=kind,
        saved_as=saved_as,
    )


def _control_net(id: str, name: str, sha256: str | None = None) -> ModelFile:
    path = f"control_{name}_fp16.safetensors"
    return _file(id, "control_net", _CONTROL_NETS, path, _OPENRAIL, 723, bytes=_CONTROL_NET_BYTES, sha256=sha256)


GRAPH_FILES: tuple[ModelFile, ...] = (
    _file(
        "sd15",
        "checkpoint",
        "Comfy-Org/stable-diffusion-v1-5-archive",
        "v1-5-pruned-emaonly-fp16.safetensors",
        "CreativeML OpenRAIL-M",
        2130,
    ),
    _file(
        "sdxl",
        "checkpoint",
        "stabilityai/stable-diffusion-xl-base-1.0",
        "sd_xl_base_1.0.safetensors",
        "CreativeML OpenRAIL++-M",
        6940,
    ),
    _file(
        "neta_xl",
        "checkpoint",
        "neta-art/neta-xl-2.0",
        "neta-xl-v2.fp16.safetensors",
        "Fair AI Public License 1.0-SD",
        6940,
        "neta-xl-v2.safetensors",
    ),
    _file(
        "svd_xt",
        "checkpoint",
        "stabilityai/stable-video-diffusion-img2vid-xt-1-1",
        "svd_xt_1_1.safetensors",
        "Stability AI, non-commercial (to be accepted there)",
        9560,
        commercial=False,
    ),
    _control_net("sd15_canny", "v11p_sd15_canny", "8932b66e15aae835b3490dbf989f56c253104cee08a88bf21283762f557c9f10"),
    _control_net("sd15_depth", "v11f1p_sd15_depth", "1c4a79aa52fb63f607cb9ff479ea5aa1923b6ceb21267bd14b69bd05d7b617be"),
    _control_net("sd15_tile", "v11f1e_sd15_tile"),
    _control_net("sd15_inpaint", "v11p_sd15_inpaint"),
    _control_net("sd15_lineart", "v11p_sd15_lineart"),
    _control_net("sd15_mlsd", "v11p_sd15_mlsd"),
    _control_net("sd15_normalbae", "v11p_sd15_normalbae"),
    _control_net("sd15_openpose", "v11p_sd15_openpose"),
    _control_net("sd15_seg", "v11p_sd15_seg"),
    _file(
        "controlnext_sd15_net",
        "controlnext",
        _CONTROLNEXT,
        "ControlNeXt-SD1.5/deepfashion_multiview/controlnet.safetensors",
        "Apache-2.0",
        21.4,
        "controlnext_sd15_deepfashion_multiview.safetensors",
    ),
    _file(
        "controlnext_sdxl_net",
        "controlnext",
        "Eugeoter/controlnext-sdxl-anime-canny",
        "controlnet.safetensors",
        "Apache-2.0",
        14.1,
        "controlnext_sdxl_anime_canny.safetensors",
    ),
    _file(
        "controlnext_sdxl_unet",
        "controlnext",
        "Eugeoter/controlnext-sdxl-anime-canny",
        "unet.safetensors",
        "Apache-2.0",
        205,
        "controlnext_sdxl_anime_canny_unet.safetensors",
    ),
    # The authors' own files of these two are pickles, 14 MB and 6.1 GB; this copy is safetensors in half precision.
    _file(
        "controlnext_svd_net",
        "controlnext",
        "Kijai/ControlNeXt-SVD-V2-Comfy",
        "controlnext-svd_v2-controlnet-fp16.safetensors",
        UNKNOWN,
        7.06,
        "controlnext_svd_v2.safetensors",
    ),
    _file(
        "controlnext_svd_unet",
        "controlnext",
        "Kijai/ControlNeXt-SVD-V2-Comfy",
        "controlnext-svd_v2-unet-fp16.safetensors",
        UNKNOWN,
        3050,
        "controlnext_svd_v2_unet.safetensors",
    ),
    _file(
        "ip_adapter_plus_sd15",
        "ip_adapter",
        "h94/IP-Adapter",
        "models/ip-adapter-plus_sd15.safetensors",
        "Apache-2.0",
        98,
        bytes=98_183_288,
        sha256="a1c250be40455cc61a43da1201ec3f1edaea71214865fb47f57927e06cbe4996",
    ),
    _file(
        "ip_adapter_plus_sdxl",
        "ip_adapter",
        "h94/IP-Adapter",
        "sdxl_models/ip-adapter-plus_sdxl_vit-h.safetensors",
        "Apache-2.0",
        848,
        bytes=847_517_512,
        sha256="3f5062b8400c94b7159665b21ba5c62acdcd7682262743d7f2aefedef00e6581",
    ),
    _file(
        "clip_vision_h",
        "clip_vision",
        "h94/IP-Adapter",
        "models/image_encoder/model.safetensors",
        "Apache-2.0",
        2530,
        "CLIP-ViT-H-14-laion2B-s32B-b79K.safetensors",
    ),
    _file(
        "z_image_turbo",
        "diffusion_model",
        _Z_IMAGE,
        "split_files/diffusion_models/z_image_turbo_bf16.safetensors",
        "Apache-2.0",
        12310,
    ),
    _file("qwen3_4b", "text_encoder", _Z_IMAGE, "split_files/text_encoders/qwen_3_4b.safetensors", "Apache-2.0", 8040),
    _file("flux_vae", "vae", _Z_IMAGE, "split_files/vae/ae.safetensors", "Apache-2.0", 335),
    _file(
        "z_image_fun",
        "model_patch",
        "alibaba-pai/Z-Image-Turbo-Fun-Controlnet-Union",
        "Z-Image-Turbo-Fun-Controlnet-Union.safetensors",
        "Apache-2.0",
        3100,
    ),
    _file(
        "qwen_image",
        "diffusion_model",
        _QWEN_IMAGE,
        "split_files/diffusion_models/qwen_image_fp8_e4m3fn.safetensors",
        "Apache-2.0",
        20430,
    ),
    _file(
        "qwen25_vl_7b",
        "text_encoder",
        _QWEN_IMAGE,
        "split_files/text_encoders/qwen_2.5_vl_7b_fp8_scaled.safetensors",
        "Apache-2.0",
        9380,
    ),
    _file("qwen_image_vae", "vae", _QWEN_IMAGE, "split_files/vae/qwen_image_vae.safetensors", "Apache-2.0", 254),
    _file(
        "qwen_image_canny",
        "model_patch",
        "Comfy-Org/Qwen-Image-DiffSynth-ControlNets",
        "split_files/model_patches/qwen_image_canny_diffsynth_controlnet.safetensors",
        "Apache-2.0",
        2270,
    ),
    _file(
        "flux_dev",
        "diffusion_model",
        "Comfy-Org/flux1-dev",
        "flux1-dev.safetensors",
        _FLUX_LICENCE,
        23800,
        commercial=False,
    ),
    _file("clip_l", "text_encoder", _FLUX_TEXT, "clip_l.safetensors", UNKNOWN, 246),
    _file("t5xxl", "text_encoder", _FLUX_TEXT, "t5xxl_fp16.safetensors", UNKNOWN, 9790),
    _file(
        "flux_canny",
        "control_net",
        "XLabs-AI/flux-controlnet-collections",
        "flux-canny-controlnet-v3.safetensors",
        _FLUX_LICENCE,
        1490,
        commercial=False,
    ),
    _file(
        "anima",
        "diffusion_model",
        "circlestone-labs/Anima",
        "split_files/diffusion_models/anima-base-v1.0.safetensors",
        "CircleStone Labs, non-commercial",
        4180,
        commercial=False,
    ),
    _file(
        "qwen3_06b",
        "text_encoder",
        "circlestone-labs/Anima",
        "split_files/text_encoders/qwen_3_06b_base.safetensors",
        "Apache-2.0",
        1190,
    ),
    _file(
        "anima_lllite_any",
        "model_patch",
        "Comfy-Org/Anima-LLLite",
        "model_patches/anima-lllite-any-test-like-v2.safetensors",
        UNKNOWN,
        0,
    ),
    _file(
        "sdxl_offset_lora",
        "lora",
        "stabilityai/stable-diffusion-xl-base-1.0",
        "sd_xl_offset_example-lora_1.0.safetensors",
        "CreativeML OpenRAIL++-M",
        49.6,
        sha256="4852686128f953d0277d0793e2f0335352f96a919c9c16a09787d77f55cbdf6f",
    ),
    _file("sd15_detail_lora", "lora", "OedoSoldier/detail-tweaker-lora", "add_detail.safetensors", UNKNOWN, 37.9),
    _file(
        "sd15_outline_lora",
        "lora",
        "licyk/sd-lora",
        "sd_1.5/style/animeoutlineV4_16.safetensors",
        "OpenRAIL (this repository's; a copy of the author's file)",
        19,
    ),
)
