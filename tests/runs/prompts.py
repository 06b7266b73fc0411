"""Small API prompts of the host's own nodes."""

from typing import Any

Prompt = dict[str, Any]


def grey_picture(color: int = 0x808080, size: int = 16) -> Prompt:
    """One colour, saved by node 2."""
    return {
        "1": {"class_type": "EmptyImage", "inputs": {"width": size, "height": size, "batch_size": 1, "color": color}},
        "2": {
            "class_type": "SaveImage",
            "inputs": {"images": ["1", 0], "filename_prefix": "client_test"},
            "_meta": {"title": "Save picture"},
        },
    }


def shown_text(text: str) -> Prompt:
    """A text, shown by node 2."""
    return {
        "1": {"class_type": "PrimitiveString", "inputs": {"value": text}},
        "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}},
    }


def loaded_picture(name: str) -> Prompt:
    """A file of the input folder, loaded by node 1 and shown by node 2."""
    return {
        "1": {"class_type": "LoadImage", "inputs": {"image": name}, "_meta": {"title": "Your picture"}},
        "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
    }


def sampling(checkpoint: str, steps: int, seed: int = 0) -> Prompt:
    """Sampling at 64 pixels; node 5 samples, node 7 shows."""
    return {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": checkpoint}},
        "2": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["1", 1], "text": "a house"}},
        "3": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
        "5": {
            "class_type": "KSampler",
            "inputs": {
                "model": ["1", 0],
                "positive": ["2", 0],
                "negative": ["2", 0],
                "latent_image": ["3", 0],
                "seed": seed,
                "steps": steps,
                "cfg": 1.0,
                "sampler_name": "euler",
                "scheduler": "normal",
                "denoise": 1.0,
            },
            "_meta": {"title": "Sampler"},
        },
        "6": {"class_type": "VAEDecode", "inputs": {"samples": ["5", 0], "vae": ["1", 2]}},
        "7": {"class_type": "PreviewImage", "inputs": {"images": ["6", 0]}},
    }
