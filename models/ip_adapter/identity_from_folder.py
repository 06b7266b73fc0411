"""One embedding of a person or thing from a folder of pictures, with those named that show something else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from ...preprocessors.images.checks import check_choice, check_type
from ..input_folders import ENDINGS, folder_in_input, input_root, pictures_in
from .adapter import IPAdapter
from .embeds import COMBINING, CONCAT, ImageEmbeds
from .encoding import check_encoder, encode
from .faces import outliers, to_the_rest
from .prepare import prepare


def folder_names() -> list[str]:
    """Folders with pictures inside the host's input folder."""
    root = input_root()
    if not root.is_dir():
        return []
    return [folder.name for folder in sorted(root.iterdir()) if folder.is_dir() and pictures_in(folder)]


_WHO = "Identity from Folder"
MOST_PICTURES = 100


@dataclass(frozen=True, eq=False)
class Identity:
    """embeds: of the pictures that count; pictures: their squares [N,S,S,3]; report: which counted and how alike they are."""

    embeds: ImageEmbeds
    pictures: torch.Tensor
    report: str


def identity_from_folder(
    adapter: Any, clip_vision: Any, name: str, combine: str = "average", leave_out: bool = True
) -> Identity:
    """Embeddings of the pictures in a folder of the host's input folder, as one.

    leave_out: pictures that are unlike the others are named and left out; otherwise they are named only. Raises ValueError
    for a folder without pictures, a picture that cannot be read, or an adapter that reads faces.
    """
    check_type(f"{_WHO}, input ip_adapter", adapter, IPAdapter, "an IP_ADAPTER is")
    if adapter.layout.needs_face:
        raise ValueError(f"{adapter.who} reads faces. Load the pictures as a batch and link them to Face Embeddings.")
    check_choice(f"{_WHO}, input combine", combine, (CONCAT, *COMBINING))
    check_encoder(clip_vision, adapter)
    files = pictures_in(folder_in_input(name, _WHO))
    if not files:
        raise ValueError(
            f"{_WHO}: the folder '{name}' holds no pictures ({', '.join(sorted(ENDINGS))}). Put pictures into it, or choose "
            "another folder."
        )
    if len(files) > MOST_PICTURES:
        raise ValueError(
            f"{_WHO}: the folder '{name}' holds {len(files)} pictures; {MOST_PICTURES} are the most. Use 10 to 20."
        )
    squares = torch.cat([prepare(_read(file), "crop", size=clip_vision.image_size).image for file in files])
    found = encode(adapter, clip_vision, squares)
    image = found.image
    assert image is not None  # an adapter that reads pictures was checked for above
    scores = [float(score) for score in to_the_rest(image)]
    apart = outliers(scores)
    kept = [index for index in range(len(files)) if not (leave_out and index in apart)]
    embeds = replace(found, image=image[kept], source=f"folder {name}")
    report = _report(name, [file.name for file in files], scores, apart, leave_out)
    return Identity(embeds if combine == CONCAT else embeds.combined(combine), squares[kept], report)


def fingerprint(name: Any) -> Any:
    """Changes when a picture in the folder does; None for a folder that is not known yet (a linked input)."""
    if not isinstance(name, str):
        return None
    return [
        (file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in pictures_in(folder_in_input(name, _WHO))
    ]


def _report(name: str, files: list[str], scores: list[float], apart: tuple[int, ...], leave_out: bool) -> str:
    counted = len(files) - (len(apart) if leave_out else 0)
    lines = [f"{name}: {counted} of {len(files)} pictures count. Likeness of each to the others:"]
    for index in sorted(range(len(files)), key=lambda one: -scores[one]):
        mark = f"  <- unlike the others{', left out' if leave_out else ''}" if index in apart else ""
        lines.append(f"{scores[index]:.3f}  {files[index]}{mark}")
    if len(files) < 5:
        lines.append("Few pictures: 10 to 20 of the same person or thing from several sides make a steadier identity.")
    return "\n".join(lines)


def _read(path: Path) -> torch.Tensor:
    """[1,H,W,3] of a picture file, turned as its EXIF data says."""
    import numpy
    from PIL import ImageOps

    from ...common.picture_files import read_picture

    try:
        with read_picture(path) as opened:
            picture = ImageOps.exif_transpose(opened).convert("RGB")
    except (OSError, ValueError) as error:
        raise ValueError(f"{_WHO}: the picture {path.name} cannot be read ({error}). Remove or replace it.") from error
    return torch.from_numpy(numpy.asarray(picture).astype("float32") / 255).unsqueeze(0)


# The host's model folder `ipadapter`, which other packs share.

NAME = "ipadapter"
_ENDINGS = {".safetensors", ".bin", ".pt", ".pth"}


def file_names() -> list[str]:
    """The files in the folder, by the names that a loader takes."""
    import folder_paths

    register()
    return folder_paths.get_filename_list(NAME)


def register() -> None:
    """Make the folder known to the host, with the endings of weight files; what others have registered there stays.

    Where a list of further model folders names it already, the host's own is added behind those.
    """
    import folder_paths

    own, known = str(Path(folder_paths.models_dir) / NAME), folder_paths.folder_names_and_paths.get(NAME)
    if known is None or own not in known[0]:
        folder_paths.add_model_folder_path(NAME, own)
        known = folder_paths.folder_names_and_paths[NAME]
    if not known[1]:  # the host's sign for a folder in which every file is listed
        folder_paths.folder_names_and_paths[NAME] = (known[0], set(_ENDINGS))
