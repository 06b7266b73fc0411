"""Telling ComfyUI about the model folders that the user already has."""

import json
import os
import sys
from pathlib import Path

from ..places import whole_path
from ..terminal import Problem

MODEL_FOLDERS = (
    "audio_encoders",
    "background_removal",
    "checkpoints",
    "classifiers",
    "clip",
    "clip_vision",
    "configs",
    "controlnet",
    "detection",
    "diffusers",
    "diffusion_models",
    "embeddings",
    "frame_interpolation",
    "geometry_estimation",
    "gligen",
    "hypernetworks",
    "ipadapter",
    "latent_upscale_models",
    "loras",
    "model_patches",
    "optical_flow",
    "photomaker",
    "style_models",
    "text_encoders",
    "unet",
    "upscale_models",
    "vae",
    "vae_approx",
)
ALSO = {"controlnet": "controlnet\nt2i_adapter"}  # one name, two folders, as ComfyUI itself has it


def write_model_paths(base: Path, folders: list[Path], *, first: bool = False) -> Path:
    """Write the file that tells ComfyUI about more model folders, and return it. Problem for a folder that is not there.

    first: they come before ComfyUI's own, so that what nodes save as a model goes there.
    """
    lines = []
    for number, folder in enumerate(whole_path(folder) for folder in folders):
        if not folder.is_dir():
            raise Problem(
                f"--models {folder}: there is no such folder. Give the one that holds checkpoints, loras, ..."
            )
        if not _is_text(str(folder)):
            raise Problem(f"--models {folder}: its name is no UTF-8 text, which ComfyUI cannot be told. Rename it.")
        present = {entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith(".")}
        present = {name for name in present if _is_text(name)}  # no graph can name the others
        names = {*MODEL_FOLDERS, *present} - {"custom_nodes", "t2i_adapter"}
        lines += [
            f"folder_{number}:",
            f"  base_path: {_quoted(str(folder))}",
            *(["  is_default: true"] if first else []),
        ]
        # ComfyUI puts each of several folders in front of those before it, so that the last one is written to.
        shown = {name: ALSO.get(name, name).split("\n")[:: -1 if first else 1] for name in sorted(names)}
        lines += [f"  {_quoted(name)}: {_quoted(chr(10).join(some))}" for name, some in shown.items()]
    file = base / "extra_model_paths.yaml"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def _is_text(name: str) -> bool:
    try:
        return bool(name.encode())
    except UnicodeEncodeError:
        return False


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a JSON string is a YAML string


# Making a file or a folder appear in a second place without copying it, also on Windows without special rights.


def link_file(source: Path, folder: Path) -> None:
    """Make `folder`/<name of source> lead to `source`. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / source.name
    try:
        link.symlink_to(source)
    except OSError:  # Windows without the right to
        os.link(source, link)


def link_folder(source: Path, parent: Path) -> Path:
    """Make `parent`/<name of source> lead to `source` and return it: a junction on Windows, elsewhere a symbolic link."""
    parent.mkdir(parents=True, exist_ok=True)
    link = parent / source.name
    if _leads_to(link, source):
        return link
    _remove_link(link)
    try:
        if sys.platform == "win32":
            import _winapi

            _winapi.CreateJunction(str(source), str(link))
        else:
            link.symlink_to(source, target_is_directory=True)
    except FileExistsError:
        if not _leads_to(link, source):  # otherwise another process just made the same link
            raise
    return link


def _leads_to(link: Path, source: Path) -> bool:
    return link.exists() and os.path.realpath(link) == os.path.realpath(source)


def _remove_link(link: Path) -> None:
    try:
        link.readlink()
    except FileNotFoundError:
        return
    except OSError as error:
        raise Problem(
            f"{link} is a real folder, so the pack cannot be linked there. Move it away, or choose another "
            "--base-directory."
        ) from error
    # A junction is removed like a folder, a symbolic link like a file.
    link.rmdir() if sys.platform == "win32" else link.unlink()
