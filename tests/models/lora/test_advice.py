"""Where a LoRA does not act: whether what the message says to do would help."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from armature_pack.models.files.families import find_family
from armature_pack.nodes.lora import ArmatureApplyLoRAStack, ArmatureLoRAOptions
from lora_recipes import diffusers_layers, kohya, lora, peft_wrapped, text_lora
from safetensors.torch import save_file


@pytest.fixture
def told(monkeypatch) -> list[str]:
    """What was told to the person while the test ran."""
    from armature_pack.models.lora import apply

    found: list[str] = []
    monkeypatch.setattr(apply, "tell", found.append)
    return found


@pytest.fixture
def run(folder):
    """Apply LoRA Stack with one file of these weights: (model, clip, report)."""

    def apply(model: Any, weights: dict[str, torch.Tensor], *strengths: float, **inputs: Any) -> tuple[Any, Any, str]:
        save_file(weights, folder / "one.safetensors")
        clip = inputs.pop("clip", None)
        on_model, on_clip = strengths or (0.8, 0.8)
        done = ArmatureApplyLoRAStack.execute(model, clip, [("one.safetensors", on_model, on_clip)], **inputs)
        return done.args[:3]

    return apply


def wide_text_lora() -> dict[str, torch.Tensor]:
    """For the second text encoder of SDXL."""
    return {
        f"lora_te2_text_model_encoder_layers_{i}_self_attn_q_proj.lora_{side}.weight": torch.ones(shape)
        for i in range(4)
        for side, shape in (("up", (1280, 4)), ("down", (4, 1280)))
    }


# For the text encoder ---------------------------------------------------------------------------------------------


def test_a_lora_for_the_text_encoder_alone_wants_clip(sd15, clip, run, told) -> None:
    with pytest.raises(ValueError, match="clip is not linked") as refused:
        run(sd15, text_lora())
    assert "Link clip" in str(refused.value) and "checkpoint" not in str(refused.value)
    _, patched, _ = run(sd15, text_lora(), clip=clip)  # what was advised helps
    assert len(patched.patcher.patches) == 4 and not told
    run(sd15, text_lora(), minimum_match=0.0)
    assert len(told) == 1 and "Link clip" in told[0]


def test_names_of_peft_for_the_text_encoder_want_clip_too(sd15, clip, run) -> None:
    layers = {f"text_encoder.text_model.encoder.layers.{i}.self_attn.q_proj": (768, 768) for i in range(4)}
    weights = lora(layers, lambda layer, side: peft_wrapped(layer, side).replace("unet.", ""))
    with pytest.raises(ValueError, match="Link clip"):
        run(sd15, weights)
    assert len(run(sd15, weights, clip=clip)[1].patcher.patches) == 4


def test_a_lora_mostly_for_the_text_encoder_wants_clip(sd15, clip, run) -> None:
    weights = text_lora() | lora({"nowhere.to_q": (8, 8)}, kohya)
    with pytest.raises(ValueError, match=r"8 of its 10 tensors") as refused:
        run(sd15, weights)
    assert "Link clip" in str(refused.value)
    assert len(run(sd15, weights, clip=clip)[1].patcher.patches) == 4


def test_clip_is_not_advised_where_it_would_not_help(sd15, sdxl, clip, run) -> None:
    """A common LoRA, its layers for the text encoder beside more for a model of another family."""
    weights = lora(diffusers_layers(sd15, ".attn2.to_k"), kohya) | text_lora()
    with pytest.raises(ValueError, match="Load a checkpoint for SD 1.5") as refused:
        run(sdxl, weights, minimum_match=0.15)
    assert "clip" not in str(refused.value)
    with pytest.raises(ValueError, match="Load a checkpoint for SDXL and link its clip"):
        run(sd15, wide_text_lora())
    with pytest.raises(ValueError, match="linked clip") as refused:
        run(sdxl, wide_text_lora(), clip=clip)
    assert "clip of a checkpoint for SDXL" in str(refused.value)


# Of another family, of another size -------------------------------------------------------------------------------


def test_the_family_that_the_header_tells_is_named(sd15, sdxl, run) -> None:
    weights = lora(diffusers_layers(sd15, ".attn2.to_k"), kohya)
    with pytest.raises(ValueError, match="Load a checkpoint for SD 1.5, or a LoRA made for SDXL") as refused:
        run(sdxl, weights)
    assert "minimum_match" not in str(refused.value)  # nothing of it fits: lowering it brings nothing
    assert find_family("sd15").title == "SD 1.5"


def test_a_checkpoint_of_its_family_is_not_advised_where_it_is_loaded(sd15, run) -> None:
    layers = diffusers_layers(sd15, ".attn2.to_k")
    wide = {name: (2 * out, 768) for name, (out, _) in layers.items()}
    with pytest.raises(ValueError, match="that it was trained on") as refused:
        run(sd15, lora(wide, kohya))
    assert "The model is for SD 1.5 too" in str(refused.value)
    foreign = {f"other.{name}": shape for name, shape in layers.items()}
    with pytest.raises(ValueError, match="lora_unet_other_down_blocks"):
        run(sd15, lora(foreign, kohya))


def test_an_unknown_family_is_said_to_be_unknown(sd15, run) -> None:
    wrong: dict[str, tuple[int, int]] = dict.fromkeys(diffusers_layers(sd15), (999, 16))
    with pytest.raises(ValueError, match="does not tell") as refused:
        run(sd15, lora(wrong, kohya))
    assert "of its family" not in str(refused.value)


def test_the_share_that_is_advised_is_one_that_applies(sd15, run) -> None:
    layers = diffusers_layers(sd15)
    wrong = dict.fromkeys(list(layers)[:20], (64, 999))
    with pytest.raises(ValueError, match="lower minimum_match to") as refused:
        run(sd15, lora(layers | wrong, kohya))
    advised = float(str(refused.value).rpartition("lower minimum_match to ")[2].split()[0].rstrip(".,"))
    model, _, _ = run(sd15, lora(layers | wrong, kohya), minimum_match=advised)
    assert len(model.patches) == len(layers) - 20


# Strengths --------------------------------------------------------------------------------------------------------


def test_a_strength_of_0_where_the_layers_are_is_told(sd15, clip, run, told) -> None:
    network = lora(diffusers_layers(sd15), kohya)
    for weights, strengths, linked, name in (
        (network, (0.0, 0.8), clip, "strength_model"),
        (text_lora(), (0.8, 0.0), clip, "strength_clip"),
        (network, (0.0, 0.8), None, "strength_model"),
    ):
        model, text, _ = run(sd15, weights, *strengths, clip=linked)
        assert model is sd15 and text is linked and len(told) == 1 and name in told.pop()
    run(sd15, network, 0.0, 0.8)
    assert "link clip" in told.pop()  # its strength on the text encoder is not 0
    run(sd15, network | text_lora(), 0.0, 0.8, clip=clip)
    run(sd15, network, 0.8, 0.0, clip=clip)
    assert not told


def test_a_curve_that_is_0_throughout_is_told(sd15, run, told) -> None:
    options = ArmatureLoRAOptions.execute("one.safetensors", schedule="0:0, 1:0").args[0]
    model, _, _ = run(sd15, lora(diffusers_layers(sd15), kohya), options=options)
    assert model is sd15 and len(told) == 1 and "schedule" in told[0]


# Options ----------------------------------------------------------------------------------------------------------


def test_options_of_a_lora_that_is_switched_off_say_so(sd15, run) -> None:
    options = ArmatureLoRAOptions.execute("other.safetensors", "middle: 0").args[0]
    with pytest.raises(ValueError, match="switched off") as refused:
        run(sd15, lora(diffusers_layers(sd15), kohya), options=options)
    assert "unlink" in str(refused.value)


def test_blocks_that_it_does_not_touch_name_the_input(sd15, clip, run) -> None:
    options = ArmatureLoRAOptions.execute("one.safetensors", "output.40: 1").args[0]
    for weights, words in ((lora(diffusers_layers(sd15), kohya), "Change"), (text_lora(), "Clear")):
        with pytest.raises(ValueError, match=f"{words} block_weights of its LoRA Options"):
            run(sd15, weights, clip=clip, options=options)
