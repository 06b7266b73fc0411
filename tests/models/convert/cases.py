"""Small graphs of other packs as API prompts, one for each way of turning, and what must come out of it."""

from __future__ import annotations

from typing import Any

Prompt = dict[str, Any]


def node(kind: str, **inputs: Any) -> Prompt:
    return {"class_type": kind, "inputs": inputs}


def drawing(**nodes: Prompt) -> Prompt:
    """Text to image, with more nodes or others."""
    return {
        "model": node("CheckpointLoaderSimple", ckpt_name="a.safetensors"),
        "yes": node("CLIPTextEncode", clip=["model", 1], text="a"),
        "no": node("CLIPTextEncode", clip=["model", 1], text="b"),
        "picture": node("LoadImage", image="a.png"),
        "net": node("ControlNetLoader", control_net_name="net.safetensors"),
        "latent": node("EmptyLatentImage", width=64, height=64, batch_size=4),
        "sampler": node(
            "KSampler",
            model=["model", 0],
            positive=["yes", 0],
            negative=["no", 0],
            latent_image=["latent", 0],
            seed=1,
            steps=2,
            cfg=5,
            sampler_name="euler",
            scheduler="normal",
            denoise=1,
        ),
    } | nodes


def controlled(apply: Prompt, **nodes: Prompt) -> Prompt:
    """The sampler follows what a node gives at its outputs 0 and 1."""
    made = drawing(apply=apply, **nodes)
    made["sampler"]["inputs"] |= {"positive": ["apply", 0], "negative": ["apply", 1]}
    return made


BOTH = {"positive": ["yes", 0], "negative": ["no", 0], "image": ["picture", 0]}
RANGE = {"strength": 0.7, "start_percent": 0.1, "end_percent": 0.8}
SIGNAL = {"weight": 0.7, "start_percent": 0.1, "end_percent": 0.8, "guard": "warn"}
KEYFRAME = {"strength": 1.0, "null_latent_kf_strength": 0.0, "inherit_missing": True, "guarantee_steps": 1}


def advanced(**more: Any) -> Prompt:
    return node("ACN_AdvancedControlNetApply_v2", **BOTH, **RANGE, control_net=["acn", 0], **more)


ACN = {"acn": node("ACN_ControlNetLoaderAdvanced", cnet="net.safetensors")}
IPA = {
    "adapter": node("IPAdapterModelLoader", ipadapter_file="ip.safetensors"),
    "encoder": node("CLIPVisionLoader", clip_name="v.safetensors"),
}
IPA_VALUES = {
    "weight": 0.6,
    "weight_type": "ease in",
    "combine_embeds": "norm average",
    "start_at": 0.1,
    "end_at": 0.9,
    "embeds_scaling": "K+V",
}


def ip_adapter(kind: str, **inputs: Any) -> Prompt:
    links = {"model": ["model", 0], "ipadapter": ["adapter", 0], "clip_vision": ["encoder", 0], "image": ["picture", 0]}
    made = drawing(apply=node(kind, **{**links, **inputs}), **IPA)
    made["sampler"]["inputs"]["model"] = ["apply", 0]
    return made


def loras() -> Prompt:
    strengths = {"strength_model": 0.5, "strength_clip": 0.4}
    made = drawing(
        one=node("LoraLoader", model=["model", 0], clip=["model", 1], lora_name="a.safetensors", **strengths),
        two=node("LoraLoaderModelOnly", model=["one", 0], lora_name="b.safetensors", strength_model=-0.3),
    )
    made["sampler"]["inputs"]["model"] = ["two", 0]
    made["yes"]["inputs"]["clip"] = made["no"]["inputs"]["clip"] = ["one", 1]
    return made


def stacker() -> Prompt:
    rows = {f"lora_name_{number}": "None" for number in range(1, 51)}
    rows |= {"lora_name_1": "a.safetensors", "lora_name_3": "c.safetensors", "lora_name_4": "unused.safetensors"}
    for number in range(1, 51):
        rows |= {f"lora_wt_{number}": number / 10, f"model_str_{number}": 1.0, f"clip_str_{number}": 1.0}
    return drawing(
        stack=node("LoRA Stacker", input_mode="simple", lora_count=3, **rows),
        apply=node("ArmatureApplyLoRAStack", model=["model", 0], lora_stack=["stack", 0]),
    )


