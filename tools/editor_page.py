"""ComfyUI's front end in Chromium, on a server of its own, and empty files for what a graph names."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..commands import FRONT_DOOR
from ..commands.private_host.host import Host
from ..commands.private_host.server import start_server
from ..commands.terminal import Problem
from .chromium import ensure_chromium

READY = "!!(window.app?.vueAppReady && window.LiteGraph?.registered_node_types?.ArmatureControlMap)"
SETTINGS = {
    "Comfy.TutorialCompleted": True,
    "Comfy.Minimap.Visible": False,
    "Comfy.Graph.CanvasInfo": False,
    "Comfy.NodeBadge.NodeSourceBadgeMode": "None",
    "Comfy.NodeBadge.NodeLifeCycleBadgeMode": "None",
    "LiteGraph.Canvas.MinFontSizeForLOD": 0,  # text at any scale: wide graphs are pictures too
}
# Inputs that name a model file, and where the server looks for it: empty files stand in, so that no node is marked red.
MODEL_INPUTS = {
    "ckpt_name": "checkpoints",
    "control_net_name": "controlnet",
    "weights_name": "controlnet",
    "lora_name": "loras",
    "ip_adapter_name": "ipadapter",
    "clip_name": "clip_vision",
    "clip_name1": "text_encoders",
    "clip_name2": "text_encoders",
    "unet_name": "diffusion_models",
    "vae_name": "vae",
}
TEXT_ENCODERS = ("CLIPLoader",)  # which name their file as the loader of image encoders does
# Nodes that read a folder inside the input folder; an empty one stands in.
FOLDER_NODES = ("LoadImageTextDataSetFromFolder",)


@contextmanager
def editor_page(base: Path) -> Iterator[Any]:
    """ComfyUI's front end in Chromium, on a server of its own in the folder `base`. Raises Problem without the tools."""
    chromium = ensure_chromium()
    if not chromium:
        raise Problem("Chromium is needed to build graphs")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise Problem("playwright is missing; run `armature.py test` once, which installs the test tools") from None
    server = start_server(Host.from_environment(), pack=FRONT_DOOR.parent, base_directory=base)
    with server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--disable-gpu"])
        page = browser.new_page(viewport={"width": 1900, "height": 1100})
        page.request.post(f"{server.address}/api/settings", data=SETTINGS)
        page.goto(server.address)
        page.wait_for_function(READY, timeout=180_000)
        yield page
        browser.close()


def stand_in(models: Path, prompt: dict[str, Any]) -> None:
    """Empty files and folders for what the nodes of a prompt name, so that the front end finds nothing missing."""
    for node in prompt.values():
        for key, value in node["inputs"].items():
            if key in MODEL_INPUTS and isinstance(value, str):
                folder = "text_encoders" if node["class_type"] in TEXT_ENCODERS else MODEL_INPUTS[key]
                path = models / folder / value
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
        if node["class_type"] in FOLDER_NODES:
            (models.parent / "input" / node["inputs"]["folder"]).mkdir(parents=True, exist_ok=True)
