"""The table of base families against the host: no class of it is unknown here."""

from __future__ import annotations

import pytest
from armature_pack.models.files.families import FAMILIES, family_of_host_class
from armature_pack.models.files.kinds.text_encoder import encoder_name, encoder_name_title
from comfy import supported_models
from comfy.sd import CLIPType, TEModel

MODELS = [one.__name__ for one in supported_models.models]
NO_PICTURES = ("LatentFormat",)  # the format of classes that find, cut out or measure: they have no latents


@pytest.mark.parametrize("name", MODELS)
def test_every_class_of_the_host_has_a_family_with_its_channels(name):
    """A new class of the host is one entry (or one name) in `families.py`."""
    family = family_of_host_class(name)
    assert family in FAMILIES, f"{name} belongs to no family"
    latent_format = getattr(supported_models, name).latent_format
    channels = 0 if latent_format.__name__ in NO_PICTURES else latent_format.latent_channels
    assert family.latent_channels == channels


def test_text_encoders_are_those_that_the_host_finds():
    known = {encoder_name(one.name.lower()) for one in TEModel} | {"umt5xxl"}  # which the host takes for a T5-XXL
    used = {name for family in FAMILIES for name in family.text_encoders}
    assert used <= known
    assert not [name for name in known if encoder_name_title(name) == name]


def test_loader_types_are_those_of_the_host():
    known = {one.name.lower() for one in CLIPType}
    for family in FAMILIES:
        assert {*family.encoder_types, *family.other_types} - {"stable_diffusion", "sdxl"} <= known, family.id


def test_ids_are_told_apart():
    assert len({family.id for family in FAMILIES}) == len(FAMILIES)
    classes = [name for family in FAMILIES for name in family.host_classes]
    assert len(set(classes)) == len(classes)
