"""Depth and segmentation through transformers, on tiny networks with random weights."""

from __future__ import annotations

import pytest
import torch
from armature_pack.preprocessors.control_map import control_map
from armature_pack.preprocessors.registry import find_method
from armature_pack.preprocessors.segment_colours import ade_palette

transformers = pytest.importorskip("transformers")


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(3)


def saved(model, folder):
    folder.mkdir()
    model.save_pretrained(folder)


def depth_anything(folder):
    backbone = transformers.Dinov2Config(
        hidden_size=32, num_hidden_layers=4, num_attention_heads=2, image_size=56, patch_size=14, reshape_hidden_states=False,
        out_indices=[1, 2, 3, 4], apply_layernorm=True,
    )  # fmt: skip
    config = transformers.DepthAnythingConfig(
        backbone_config=backbone, patch_size=14, reassemble_hidden_size=32, neck_hidden_sizes=[8, 8, 8, 8],
        fusion_hidden_size=8, head_hidden_size=8,
    )  # fmt: skip
    model = transformers.DepthAnythingForDepthEstimation(config).eval()
    saved(model, folder / "Depth-Anything-V2-Small-hf")
    return model


def test_depth_anything_v2_is_transformers_own_result(annotators, small):
    model = depth_anything(annotators)
    maps, report = control_map(find_method("depth_anything_v2"), small, {"network_size": 140})
    assert maps.shape == small.shape and maps.amin() == 0 and maps.amax() == 1 and "Depth Anything V2" in report
    seen = torch.nn.functional.interpolate(small.movedim(-1, 1), (140, 210), mode="bilinear", antialias=True)
    mean, deviation = (torch.tensor(v).view(3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    with torch.no_grad():
        depth = model(pixel_values=(seen - mean) / deviation).predicted_depth
    depth = torch.nn.functional.interpolate(depth[None], small.shape[1:3], mode="bilinear")[0, 0]
    expected = (depth - depth.min()) / (depth.max() - depth.min())
    assert torch.allclose(maps[0, ..., 0], expected, atol=1e-4)


def test_a_clip_is_normalised_as_one_where_asked(annotators, small):
    depth_anything(annotators)
    entry = find_method("depth_anything_v2")
    clip = torch.cat([small, small * 0.1, small.flip(1)])
    each, _ = control_map(entry, clip, {"network_size": 140, "normalize_over": "picture"})
    together, _ = control_map(entry, clip, {"network_size": 140, "normalize_over": "clip"})
    assert all(one.amin() == 0 and one.amax() == 1 for one in each)
    ranges = [(float(one.amin()), float(one.amax())) for one in together]
    assert min(low for low, _ in ranges) == 0 and max(high for _, high in ranges) == 1
    assert any((low, high) != (0.0, 1.0) for low, high in ranges)


def test_a_clip_has_one_scale_by_itself_and_a_batch_of_other_pictures_has_not(annotators, small):
    depth_anything(annotators)
    entry = find_method("depth_anything_v2")
    darker = torch.cat([small * (1 - 0.01 * number) for number in range(6)])  # what a network of noise can follow
    others = torch.cat([small, small.flip(2), small.flip(1), small.flip(1).flip(2)])
    for batch, over in ((darker, "clip"), (others, "picture")):
        maps, report = control_map(entry, batch, {"network_size": 140})
        expected, _ = control_map(entry, batch, {"network_size": 140, "normalize_over": over})
        assert torch.equal(maps, expected) and ("pictures are a clip" in report) == (over == "clip")


def test_a_missing_configuration_is_named(annotators, small):
    depth_anything(annotators)
    (annotators / "Depth-Anything-V2-Small-hf" / "config.json").unlink()
    with pytest.raises(ValueError, match=r"(?s)config\.json is missing .*fetch depth_anything_v2"):
        control_map(find_method("depth_anything_v2"), small, {})


def test_weights_of_another_model_are_named(annotators, small):
    from safetensors.torch import save_file

    depth_anything(annotators)
    save_file({"other": torch.zeros(2)}, annotators / "Depth-Anything-V2-Small-hf" / "model.safetensors")
    with pytest.raises(ValueError, match="weights of another network"):
        control_map(find_method("depth_anything_v2"), small, {})


def test_eomt_gives_each_pixel_the_colour_of_its_class(annotators, small):
    config = transformers.EomtConfig(
        hidden_size=32, num_hidden_layers=3, num_attention_heads=2, image_size=64, patch_size=16, num_blocks=1,
        num_queries=8, num_upscale_blocks=1, num_labels=150,
    )  # fmt: skip
    saved(transformers.EomtForUniversalSegmentation(config), annotators / "ade20k_panoptic_eomt_large_640")
    maps, report = control_map(find_method("seg_eomt_ade20k"), small, {})
    colours = {tuple(colour) for colour in (maps[0] * 255).round().int().reshape(-1, 3).unique(dim=0).tolist()}
    assert maps.shape == small.shape and colours <= {tuple(colour) for colour in ade_palette().tolist()}
    assert report.count("Found: ") == 1


def test_oneformer_reads_its_task_with_the_hosts_vocabulary():
    from armature_pack.preprocessors.segmentation import _tokenized

    tokens = _tokenized()
    assert tokens.shape == (1, 77) and tokens[0, 0] == 49406 and 49407 in tokens[0] and tokens[0, -1] == 0
    assert int((tokens[0] > 0).sum()) == 7  # begin, the, task, is, seman, tic, end


def test_sam_gives_every_area_a_colour_of_its_own(annotators, small):
    from armature_pack.preprocessors.segment_colours import index_colours

    backbone = transformers.Sam2HieraDetConfig(
        hidden_size=16, num_attention_heads=1, blocks_per_stage=[1, 1, 2, 1], embed_dim_per_stage=[16, 32, 64, 128],
        num_attention_heads_per_stage=[1, 2, 4, 8], global_attention_blocks=[3], image_size=[128, 128],
        window_positional_embedding_background_size=[2, 2], window_size_per_stage=[8, 4, 4, 4],
    )  # fmt: skip
    vision = transformers.Sam2VisionConfig(
        backbone_config=backbone, backbone_channel_list=[128, 64, 32, 16], fpn_hidden_size=32,
        backbone_feature_sizes=[[32, 32], [16, 16], [8, 8]], num_feature_levels=3,
    )  # fmt: skip
    config = transformers.Sam2Config(
        vision_config=vision,
        prompt_encoder_config=transformers.Sam2PromptEncoderConfig(hidden_size=32, image_size=128),
        mask_decoder_config=transformers.Sam2MaskDecoderConfig(
            hidden_size=32, mlp_dim=32, num_attention_heads=2, iou_head_hidden_dim=16
        ),
    )
    saved(transformers.Sam2Model(config), annotators / "sam2.1-hiera-tiny")
    options = {"points_per_side": 3, "quality": 0.0, "overlap": 1.0}
    maps, report = control_map(find_method("seg_sam"), small, options)
    known = {tuple(colour) for colour in [*index_colours(9).tolist(), [0, 0, 0]]}
    assert {tuple(colour) for colour in (maps[0] * 255).round().int().reshape(-1, 3).unique(dim=0).tolist()} <= known
    assert maps.shape == small.shape and "Areas found: " in report


def test_small_areas_lie_on_large_ones():
    import numpy as np
    from armature_pack.preprocessors.sam import _apart, coloured_masks
    from armature_pack.preprocessors.segment_colours import index_colours

    masks = np.zeros((3, 8, 8), bool)
    masks[0, 2:4, 2:4] = True
    masks[1] = True
    masks[2, :, :7] = True
    canvas = coloured_masks(masks, (8, 8))
    largest, _middle, smallest = index_colours(3)
    assert (canvas[3, 3] == smallest).all() and (canvas[0, 7] == largest).all()
    assert _apart(masks, np.array([0.5, 0.9, 0.8]), 0.7) == [1, 0], "the third is nearly the second"
    assert coloured_masks(masks[:0], (8, 8)).max() == 0
    assert len({tuple(colour) for colour in index_colours(64).tolist()}) == 64
