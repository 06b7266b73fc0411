"""A folder of annotators of its own for each test, and pictures to look at."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from skimage import data

sys.path.append(str(Path(__file__).resolve().parents[1]))  # real_weights lies beside this folder


@pytest.fixture
def annotators(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder in which weight files are looked for; networks that were loaded from it are forgotten after."""
    import folder_paths
    from armature_pack.preprocessors.network import forget_networks

    for name in ("annotators", "geometry_estimation", "diffusion_models", "checkpoints", "vae", "optical_flow"):
        monkeypatch.setitem(folder_paths.folder_names_and_paths, name, ([str(tmp_path)], set()))
    forget_networks()
    yield tmp_path
    forget_networks()


def photo(name: str, size: int) -> torch.Tensor:
    """A photograph of scikit-image as IMAGE [1,size,size * aspect,3]."""
    image = torch.from_numpy(getattr(data, name)()).float().div(255).unsqueeze(0).movedim(-1, 1)
    width = round(image.shape[3] * size / image.shape[2])
    return torch.nn.functional.interpolate(image, (size, width), mode="area").movedim(1, -1)


@pytest.fixture(scope="session")
def astronaut() -> torch.Tensor:
    """512 x 512, one person."""
    return photo("astronaut", 512)


@pytest.fixture(scope="session")
def small() -> torch.Tensor:
    """A photograph of 90 x 137: no multiple of any stride."""
    return photo("coffee", 90)[:, :, :137]