def two_nets() -> Prompt:
    one = node("Control Net Stacker", control_net=["net", 0], image=["picture", 0], **RANGE)
    two = node("Control Net Stacker", control_net=["net", 0], image=["picture", 0], cnet_stack=["one", 0], strength=0.2)
    apply = node("Apply ControlNet Stack", positive=["yes", 0], negative=["no", 0], cnet_stack=["two", 0])
    return controlled(apply, one=one, two=two)


def single() -> Prompt:
    made = drawing(
        first=node(
            "ControlNetApply", conditioning=["yes", 0], control_net=["net", 0], image=["picture", 0], strength=0.4
        ),
        apply=node("ControlNetApply", conditioning=["first", 0], control_net=["net", 0], image=["picture", 0]),
    )
    made["sampler"]["inputs"]["positive"] = ["apply", 0]
    return made


def patched() -> Prompt:
    links = {"model_patch": ["patch", 0], "vae": ["model", 2], "image": ["picture", 0]}
    made = drawing(
        patch=node("ModelPatchLoader", name="patch.safetensors"),
        apply=node("QwenImageDiffsynthControlnet", model=["model", 0], strength=0.7, **links),
        shift=node("ModelSamplingAuraFlow", model=["apply", 0], shift=3),
    )
    made["sampler"]["inputs"]["model"] = ["shift", 0]
    return made


def mapped(kind: str, **inputs: Any) -> Prompt:
    return {"picture": node("LoadImage", image="a.png"), "map": node(kind, image=["picture", 0], **inputs)}


