"""A stack of LoRAs: names, fit, report, block weights, curves, and the form that packs share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import comfy.hooks
import comfy.sd
import pytest
import torch
from armature_pack.models.guidance.curve import Curve
from armature_pack.models.lora.scheduling import keyframes
from armature_pack.nodes.lora import ArmatureApplyLoRAStack, ArmatureLoRAOptions, ArmatureLoRAStack
from armature_pack.tests.alike import alike, assert_alike
from comfy_extras.nodes_hooks import SetClipHooks
from ip_adapter_recipes import sampled
from lora_recipes import diffusers_layers, kohya, lora, peft, peft_bare, peft_wrapped, processor, text_lora
from safetensors.torch import save_file

NAMES = {"kohya": kohya, "peft": peft, "peft_wrapped": peft_wrapped, "peft_bare": peft_bare, "processor": processor}


def save(folder: Path, weights: dict[str, torch.Tensor], name: str = "one", **metadata: str) -> str:
    save_file(weights, folder / f"{name}.safetensors", metadata)
    return f"{name}.safetensors"


def stacked(*rows: Any) -> Any:
    stack = None
    for row in rows:
        stack = ArmatureLoRAStack.execute(*row, lora_stack=stack).args[0]
    return stack


def applied(model: Any, stack: Any, clip: Any = None, **inputs: Any) -> tuple[Any, Any, str, Any]:
    return ArmatureApplyLoRAStack.execute(model, clip, stack, **inputs).args


# Names and fit ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_names_of_all_tools_come_to_the_same(name, family, folder, request) -> None:
    model = request.getfixturevalue(family)
    layers = diffusers_layers(model) | diffusers_layers(model, ".to_out.0")
    if name == "processor":
        layers = diffusers_layers(model)
    file = save(folder, lora(layers, NAMES[name]))
    patched, _, report, _ = applied(model, stacked((file, 0.7, 0.0)))
    reference: Any = comfy.sd.load_lora_for_models(model, None, lora(layers, kohya), 0.7, 0.0)[0]
    assert f"Used: {2 * len(layers)} of {2 * len(layers)} tensors" in report
    assert set(patched.patches) == set(reference.patches)
    if family == "sd15":
        assert torch.equal(sampled(patched), sampled(reference))


def test_pefts_alpha_from_the_metadata(sd15, folder) -> None:
    layers = diffusers_layers(sd15)
    told = json.dumps({"unet.lora_alpha": 8, "unet.r": 4})
    doubled = applied(sd15, stacked((save(folder, lora(layers, peft), lora_adapter_metadata=told), 0.4)))[0]
    plain = applied(sd15, stacked((save(folder, lora(layers, peft), "plain"), 0.8)))[0]
    assert_alike(sampled(doubled), sampled(plain))


def test_a_lora_of_another_family_is_named(sd15, sdxl, folder) -> None:
    file = save(folder, lora(diffusers_layers(sd15, ".attn2.to_k"), kohya), "sd15")
    with pytest.raises(
        ValueError, match=r"'sd15.safetensors' \(LoRA for SD 1.5, model\) does not fit the model \(SDXL\)"
    ):
        applied(sdxl, stacked((file,)))
    model, _, report, _ = applied(sdxl, stacked((file,)), minimum_match=0.0)
    assert "Used: 0 of" in report and not model.patches


def test_same_names_of_another_shape_are_left_out_and_told(sd15, folder) -> None:
    layers = diffusers_layers(sd15)
    wrong = dict.fromkeys(list(layers)[:3], (64, 999))
    model, _, report, _ = applied(sd15, stacked((save(folder, lora(layers | wrong, kohya)),)))
    assert len(model.patches) == len(layers) - 3
    assert "Of another shape than the model's weights (of another family or size): 3 layers" in report
    with pytest.raises(ValueError, match="wanted are 100%"):
        applied(sd15, stacked(("one.safetensors",)), minimum_match=1.0)


def test_the_report(sd15, clip, folder) -> None:
    layers = diffusers_layers(sd15, ".attn2.to_k")
    weights = lora(layers | {"nowhere.to_q": (8, 8)}, kohya) | text_lora()
    file = save(folder, weights, "style", ss_base_model_version="sd_v1", **{"modelspec.trigger_phrase": "papercut"})
    report = applied(sd15, stacked((file,)))[2]
    assert "style.safetensors: LoRA for SD 1.5" in report and "rank 4; trigger words: papercut" in report
    assert "Without a place in this model: 1 layers (lora_unet_nowhere_to_q)" in report
    assert "For the text encoder, and clip is not linked: 4 layers" in report
    _, patched, report, _ = applied(sd15, stacked((file,)), clip)
    assert "and 4 of the text encoder" in report and len(patched.patcher.patches) == 4 and not clip.patcher.patches


def test_the_cases_with_nothing_to_do(sd15, clip, folder) -> None:
    model, text, report, hooks = applied(sd15, None, clip)
    assert model is sd15 and text is clip and hooks is None and "stack is empty" in report
    file = save(folder, lora(diffusers_layers(sd15), kohya))
    model, _, report, _ = applied(sd15, stacked((file, 0.0, 0.0)))
    assert model is sd15 and report.startswith("Warning: ") and "strength is 0" in report


def test_other_files_are_named(sd15, folder) -> None:
    file = save(folder, {"first_stage_model.decoder.conv_in.weight": torch.zeros(4, 4, 3, 3)}, "vae")
    with pytest.raises(ValueError, match=r"'vae.safetensors' holds .*, not a LoRA"):
        applied(sd15, stacked((file,)))
    with pytest.raises(ValueError, match="There is no LoRA 'gone.safetensors'"):
        applied(sd15, stacked(("gone.safetensors",)))
    (folder / "cut.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}")
    with pytest.raises(ValueError, match="cut.safetensors"):
        applied(sd15, stacked(("cut.safetensors",)))


# The stack --------------------------------------------------------------------------------------------------------


def test_the_stack_is_the_common_form_and_never_changed() -> None:
    first = ArmatureLoRAStack.execute("a.safetensors").args[0]
    assert first == [("a.safetensors", 0.8, 0.8)] and type(first) is list and type(first[0]) is tuple
    second = ArmatureLoRAStack.execute("b.safetensors", 0.5, 0.2, True, first).args[0]
    assert second == [("a.safetensors", 0.8, 0.8), ("b.safetensors", 0.5, 0.2)] and len(first) == 1
    off = ArmatureLoRAStack.execute("c.safetensors", enabled=False, lora_stack=second).args[0]
    assert off == second and off is not second
    foreign = [["d.safetensors", 1, 0]]
    assert ArmatureLoRAStack.execute("e.safetensors", lora_stack=foreign).args[0][0] == ("d.safetensors", 1.0, 0.0)
    assert foreign == [["d.safetensors", 1, 0]]


@pytest.mark.parametrize("stack", [3, [("a",)], [(1, 2, 3)], [("a", "b", 3)], "abc"])
def test_what_is_no_stack_is_refused(stack) -> None:
    with pytest.raises(ValueError, match="LoRA stack"):
        ArmatureLoRAStack.execute("a.safetensors", lora_stack=stack)


def test_nothing_leaks_and_edits_replace(sd15, folder) -> None:
    file = save(folder, lora(diffusers_layers(sd15), kohya))
    plain = sampled(sd15)
    first = applied(sd15, stacked((file, 0.8)))[0]
    acting = sampled(first)
    assert not torch.equal(acting, plain) and torch.equal(sampled(sd15), plain)
    assert torch.equal(sampled(applied(sd15, stacked((file, 0.4)))[0]), sampled(applied(sd15, stacked((file, 0.4)))[0]))
    assert torch.equal(sampled(first), acting)
    off = ArmatureLoRAStack.execute(file, 0.8, enabled=False).args[0]
    assert torch.equal(sampled(applied(sd15, off)[0]), plain)


# Blocks and curves ------------------------------------------------------------------------------------------------


def test_block_weights_by_name(sd15, folder) -> None:
    file = save(folder, lora(diffusers_layers(sd15), kohya))
    options = ArmatureLoRAOptions.execute(file, "input: 0, middle: 0.5, output.3-5: 0").args[0]
    model, _, report, _ = applied(sd15, stacked((file, 0.8)), options=options)
    strengths = {key.split(".attn")[0]: patch[0][0] for key, patch in model.patches.items()}
    assert not any("input_blocks" in key or "output_blocks.4." in key for key in strengths)
    assert strengths["diffusion_model.middle_block.1.transformer_blocks.0"] == 0.4
    assert strengths["diffusion_model.output_blocks.9.1.transformer_blocks.0"] == 0.8
    assert "blocks input: 0, middle: 0.5, output.3-5: 0" in report
    wrong = ArmatureLoRAOptions.execute(file, "output.40: 1").args[0]
    with pytest.raises(ValueError, match=r'name "output.40", which it does not touch'):
        applied(sd15, stacked((file,)), options=wrong)
    with pytest.raises(ValueError, match="which is not in the stack"):
        applied(sd15, stacked((file,)), options=ArmatureLoRAOptions.execute("other.safetensors", "middle: 0").args[0])


def test_the_curve_as_keyframes() -> None:
    frames = keyframes(Curve.from_text("0:1, 0.5:1, 0.5001:0, 1:0")).keyframes
    assert [(round(frame.start_percent, 2), frame.strength) for frame in frames] == [(0.0, 1.0), (0.51, 0.0)]
    assert len(keyframes(Curve.from_text("fade out")).keyframes) == 100


def test_a_curve_acts_by_hooks(sd15, folder) -> None:
    file = save(folder, lora(diffusers_layers(sd15), kohya))
    full = sampled(applied(sd15, stacked((file, 0.8)))[0], steps=4)

    def run(schedule: str, **options: Any) -> torch.Tensor:
        chosen = ArmatureLoRAOptions.execute(file, schedule=schedule, **options).args[0]
        model, _, report, hooks = applied(sd15, stacked((file, 0.8)), options=chosen)
        assert hooks is not None and "over the sampling" in report and not model.patches
        from ip_adapter_recipes import prompt

        positive, negative = prompt(1, "sd15", hooks=hooks), prompt(2, "sd15", hooks=hooks)
        return sampled(model, steps=4, positive=positive, negative=negative)

    assert_alike(run("0:1, 0.999:1, 1:0.999"), full)
    half = run("0:1, 0.5:1, 0.51:0, 1:0")
    assert not alike(half, full)
    assert_alike(run("0:0, 0.99:0, 1:0.001"), sampled(sd15, steps=4))
    assert not alike(run("0:1, 0.999:1, 1:0.999", block_weights="output: 0"), full)


def test_curves_travel_in_the_clip(sd15, clip, folder) -> None:
    file = save(folder, lora(diffusers_layers(sd15), kohya) | text_lora())
    options = ArmatureLoRAOptions.execute(file, schedule="0:1, 0.5:1, 0.51:0, 1:0").args[0]
    _, scheduled, report, _ = applied(sd15, stacked((file, 0.8)), clip, options=options)
    tokens = scheduled.tokenize("a cat")
    (_, extra), *_ = scheduled.encode_from_tokens_scheduled(tokens)
    assert (
        len(extra["hooks"].get_type(comfy.hooks.EnumHookType.Weight)) == 1
        and "every conditioning that is encoded with this clip" in report
    )
    assert clip.apply_hooks_to_conds is None
    constant = ArmatureLoRAOptions.execute(file, schedule="0:0.5, 1:0.5").args[0]
    assert applied(sd15, stacked((file, 0.8)), clip, options=constant)[3] is None


def test_the_text_encoder_follows_the_curve_as_well(sd15, clip, folder) -> None:
    file = save(folder, lora(diffusers_layers(sd15), kohya) | text_lora())
    options = ArmatureLoRAOptions.execute(file, schedule="0:1, 0.5:1, 0.5001:0.5, 1:0.5").args[0]
    model, scheduled, _, _ = applied(sd15, stacked((file, 0.8, 0.8)), clip, options=options)
    conds = scheduled.encode_from_tokens_scheduled(scheduled.tokenize("a cat"))
    ranges = [(extra["clip_start_percent"], extra["clip_end_percent"]) for _, extra in conds]
    assert ranges == [(0.0, 0.51), (0.51, 1.0)]
    for (text, _), strength in zip(conds, (0.8, 0.4), strict=True):
        constant = applied(sd15, stacked((file, 0.0, strength)), clip)[1]
        wanted = constant.encode_from_tokens_scheduled(constant.tokenize("a cat"))[0][0]
        torch.testing.assert_close(text, wanted, atol=1e-4, rtol=1e-4)
    once = [[conds[0][0], {"hooks": conds[0][1]["hooks"]}]]
    assert not torch.equal(sampled(model, positive=conds), sampled(model, positive=once))


def test_a_smooth_curve_has_the_text_encoded_twenty_times(sd15, clip, folder) -> None:
    file = save(folder, lora(diffusers_layers(sd15, ".attn2.to_k"), kohya) | text_lora())
    options = ArmatureLoRAOptions.execute(file, schedule="0:1, 1:0").args[0]
    scheduled = applied(sd15, stacked((file, 0.8, 0.8)), clip, options=options)[1]
    stretches = scheduled.patcher.forced_hooks.get_hooks_for_clip_schedule()
    assert [start for (start, _), _ in stretches] == [station / 20 for station in range(20)]
    strengths = [frame.strength for _, ((_, frame),) in stretches]
    assert strengths == pytest.approx([1 - (station + 0.4) / 20 for station in range(20)], abs=0.01)


def test_a_curve_beside_another_packs_hooks(sd15, clip, folder) -> None:
    """Hooks for the text alone (not for the conditionings), as Set CLIP Hooks makes them, go on acting."""
    foreign = comfy.hooks.create_hook_lora(lora=text_lora(9), strength_model=0.0, strength_clip=1.0)
    (hooked,) = SetClipHooks().apply_hooks(clip, False, False, foreign)
    file = save(folder, lora(diffusers_layers(sd15), kohya))
    options = ArmatureLoRAOptions.execute(file, schedule="fade out").args[0]
    _, both, _, _ = applied(sd15, stacked((file, 0.8, 0.8)), hooked, options=options)
    (kept, extra), *more = both.encode_from_tokens_scheduled(both.tokenize("a cat"))
    ((text, _),) = hooked.encode_from_tokens_scheduled(hooked.tokenize("a cat"))
    assert not more and torch.equal(kept, text) and len(extra["hooks"].get_type(comfy.hooks.EnumHookType.Weight)) == 1
    before = hooked.patcher.forced_hooks
    assert clip.patcher.forced_hooks is None and before is not None and before.hooks == foreign.hooks


def test_options_of_several_loras_chain() -> None:
    one = ArmatureLoRAOptions.execute("a", "middle: 0").args[0]
    two = ArmatureLoRAOptions.execute("b", options=one).args[0]
    assert [option.name for option in two] == ["a", "b"] and len(one) == 1
    again = ArmatureLoRAOptions.execute("a", options=two).args[0]
    assert [option.name for option in again] == ["b", "a"]
    with pytest.raises(ValueError, match="LORA_OPTIONS are wanted"):
        ArmatureLoRAOptions.execute("a", options=3)
