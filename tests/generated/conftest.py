"""Generated files in the user's cache, the host's own loaders for them, and a short sampling run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from armature_pack.commands.private_host.files import cache_folder
from armature_pack.tests.generated.catalog import find_recipe
from armature_pack.tests.generated.generation import generate
from armature_pack.tests.inference_mode import inference_mode  # noqa: F401  (a fixture)
from armature_pack.tests.latest import latest

SIZE = 64
LATENT = (1, 4, SIZE // 8, SIZE // 8)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """These networks are too small to share out; on a busy machine threads that wait for each other take minutes."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def weights_file() -> Callable[[str], str]:
    """From a recipe's name to the path of its file, made once and kept between runs."""

    def path(name: str) -> str:
        return str(generate(name, cache_folder() / "generated"))

    return path


@pytest.fixture(scope="session")
def load(weights_file):
    """From a recipe's name to what the host makes of its file, with the loader that the host's nodes use."""
    import comfy.controlnet
    import comfy.sd

    loaders = {
        "diffusion_models": comfy.sd.load_diffusion_model,
        "controlnet": comfy.controlnet.load_controlnet,
        "checkpoints": lambda path: comfy.sd.load_checkpoint_guess_config(path)[0],
    }
    return lambda name: loaders[find_recipe(name).folder](weights_file(name))


@pytest.fixture(scope="session")
def base_model(load):
    """As `load`, keeping the two networks that were asked for last."""
    return latest(2)(load)


@pytest.fixture
def conditioning():
    """Random conditioning for a network, of the width that its family expects."""

    def make(model, seed: int = 0) -> list:
        config = model.model.model_config.unet_config
        generator = torch.Generator().manual_seed(seed)
        context = torch.randn(1, 77, config["context_dim"], generator=generator)
        extras = {}
        if config["adm_in_channels"] is not None:
            extras["pooled_output"] = torch.randn(1, 1280, generator=generator)
        return [[context, extras]]

    return make


@pytest.fixture
def sample():
    """One step from a fixed noise; returns the latent [1, 4, 8, 8]."""
    import comfy.sample

    def run(model, positive, negative) -> torch.Tensor:
        noise = torch.randn(LATENT, generator=torch.Generator().manual_seed(7))
        empty = torch.zeros(LATENT)
        options = {"disable_pbar": True, "seed": 7}
        return comfy.sample.sample(model, noise, 1, 2.0, "euler", "normal", positive, negative, empty, **options)

    return run


@pytest.fixture
def apply_control():
    """Conditioning with a control file acting on it at weight 1, through the host's own node."""
    import nodes

    def apply(control, positive, negative, hint_seed: int = 1):
        generator = torch.Generator().manual_seed(hint_seed)
        hint = torch.rand(1, SIZE, SIZE, 3, generator=generator).round()
        return nodes.ControlNetApplyAdvanced().apply_controlnet(positive, negative, control, hint, 1.0, 0.0, 1.0)

    return apply


@pytest.fixture
def host_complaints(caplog):
    """The host's log lines that tell of weights missing, left over or dropped, up to now."""
    signs = ("missing", "unexpected", "leftover", "left over", "could not be applied", "not load")

    def lines() -> list[str]:
        messages = [record.getMessage() for record in caplog.records]
        return [message for message in messages if any(sign in message.lower() for sign in signs)]

    caplog.set_level("INFO")
    return lines


@pytest.fixture
def no_partial_files():
    """Asserts that a folder holds only whole files."""

    def check(folder: Path) -> None:
        assert [path.name for path in folder.iterdir() if path.suffix != ".safetensors"] == []

    return check