# name: the prompt, the node that is looked at, its type then, and inputs that it must have.
CASES: dict[str, tuple[Prompt, str, str, Prompt]] = {
    "both conditionings": (
        controlled(node("ControlNetApplyAdvanced", **BOTH, **RANGE, control_net=["net", 0])),
        "apply",
        "ArmatureApplyControl",
        {**BOTH, **SIGNAL, "control_net": ["net", 0]},
    ),
    "what is left out": (
        controlled(node("ControlNetApplySD3", **BOTH, control_net=["net", 0], vae=["model", 2])),
        "apply",
        "ArmatureApplyControl",
        {"weight": 1.0, "start_percent": 0.0, "end_percent": 1.0, "vae": ["model", 2]},
    ),
    "to paint into": (
        controlled(
            node("ControlNetInpaintingAliMamaApply", **BOTH, **RANGE, control_net=["net", 0], mask=["picture", 1])
        ),
        "apply",
        "ArmatureApplyControl",
        {"inpaint_mask": ["picture", 1]},
    ),
    "one conditioning": (
        single(),
        "apply",
        "ArmatureApplyControl",
        {"positive": ["first", 0], "negative": ["first", 1]},
    ),
    "patch of the model": (
        patched(),
        "apply",
        "ArmatureApplyControl",
        {"positive": ["yes", 0], "negative": ["no", 0], "control_net": ["patch", 0], "weight": 0.7},
    ),
    "loras": (
        loras(),
        "two",
        "ArmatureLoRAStack",
        {"lora_name": "b.safetensors", "strength_model": -0.3, "strength_clip": 0.0, "lora_stack": ["one", 0]},
    ),
    "keyframes": (
        controlled(
            advanced(timestep_kf=["b", 0]),
            **ACN,
            a=node("TimestepKeyframe", **KEYFRAME, start_percent=0.0),
            b=node("TimestepKeyframe", **{**KEYFRAME, "strength": 0.5}, start_percent=0.4, prev_timestep_kf=["a", 0]),
        ),
        "apply",
        "ArmatureApplyControl",
        {**SIGNAL, "schedule": "0:1, 0.399996:1, 0.399998:0.5"},
    ),
    "latent keyframes": (
        controlled(
            advanced(latent_kf_override=["b", 0]),
            **ACN,
            a=node("LatentKeyframeGroup", index_strengths="1, 2:4=0.5"),
            b=node("LatentKeyframe", batch_index=-1, strength=0.2, prev_latent_kf=["a", 0]),
        ),
        "1",
        "ControlNetLoader",
        {"control_net_name": "net.safetensors"},
    ),
    "mask, vae": (
        controlled(advanced(mask_optional=["picture", 1], vae_optional=["model", 2]), **ACN),
        "apply",
        "ArmatureApplyControl",
        {"mask": ["picture", 1], "vae": ["model", 2]},
    ),
    "adapter": (
        ip_adapter("IPAdapterAdvanced", **IPA_VALUES, attn_mask=["picture", 1]),
        "apply",
        "ArmatureApplyIPAdapter",
        {
            "weight": 0.6,
            "weight_type": "ease in",
            "combine": "norm average",
            "start_percent": 0.1,
            "end_percent": 0.9,
            "embeds_scaling": "K+V",
            "compatible_with": "ipadapter_plus",
            "mask": ["picture", 1],
            "clip_vision": ["encoder", 0],
        },
    ),
    "adapter per picture": (
        ip_adapter("IPAdapterBatch", weight=0.6, weight_type="linear"),
        "apply",
        "ArmatureApplyIPAdapter",
        {"combine": "per picture"},
    ),
    "style and composition": (
        ip_adapter(
            "IPAdapterStyleComposition",
            image_style=["picture", 0],
            image_composition=["picture", 0],
            weight_style=0.5,
            weight_composition=0.4,
            expand_style=True,
        ),
        "apply",
        "ArmatureApplyIPAdapter",
        {
            "weight_type": "strong style and composition",
            "weight": 0.5,
            "composition_weight": 0.4,
            "composition_image": ["picture", 0],
            "combine": "average",
        },
    ),
    "canny": (
        mapped("CannyEdgePreprocessor", low_threshold=50, high_threshold=150, resolution=768),
        "map",
        "ArmatureCanny",
        {"low_threshold": 50, "high_threshold": 150, "resolution_mode": "short_side", "resolution": 768},
    ),
    "all in one": (
        mapped("AIO_Preprocessor", preprocessor="CannyEdgePreprocessor", resolution=512),
        "map",
        "ArmatureCanny",
        {"low_threshold": 100, "high_threshold": 200, "resolution": 512},
    ),
    "red for blue": (
        mapped("ImageLuminanceDetector", gamma_correction=0.5),
        "map",
        "ArmatureRecolorLuminance",
        {"gamma": 0.5, "image": ["1", 0], "resolution": 512},
    ),
    "stair": (
        controlled(
            advanced(timestep_kf=["a", 0]),
            **ACN,
            a=node(
                "ACN_TimestepKeyframeInterpolation",
                start_percent=0.2,
                end_percent=0.6,
                strength_start=0.5,
                strength_end=0.25,
                interpolation="ease-in",
                intervals=2,
            ),
        ),
        "apply",
        "ArmatureApplyControl",
        {"schedule": "0:1, 0.199996:1, 0.199998:0.5, 0.599996:0.5, 0.599998:0.25"},
    ),
    "poses": (
        mapped("DWPreprocessor", detect_hand="disable", detect_body="enable", detect_face="enable", resolution=512)
        | {"draw": node("ArmatureDrawPoses", poses=["map", 1])},
        "draw",
        "ArmatureDrawPoses",
        {"poses": ["map", 2]},
    ),
    "lora stacker": (
        stacker(),
        "stack",
        "ArmatureLoRAStack",
        {"lora_name": "c.safetensors", "strength_model": 0.3, "strength_clip": 0.3, "lora_stack": ["1", 0]},
    ),
    "control net stack": (
        two_nets(),
        "3",
        "ArmatureControlStack",
        {"signals.signal_0": ["1", 0], "signals.signal_1": ["2", 0]},
    ),
}
