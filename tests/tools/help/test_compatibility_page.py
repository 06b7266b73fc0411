"""The compatibility sheet of the docs is what the rules do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from armature_pack.models.compatibility.check_prompt import check_prompt
from armature_pack.models.compatibility.rules.families import PAIRS
from armature_pack.models.files.families import FAMILIES, find_family
from armature_pack.models.files.identity import Identity
from armature_pack.models.files.index import ModelFile, ModelIndex
from armature_pack.models.files.kinds import KINDS
from armature_pack.tests.models.compatibility.graphs import ROOT, Prompt, node
from armature_pack.tests.models.files.test_identify import EXPECTED
from armature_pack.tools.help.compatibility_page import compatibility_page, families_that_fit

PAGE = ROOT / "docs" / "compatibility.md"


class Two(ModelIndex):
    """A base of one family, and a file of a kind for another."""

    def __init__(self, base: str, kind: str, family: str):
        super().__init__(dict.fromkeys(("checkpoints", "controlnet", "loras", "ipadapter", "model_patches"), ()))
        self.folders |= dict.fromkeys(("style_models", "gligen"), ())
        self.identities = {"base": Identity("checkpoint", "base", (base,)), "file": Identity(kind, "file", (family,))}

    def find(self, folder: str, name: str) -> ModelFile | None:
        return ModelFile(folder, name, Path("/nowhere"), 1, self.identities[name])


def graph(kind: str) -> Prompt:
    """A base and a file that meet in a sampler."""
    prompt = {
        "1": node("CheckpointLoaderSimple", ckpt_name="base"),
        "2": node("CLIPTextEncode", text="", clip=["1", 1]),
        "5": node("KSampler", model=["1", 0], positive=["2", 0], negative=["2", 0], latent_image=["6", 0]),
        "6": node("EmptyLatentImage", width=512, height=512),
    }
    loaders = {
        "lora": ("LoraLoaderModelOnly", {"lora_name": "file", "model": ["1", 0]}),
        "unet_weights": ("ArmatureApplyControlNeXtWeights", {"weights_name": "file", "model": ["1", 0]}),
        "ip_adapter": ("ArmatureLoadIPAdapter", {"ip_adapter_name": "file"}),
        "model_patch": ("ModelPatchLoader", {"name": "file"}),
        "style_model": ("StyleModelLoader", {"style_model_name": "file"}),
        "gligen": ("GLIGENLoader", {"gligen_name": "file"}),
    }
    class_type, inputs = loaders.get(kind, ("ArmatureLoadControlNet", {"control_net_name": "file"}))
    prompt["3"] = node(class_type, **inputs)
    uses = {
        "ip_adapter": node("ArmatureApplyIPAdapter", model=["1", 0], ip_adapter=["3", 0]),
        "model_patch": node("QwenImageDiffsynthControlnet", model=["1", 0], model_patch=["3", 0]),
        "style_model": node("StyleModelApply", conditioning=["2", 0], style_model=["3", 0]),
        "gligen": node("GLIGENTextBoxApply", conditioning_to=["2", 0], gligen_textbox_model=["3", 0]),
    }
    apply = node("ControlNetApplyAdvanced", positive=["2", 0], negative=["2", 0], control_net=["3", 0], image=["7", 0])
    prompt["4"] = uses.get(kind, apply)
    prompt["7"] = node("LoadImage", image="a.png")
    if kind in ("lora", "unet_weights"):
        prompt["5"]["inputs"]["model"] = ["3", 0]
    elif kind in ("ip_adapter", "model_patch"):
        prompt["5"]["inputs"]["model"] = ["4", 0]
    else:
        prompt["5"]["inputs"]["positive"] = ["4", 0]
    return prompt


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.rule)
def test_every_pair_of_the_table(pair):
    """The check is silent about the pairs that the table lists, and speaks about all others."""
    for kind in pair.kinds:
        families = dict.fromkeys(family for one in KINDS if one.id == kind for family in one.families)
        for base in FAMILIES:
            fitting = families_that_fit((kind,), base.id)
            for family in families:
                report = check_prompt(graph(kind), Two(base.id, kind, family))
                speaks = pair.rule in {found.rule for found in report.findings if found.severity == "error"}
                assert speaks == (family not in fitting), (kind, base.id, family)


def test_every_family_that_a_kind_names_is_listed_with_it():
    listed: dict[str, set[str]] = {}
    for kind in KINDS:
        listed.setdefault(kind.id, set()).update(kind.families)
    for kind, families, _ in EXPECTED:
        assert kind in ("checkpoint", "diffusion_model") or set(families) <= listed.get(kind, set()), kind
    for families in listed.values():
        assert all(find_family(family).title for family in families)


def test_the_page_is_up_to_date():
    """ARMATURE_RECORD=1 writes it again."""
    if os.environ.get("ARMATURE_RECORD"):
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(compatibility_page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == compatibility_page()
