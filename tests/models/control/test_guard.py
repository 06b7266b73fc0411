"""The guard: a signal that runs and contributes nothing is an error that names it, or a line where that is asked for."""

from __future__ import annotations

import pytest
import torch
from armature_pack.models.control.guard import Watch, silent_shapes, unet_blocks
from comfy.sd import load_diffusion_model

from .links import call, link, seen
from .sampling import conditioning

SKIPS = [(320, 8, 8), (320, 8, 8), (640, 4, 4)]
BLOCKS = {"input": SKIPS, "middle": [(640, 4, 4)], "output": SKIPS[::-1]}


def residuals(*shapes) -> dict:
    return {"input": [], "output": [torch.ones(2, *shape) for shape in shapes], "middle": []}


def test_residuals_are_compared_with_what_the_unet_adds_them_to():
    assert silent_shapes(residuals(*SKIPS), BLOCKS) == ([], 3)
    dropped, added = silent_shapes(residuals((320, 8, 8), (320, 8, 8), (1280, 4, 4)), BLOCKS)
    assert added == 2 and dropped == ["output 1280x4x4 onto 640x4x4"]
    assert silent_shapes({"input": [None, torch.ones(1, 320, 1, 1)]}, BLOCKS) == ([], 1)  # broadcasts


def test_a_longer_list_is_read_from_its_end_as_the_unet_does():
    assert silent_shapes(residuals((7, 9, 9), *SKIPS), BLOCKS) == ([], 3)


@pytest.mark.parametrize(("base", "skips"), [("sd15_checkpoint", 5), ("sd15_t2i_base", 6), ("sdxl_model", 6)])
def test_the_way_down_is_read_from_the_network(base, skips, generated):
    import comfy.sd

    path = generated(base)
    model = (
        comfy.sd.load_checkpoint_guess_config(str(path), output_vae=False, output_clip=False)[0]
        if "checkpoint" in base
        else load_diffusion_model(str(path))
    )
    assert model is not None
    blocks = unet_blocks(model.model, 9, 12)
    assert blocks is not None and len(blocks["output"]) == skips
    assert blocks["input"][0] == (320, 9, 12) and blocks["output"][-1] == (320, 9, 12)
    assert blocks["input"][-1][1:] in ((5, 6), (3, 3))


def sdxl_conditioning(seed: int) -> list:
    cond = conditioning(seed, context=2048)
    pooled = torch.randn(1, 1280, generator=torch.Generator().manual_seed(seed))
    return [[cond[0][0], {"pooled_output": pooled}]]


def test_residuals_of_nothing_but_zeros_are_an_error_at_the_end(caplog):
    made = link(weight=1.0)
    zeros = {"input": [], "output": [torch.zeros(2, 4, 8, 8)], "middle": []}
    made.inner.get_control = lambda *_: zeros
    for _ in range(3):
        call(made)
    with pytest.raises(ValueError, match="Signal 1: its control net ran but gave nothing but zeros"):
        made.cleanup()
    assert made.inner.cond_hint is None and made._percent_to_sigma is None  # cleaned up all the same


def test_the_policy_lowers_it_to_a_line(caplog):
    watch = Watch("Signal 1", "warn")
    watch.saw({"output": [torch.zeros(1, 2)]})
    watch.finish(link().signal)
    assert "Signal 1: its control net ran but gave nothing" in caplog.text


@pytest.mark.parametrize("layers", [[1.0, 0.0], [0.0, 1.0]])
def test_a_signal_that_acts_in_any_layer_is_no_error(layers):
    watch = Watch("Signal 1")
    for _ in range(2):
        watch.saw({"output": [torch.full((1, 2), value) for value in layers]})
    watch.finish(link().signal)


def test_a_signal_that_never_ran_is_no_error():
    """The first of two samplers in a row may stop before the signal begins."""
    made = link(start=0.9)
    assert call(made, sigma=500.0) is None and not seen(made)  # and costs nothing
    made.cleanup()


def test_an_interrupted_sampling_leaves_nothing_for_the_next():
    made = link()
    made.inner.get_control = lambda *_: {"input": [], "output": [torch.zeros(2, 4, 8, 8)], "middle": []}
    call(made)  # interrupted: no cleanup
    made.pre_run(made._model, made._percent_to_sigma)
    made.cleanup()
