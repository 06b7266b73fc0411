"""Names, file names and headers of the recipes."""

from __future__ import annotations

import dataclasses

import pytest
from armature_pack.tests.generated.catalog import FP8, RECIPES, SD15, find_recipe, names
from armature_pack.tests.generated.generation import generate
from armature_pack.tests.generated.unet import DiffusionModel


def test_names_are_unique() -> None:
    assert len(set(names())) == len(names())
    assert {find_recipe(name).name for name in names()} == set(names())


def test_folders_are_the_hosts_model_folders() -> None:
    import folder_paths
    from armature_pack.models.ip_adapter.identity_from_folder import register

    register()  # the one folder that is ours
    assert {recipe.folder for recipe in RECIPES} <= set(folder_paths.folder_names_and_paths)


def test_an_unknown_name_is_refused_with_the_names_there_are(tmp_path) -> None:
    with pytest.raises(ValueError, match="'sd14_checkpoint'") as refusal:
        generate("sd14_checkpoint", tmp_path)
    assert all(name in str(refusal.value) for name in names())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "change",
    [{"name": "other"}, {"seed": 1}, {"version": 99}, {"source": DiffusionModel(unet=SD15, dtype=FP8)}],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_recipe_has_another_file_name(change) -> None:
    recipe = find_recipe("sd15_t2i_base")
    assert dataclasses.replace(recipe, **change).file_name != recipe.file_name


def test_a_changed_detail_of_the_source_has_another_file_name() -> None:
    recipe = find_recipe("sdxl_model")
    shallower = dataclasses.replace(recipe.source.unet, transformer_depth_output=(0, 0, 0, 0, 0, 1))
    changed = dataclasses.replace(recipe, source=dataclasses.replace(recipe.source, unet=shallower))
    assert changed.digest != recipe.digest


def test_the_description_may_change_freely() -> None:
    recipe = find_recipe("clip_l")
    assert dataclasses.replace(recipe, description="In other words.").file_name == recipe.file_name
