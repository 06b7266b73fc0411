"""Fun control of FLUX.2 against the blocks of diffusers, put together as its authors' code does."""

from __future__ import annotations

from typing import Any

import folder_paths
import pytest
import torch
from armature_pack.models.control.apply import apply_stack
from armature_pack.models.control.loading import load_control_net
from armature_pack.models.control.model_patch.flux2_fun import encoded_context, load_flux2_fun
from armature_pack.models.control.signal import ControlSignal
from armature_pack.models.control.stack import ControlStack
from armature_pack.models.guidance.curve import Curve
from armature_pack.tests.models.control.sampling import picture
from diffusers.models.transformers.transformer_flux2 import Flux2PosEmbed, Flux2TransformerBlock
from safetensors.torch import save_file
from small_transformers import Case, flux2_fun_weights, model, model_patch, prompt, sampled

CASE = Case("flux2", "flux2")
SHAPE = CASE.shape()


class Reference:
    """The authors' branch on diffusers' own blocks, run by the host through its public replacement of blocks."""

    def __init__(self, weights: dict[str, torch.Tensor], context: torch.Tensor, strength: float) -> None:
        self.weights = weights
        self.context = context
        self.strength = strength
        self.blocks = []
        for number in range(2):
            stem = f"control_transformer_blocks.{number}."
            own = {name[len(stem) :]: value for name, value in weights.items() if name.startswith(stem)}
            block: Any = Flux2TransformerBlock(64, 2, 32)
            block.load_state_dict({name: value for name, value in own.items() if "_proj" not in name or "add_" in name})
            self.blocks.append(block.eval())
        self.rotary = Flux2PosEmbed(2000, [8, 8, 8, 8])
        self.hints: list[torch.Tensor] = []

    def linear(self, name: str, x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.linear(x, self.weights[f"{name}.weight"], self.weights[f"{name}.bias"])

    def all_hints(self, given: dict[str, Any]) -> list[torch.Tensor]:
        picture_tokens, text = given["img"], given["txt"]
        rows, columns = SHAPE[-2:]
        references = picture_tokens.shape[1] // (rows * columns)
        # as the authors number places: (picture, row, column, word)
        image_ids = torch.cat(
            [
                torch.cartesian_prod(*(torch.tensor(one) for one in ([10 * one], range(rows), range(columns), [0])))
                for one in range(references)
            ]
        )
        text_ids = torch.zeros(text.shape[1], 4)
        text_ids[:, 3] = torch.arange(text.shape[1])
        rotary = self.rotary(torch.cat((text_ids, image_ids)))
        missing = picture_tokens.shape[1] - self.context.shape[1]
        context = torch.nn.functional.pad(self.context, (0, 0, 0, missing)).expand(picture_tokens.shape[0], -1, -1)
        tokens = self.linear("control_transformer_blocks.0.before_proj", self.linear("control_img_in", context))
        tokens = tokens + picture_tokens
        # diffusers takes a block's six numbers in one row: shift, scale, gate, and again
        image_mod, text_mod = (
            torch.cat([part for one in both for part in (one.shift, one.scale, one.gate)], -1) for both in given["vec"]
        )
        hints = []
        for number, block in enumerate(self.blocks):
            text, tokens = block(tokens, text, image_mod, text_mod, image_rotary_emb=rotary)
            hints.append(self.linear(f"control_transformer_blocks.{number}.after_proj", tokens))
        return hints

    def __call__(self, given: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
        index = given["transformer_options"]["block_index"]
        if index == 0:
            self.hints = self.all_hints({**given, "img": given["img"].clone(), "txt": given["txt"].clone()})
        out = extra["original_block"](given)
        return out if index % 2 else {**out, "img": out["img"] + self.hints[index // 2] * self.strength}


def by_reference(context: torch.Tensor, strength: float, seed: int = 1) -> Any:
    patched = model("flux2").clone()
    reference = Reference(flux2_fun_weights(seed), context, strength)
    for index in range(4):
        patched.set_model_patch_replace(reference, "dit", "double_block", index)
    return patched


def context_of(image: Any, painted: Any = None, mask: Any = None) -> torch.Tensor:
    return encoded_context(image, painted, mask, CASE.vae, model("flux2").model)


def stacked(*signals: ControlSignal, **conditioning: Any) -> tuple[Any, Any]:
    positive, negative = ([[one[0][0], dict(conditioning)]] for one in (prompt("flux2", 1), prompt("flux2", 2)))
    applied = apply_stack(positive, negative, ControlStack(signals), vae=CASE.vae)
    return applied.positive, applied.negative


def signal(image: torch.Tensor, **settings: Any) -> ControlSignal:
    return ControlSignal(model_patch("flux2"), image, **settings)


def close(one: torch.Tensor, other: torch.Tensor) -> bool:
    return float((one - other).abs().max()) < 4e-6 * float(other.abs().max())


@pytest.mark.parametrize("cfg", [1.0, 2.0])
def test_it_adds_what_the_authors_code_adds(cfg):
    image = picture(3, 64, 64)
    ours = sampled(model("flux2"), *stacked(signal(image, weight=0.7)), SHAPE, cfg=cfg)
    reference = by_reference(context_of(image), 0.7)
    theirs = sampled(reference, prompt("flux2", 1), prompt("flux2", 2), SHAPE, cfg=cfg)
    without = sampled(model("flux2"), prompt("flux2", 1), prompt("flux2", 2), SHAPE, cfg=cfg)
    assert close(ours, theirs) and float((theirs - without).abs().max()) > 0.01


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_in_half_precision_it_adds_the_same_up_to_rounding(dtype):
    image, conds = picture(3, 64, 64), (prompt("flux2", 1), prompt("flux2", 2))
    full, half = model("flux2"), model("flux2", dtype)
    changes = [
        sampled(base, *stacked(signal(image, weight=0.7)), SHAPE) - sampled(base, *conds, SHAPE)
        for base in (full, half)
    ]
    assert changes[1].isfinite().all()
    assert float((changes[0] - changes[1]).norm()) < 0.1 * float(changes[0].norm())


def test_pictures_of_reference_have_no_map():
    image = picture(3, 64, 64)
    references = [torch.randn(1, *SHAPE[1:], generator=torch.Generator().manual_seed(9))]
    ours = sampled(model("flux2"), *stacked(signal(image, weight=0.7), reference_latents=references), SHAPE)
    bare = [[[one[0][0], {"reference_latents": references}]] for one in (prompt("flux2", 1), prompt("flux2", 2))]
    theirs = sampled(by_reference(context_of(image), 0.7), *bare, SHAPE)
    assert close(ours, theirs) and not close(ours, sampled(model("flux2"), *stacked(signal(image, weight=0.7)), SHAPE))


def test_mask_curve_zero_two_signals_and_one_prompt_alone():
    image, other = picture(3, 64, 64), picture(4, 64, 64)
    bare = prompt("flux2", 1), prompt("flux2", 2)
    without = sampled(model("flux2"), *bare, SHAPE)

    def run(*signals: ControlSignal) -> torch.Tensor:
        return sampled(model("flux2"), *stacked(*signals), SHAPE)

    full = run(signal(image, weight=0.7))
    assert close(run(signal(image, weight=0.7, mask=torch.ones(1, 64, 64))), full)
    assert torch.equal(run(signal(image, weight=0.7, mask=torch.zeros(1, 64, 64))), without)
    assert torch.equal(run(signal(image, weight=0.7, schedule=Curve.from_text("0:0"))), without)
    assert torch.equal(
        run(signal(image, weight=0.7, schedule=Curve.from_text("0:0.5"))), run(signal(image, weight=0.35))
    )
    left = torch.zeros(1, 64, 64)
    left[..., :32] = 1
    change = (run(signal(image, weight=0.7, mask=left)) - without).abs().amax((0, 1, 2))
    assert float(change[:2].max()) > 2 * float(change[2:].max())
    both = run(signal(image, weight=0.5), signal(other, weight=0.5))
    assert not torch.equal(both, full) and close(both, run(signal(other, weight=0.5), signal(image, weight=0.5)))
    positive, _ = stacked(signal(image, weight=0.7))
    one = sampled(model("flux2"), positive, bare[1], SHAPE)
    assert not torch.equal(one, full) and not torch.equal(one, without)
    assert torch.equal(sampled(model("flux2"), *bare, SHAPE), without)  # the MODEL is never changed


def test_a_batch_has_a_map_for_each_picture():
    batch = picture(6, 64, 64, batch=3)
    each = sampled(model("flux2"), *stacked(signal(batch, weight=0.7)), CASE.shape(3))
    alone = sampled(model("flux2"), *stacked(signal(batch[1:2], weight=0.7)), CASE.shape(3))
    assert close(each[1], alone[1])


def test_replacements_of_the_same_blocks_by_others_stay():
    patched = model("flux2").clone()
    seen = []

    def other(given: Any, extra: Any) -> Any:
        seen.append(given["transformer_options"]["block_index"])
        return extra["original_block"](given)

    patched.set_model_patch_replace(other, "dit", "double_block", 2)
    image = picture(3, 64, 64)
    ours = sampled(patched, *stacked(signal(image, weight=0.7)), SHAPE, steps=1)
    assert set(seen) == {2}
    assert torch.equal(ours, sampled(model("flux2"), *stacked(signal(image, weight=0.7)), SHAPE, steps=1))


def test_inpainting_cuts_the_place_out_and_tells_where_it_is():
    """Cells of two by two, 1 where the picture is kept; what is painted into is grey in the place itself."""
    photograph, place = picture(4, 64, 64), torch.zeros(1, 64, 64)
    place[:, 16:48, 16:40] = 1
    context = context_of(None, photograph, place)
    assert context.shape == (1, 16, 260) and not context[..., :128].any()
    cells = context[..., 128:132].reshape(4, 4, 2, 2)  # row, column, row in it, column in it
    small = 1 - place[0, ::8, ::8]
    assert torch.equal(cells.permute(0, 2, 1, 3).reshape(8, 8), small)
    grey = torch.where(place[..., None] > 0, 0.5, photograph)
    assert torch.equal(context[..., 132:], context_of(grey)[..., :128])
    assert not context_of(photograph)[..., 128:].any()  # no mask tells of no place

    ours = sampled(model("flux2"), *stacked(signal(photograph, weight=0.7, inpaint_mask=place)), SHAPE)
    assert close(ours, sampled(by_reference(context, 0.7), prompt("flux2", 1), prompt("flux2", 2), SHAPE))
    edges = picture(3, 64, 64)
    ours = sampled(
        model("flux2"), *stacked(signal(edges, weight=0.7, inpaint_mask=place, inpaint_image=photograph)), SHAPE
    )
    both = by_reference(context_of(edges, photograph, place), 0.7)
    assert close(ours, sampled(both, prompt("flux2", 1), prompt("flux2", 2), SHAPE))


def test_a_file_is_loaded_by_its_header_from_either_folder(tmp_path, monkeypatch):
    for name in ("controlnet", "model_patches"):
        (tmp_path / name).mkdir()
        monkeypatch.setitem(folder_paths.folder_names_and_paths, name, ([str(tmp_path / name)], {".safetensors"}))
        save_file(flux2_fun_weights(), tmp_path / name / f"fun_{name}.safetensors")
    folder_paths.filename_list_cache.clear()
    for name in ("controlnet", "model_patches"):
        net = load_control_net(f"fun_{name}.safetensors")
        assert net.family == "flux2" and "FLUX.2 Fun" in net.who
    cut = flux2_fun_weights()
    del cut["control_transformer_blocks.1.attn.to_k.weight"]
    save_file(cut, tmp_path / "controlnet" / "cut.safetensors")
    folder_paths.filename_list_cache.clear()
    with pytest.raises(ValueError, match="'cut.safetensors' cannot be loaded.*to_k"):
        load_control_net("cut.safetensors")


@pytest.mark.parametrize("scale", ["scale_weight", "weight_scale"])
def test_scaled_numbers_are_not_taken_for_the_weights(scale):
    """Files of fp8 with a scale beside each layer, as the host packs them for its own models."""
    weights = flux2_fun_weights()
    small = {name: value.to(torch.float8_e4m3fn) if value.ndim == 2 else value for name, value in weights.items()}
    load_flux2_fun(small)
    scales = {name.replace("weight", scale): torch.tensor(3.0) for name, value in weights.items() if value.ndim == 2}
    with pytest.raises(ValueError, match=f"{scale} is not read"):
        load_flux2_fun(small | scales)


def test_another_model_is_refused_before_the_first_step():
    from armature_pack.models.control.model_patch.flux2_fun import load_flux2_fun

    for weights, told in ((flux2_fun_weights(blocks=3), "has 3 blocks"), (flux2_fun_weights(width=32), "32 wide")):
        control = ControlSignal(load_flux2_fun(weights), picture(3, 64, 64))
        with pytest.raises(ValueError, match=told):
            sampled(model("flux2"), *stacked(control), SHAPE)
