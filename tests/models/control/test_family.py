"""A control net of another family than the model is said before the first step, with a file of the user's that would fit."""

from __future__ import annotations

import pytest
from armature_pack.models.control.apply import apply_stack
from armature_pack.models.control.family import family_of_net, mismatch
from armature_pack.models.control.signal import ControlSignal
from armature_pack.models.control.stack import ControlStack
from armature_pack.tests.model_links import link_model

from .sampling import bench, control_net, picture
from .test_guard import sdxl_conditioning


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The host's folder of control nets, with one for each family."""
    import folder_paths

    monkeypatch.setitem(folder_paths.folder_names_and_paths, "controlnet", ([str(tmp_path)], {".safetensors"}))
    folder_paths.filename_list_cache.clear()
    return tmp_path


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("sd15_controlnet_canny", "sd15"),
        ("sd15_t2i_adapter", "sd15"),
        ("sdxl_controlnet", "sdxl"),
        ("sd15_xs_controlnet_diffusers", "sd15"),
    ],
)
def test_the_family_of_a_net_is_read_from_its_network(name, family, generated):
    assert family_of_net(control_net(generated(name))) == family


def test_a_net_that_fits_says_nothing(generated):
    for base, net in (
        ("sd15_checkpoint", "sd15_controlnet_canny"),
        ("sdxl_model", "sdxl_controlnet"),
        ("sd15_xs_checkpoint", "sd15_xs_controlnet_diffusers"),
    ):
        assert mismatch(control_net(generated(net)), bench(generated(base)).model.model, "Signal 1") is None


@pytest.mark.parametrize(
    ("base", "net"), [("sd15_checkpoint", "sdxl_controlnet"), ("sdxl_model", "sd15_controlnet_canny")]
)
def test_another_family_is_named_with_a_file_that_fits(base, net, generated, folder):
    run = bench(generated(base))
    positive, negative = (sdxl_conditioning(1), sdxl_conditioning(2)) if "xl" in base else (run.positive, run.negative)
    fitting = "sdxl_controlnet" if "xl" in base else "sd15_controlnet_depth"
    for name in (fitting, net):
        link_model(generated(name), folder)
    alien = ControlSignal(control_net(generated(net)), picture(1), weight=1.0)
    applied = apply_stack(positive, negative, ControlStack((alien,)))
    with pytest.raises(ValueError) as error:
        run.latent(applied.positive, applied.negative)
    told = str(error.value)
    assert "Control signal 1 of 1" in told and "SD 1.5" in told and "SDXL" in told
    assert fitting in told and f"{net}.safetensors" not in told.partition("your control nets")[2]


def test_where_there_is_no_file_that_fits_it_says_so(generated, folder):
    told = mismatch(
        control_net(generated("sdxl_controlnet")), bench(generated("sd15_checkpoint")).model.model, "Signal 1"
    )
    assert told is not None and "there is none in models/controlnet" in told


def test_the_guard_lowers_it_to_a_line(generated, caplog):
    run = bench(generated("sdxl_model"))
    alien = ControlSignal(control_net(generated("sd15_t2i_adapter")), picture(1), weight=1.0)
    applied = apply_stack(sdxl_conditioning(1), sdxl_conditioning(2), ControlStack((alien,)), guard="warn")
    assert run.latent(applied.positive, applied.negative).shape == (1, 4, *run.size)
    assert caplog.text.count("is made for SD 1.5") == 1 and "It is left out" in caplog.text
    assert "never acted" not in caplog.text
