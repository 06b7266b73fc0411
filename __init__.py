"""Armature: control nodes for ComfyUI. The host reads the two names below; everything else is imported when it asks."""

WEB_DIRECTORY = "./web"


async def comfy_entrypoint():
    """Return the extension that lists our nodes (the host's V3 entry point)."""
    from .nodes import ArmatureExtension

    return ArmatureExtension()
