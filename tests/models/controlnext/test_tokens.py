"""ControlNeXt on transformers, sampled with files as training writes them: what is added, where, and what stays as it is."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any

import comfy.model_management
import comfy.sample
import numpy as np
import pytest
import torch
from armature_pack.models.controlnext.loading import control_from_state_dict
from armature_pack.models.files.layouts.controlnext import STEM, TOKENS, detect
from armature_pack.tests.models.training.small_bases import BASES, base_model
from controlnext_recipes import control_weights
from public_path import by_host_node, by_stack, loaded, node
from trained_files import write, zero_convolution

WIDTHS = {"sd3": 128, "flux": 64, "z_image": 256, "qwen_image": 64}
TEXT = 5  # tokens
bases = pytest.mark.parametrize("base", BASES)


def file_for(folder: Any, base: str, **says: Any) -> str:
    return write(folder, TOKENS.of(WIDTHS[base]), **{"variant": f"tokens_{base}", "base": base, **says})


def prompts(base: str, references: int = 0, lengths: tuple[int, int] = (TEXT, TEXT)) -> tuple[Any, Any]:
    dice = torch.Generator().manual_seed(2)
    made = []
    for tokens in lengths:
        more: dict[str, Any] = {"pooled_output": torch.randn(1, 16, generator=dice)} if base in ("sd3", "flux") else {}
        if references:
            shape = (1, 16, 1, 4, 6) if base == "qwen_image" else (1, 16, 4, 6)
            more["reference_latents"] = [torch.randn(shape, generator=dice) for _ in range(references)]
        made.append([[torch.randn(1, tokens, 32, generator=dice), more]])
    return made[0], made[1]


def map_image(size: tuple[int, int], count: int = 1) -> torch.Tensor:
    return torch.rand(count, size[0] * 8, size[1] * 8, 3, generator=torch.Generator().manual_seed(4))


def sampled(
    base: str, conds: Any, size: tuple[int, int] = (6, 8), count: int = 1, steps: int = 1, model: Any = None
) -> torch.Tensor:
    shape = (count, 16, 1, *size) if base == "qwen_image" else (count, 16, *size)
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(5))
    positive, negative = conds
    return comfy.sample.sample(
        model or base_model(base), noise, steps, 3.0, "euler", "simple", positive, negative, torch.zeros_like(noise), seed=5,
        disable_pbar=True,
    )  # fmt: skip


Tokens = tuple[torch.Tensor, torch.Tensor]


@contextmanager
def seen(base: str):
    """(text, picture) tokens that came out of the first block, and that went into the second, of each call."""
    network = base_model(base).model.diffusion_model
    names = {"sd3": "joint_blocks", "flux": "double_blocks", "z_image": "layers", "qwen_image": "transformer_blocks"}
    out: list[Tokens] = []
    into: list[Tokens] = []

    def keep(kept: list[Tokens], first: Any, second: Any = None) -> None:
        text, picture = (first[:, :32], first[:, 32:]) if second is None else (first, second)
        kept.append((text.clone(), picture.clone()))

    def behind(_block: Any, _args: Any, made: Any) -> None:
        if base == "z_image":
            keep(out, made)
        else:
            keep(out, *(reversed(made) if base == "flux" else made))

    def before(_block: Any, args: Any, named: Any) -> None:
        if base in ("sd3", "z_image"):
            keep(into, *(args[:2] if base == "sd3" else args[:1]))
        else:
            keep(into, *((named["txt"], named["img"]) if base == "flux" else _of_qwen(named)))

    blocks = getattr(network, names[base])
    hooks = [
        blocks[0].register_forward_hook(behind),
        blocks[1].register_forward_pre_hook(before, with_kwargs=True),
    ]
    try:
        yield out, into
    finally:
        for hook in hooks:
            hook.remove()


def _of_qwen(named: Any) -> Tokens:
    return named["encoder_hidden_states"], named["hidden_states"]


def expected(base: str, picture: torch.Tensor, maps: torch.Tensor, size: tuple[int, int], form: str) -> np.ndarray:
    """What is to be added to the picture's tokens [B,N,C], written out. maps: [B,H,W,3], at the latent's size."""
    net = control_from_state_dict(control_weights(TOKENS.of(WIDTHS[base])), "reference")
    cells = net.network.module(maps.movedim(-1, 1), torch.tensor([1000.0])).double().numpy()
    rows, columns = -(-size[0] // 2), -(-size[1] // 2)
    tokens = np.zeros((len(cells), rows * columns, cells.shape[1]))
    for row in range(rows):
        for column in range(columns):
            # A patch that hangs over the edge repeats the last cells.
            down = [min(2 * row + step, size[0] - 1) for step in (0, 1)]
            right = [min(2 * column + step, size[1] - 1) for step in (0, 1)]
            tokens[:, row * columns + column] = cells[:, :, down][..., right].mean((-2, -1))
    if form == "plain":
        return tokens
    hidden = picture[:, : rows * columns].double().numpy()
    made = []
    for one, other in zip(tokens, hidden, strict=True):
        made.append((one - one.mean()) / one.std(ddof=1) * other.std(ddof=1) + other.mean())
    return np.stack(made)


@pytest.mark.parametrize(
    ("size", "count", "maps", "form"),
    [((6, 8), 1, 1, "cross normalization"), ((7, 5), 2, 2, "plain"), ((5, 7), 2, 1, "cross normalization")],
)
@bases
def test_the_map_is_added_to_the_pictures_tokens_and_to_nothing_else(folder, base, size, count, maps, form) -> None:
    net = loaded(file_for(folder, base, addition=form))
    image = map_image(size, maps)
    # References stand behind the picture's tokens; Z-Image pads these to 32, and its references stand before.
    conds = by_stack(*prompts(base, int(base in ("flux", "qwen_image"))), net, image, 0.7)
    with seen(base) as (out, into):
        sampled(base, conds, size, count)
    (text, picture), (text_after, picture_after) = out[0], into[0]
    tokens = -(-size[0] // 2) * -(-size[1] // 2)
    assert picture.shape[1] > tokens or base == "sd3"
    assert torch.equal(text_after, text) and torch.equal(picture_after[:, tokens:], picture[:, tokens:])
    assert picture.shape[0] == 2 * count  # both halves of the guidance in one batch
    image = image.expand(count, -1, -1, -1).repeat(2, 1, 1, 1)
    added = (picture_after - picture)[:, :tokens].double().numpy()
    wanted = 0.7 * expected(base, picture, image, size, form)
    assert np.abs(added - wanted).max() < 2e-4 * max(np.abs(wanted).max(), float(picture.abs().max()))


@bases
def test_halves_of_the_guidance_that_run_apart_get_the_map_once_each(folder, base) -> None:
    net, image = loaded(file_for(folder, base, addition="plain")), map_image((6, 8))
    wanted = expected(base, torch.zeros(0), image, (6, 8), "plain")
    with seen(base) as (out, into):
        sampled(base, by_host_node(*prompts(base, lengths=(5, 7)), net, image, 1.0))
    assert len(out) == len(into) == 2
    for before, after in zip(out, into, strict=True):
        added = (after[1] - before[1])[:, :12].double().numpy()
        assert np.abs(added - wanted).max() < 1e-4 * float(before[1].abs().max())


@bases
def test_weight_range_and_mask_act(folder, base) -> None:
    net = loaded(file_for(folder, base))
    image, without = map_image((6, 8)), sampled(base, prompts(base), steps=2)
    for apply, settings in ((by_stack, {}), (by_host_node, {})):
        assert torch.equal(sampled(base, apply(*prompts(base), net, image, 0.0, **settings), steps=2), without)
        assert not torch.allclose(sampled(base, apply(*prompts(base), net, image, 1.0), steps=2), without, atol=1e-3)
    # By the host's node it is the same.
    both = [sampled(base, apply(*prompts(base), net, image, 0.8)) for apply in (by_stack, by_host_node)]
    assert torch.equal(*both)
    with seen(base) as (out, into):
        sampled(base, by_stack(*prompts(base), net, image, 1.0, end_percent=0.5, range_of="steps"), steps=2)
    assert [torch.equal(a[1], b[1]) for a, b in zip(out, into, strict=True)] == [False, True]
    mask = torch.zeros(1, 48, 64)
    mask[:, :, :32] = 1
    with seen(base) as (out, into):
        sampled(base, by_stack(*prompts(base), net, image, 1.0, mask=mask))
    changed = (out[0][1] != into[0][1]).any(2)[:, :12].unflatten(1, (3, 4))
    assert changed[:, :, :2].all() and not changed[:, :, 2:].any()


@pytest.mark.parametrize("base", ["flux", "qwen_image"])
def test_a_saving_keeps_the_map_over_several_steps(folder, base) -> None:
    net = loaded(file_for(folder, base, addition="plain"))
    signal = node("ArmatureControlSignal").execute(net, map_image((6, 8)), weight=1.0).args[0]
    stack = node("ArmatureControlStack").execute(signals={"signal_0": signal}).args[0]
    for every, kept in ((1, False), (2, True)):
        saving = node("ArmatureControlSavings").execute(False, every, 1.0).args[0]
        conds = node("ArmatureApplyControlStack").execute(*prompts(base), stack, savings=saving).args[:2]
        with seen(base) as (out, into):
            sampled(base, conds, steps=2)
        first, second = ((b[1] - a[1])[:, :12] for a, b in zip(out, into, strict=True))
        assert torch.allclose(first, second, atol=1e-4) == kept


@bases
def test_others_in_the_same_block_are_kept_and_nothing_is_left_behind(folder, base) -> None:
    net = loaded(file_for(folder, base))
    image, calls = map_image((6, 8)), []
    model = base_model(base).clone()

    def replaced(given: Any, extra: Any) -> Any:
        calls.append("block")
        made = extra["original_block"](given)
        return {**made, "img": made["img"] + 1}

    def behind(given: Any) -> Any:
        if given["block_index"] == 0:
            calls.append("block")
            return {"img": given["img"] + 1, "txt": given["txt"]}
        return {"img": given["img"], "txt": given["txt"]}

    if base in ("sd3", "flux"):
        model.set_model_patch_replace(replaced, "dit", "double_block", 0)
    else:
        model.set_model_patch(behind, "double_block")
    options = repr(model.model_options)
    before = sampled(base, prompts(base), model=model)
    first = by_stack(*prompts(base), net, image, 0.5)
    calls.clear()
    with seen(base) as (out, into):
        twice = sampled(base, by_host_node(first[0], first[1], net.copy(), image, 0.5), model=model)
    assert calls == ["block"]
    # Both controls are added: the second to what the first made of it.
    assert not torch.allclose(sampled(base, first, model=model), twice, atol=1e-3)
    assert float((into[0][1] - out[0][1])[:, :12].mean()) > 0.5
    comfy.model_management.interrupt_current_processing(True)
    with pytest.raises(comfy.model_management.InterruptProcessingException):
        sampled(base, first, model=model)
    assert repr(model.model_options) == options and torch.equal(sampled(base, prompts(base), model=model), before)


def test_a_model_of_another_base_or_width_is_told_before_the_first_step(folder) -> None:
    calls: list[Any] = []
    model = base_model("qwen_image").clone()
    model.set_model_unet_function_wrapper(
        lambda apply, given: calls.append(1) or apply(given["input"], given["timestep"], **given["c"])
    )
    net = loaded(file_for(folder, "flux"))
    with pytest.raises(ValueError, match=r"'a\.safetensors' is for Flux.* but the model being sampled is Qwen-Image"):
        sampled("qwen_image", by_stack(*prompts("qwen_image"), net, map_image((6, 8)), 1.0), model=model)
    name = write(folder, TOKENS.of(96), name="b.safetensors", variant="tokens_qwen_image")
    with pytest.raises(ValueError, match="makes maps of 96 channels, but the model being sampled has 64"):
        sampled("qwen_image", by_host_node(*prompts("qwen_image"), loaded(name), map_image((6, 8)), 1.0), model=model)
    name = write(folder, STEM, name="c.safetensors", variant="sdxl")
    with pytest.raises(ValueError, match=r"needs SDXL, but the model being sampled is Qwen-Image"):
        sampled("qwen_image", by_host_node(*prompts("qwen_image"), loaded(name), map_image((6, 8)), 1.0), model=model)
    assert not calls


def test_a_zero_convolution_is_read_and_any_width_is_told_from_the_published_ones(folder) -> None:
    layout = TOKENS.of(64)
    assert detect(layout.shapes()) == layout and detect(STEM.shapes()) is STEM
    assert detect(TOKENS.of(2432).shapes(True)).out_channels == 2432
    name = write(folder, layout, zero_convolution(layout), variant="tokens_flux")
    net = loaded(name)
    assert net.addition == "plain" and [one.name for one in net.network.variants] == ["tokens_flux"]
    # A file that says nothing of itself is for the base that is sampled.
    net = loaded(write(folder, layout, name="b.safetensors"))
    made = sampled("flux", by_host_node(*prompts("flux"), net, map_image((6, 8)), 1.0))
    assert not torch.equal(made, sampled("flux", prompts("flux")))
    with pytest.raises(ValueError, match="Set variant to auto, or choose another file"):
        loaded(name, variant="sdxl")
