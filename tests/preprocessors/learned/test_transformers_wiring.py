"""Our sizes, values, masks and colours against transformers' own image processors: same weights, same picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from armature_pack.preprocessors.control_map import control_map
from armature_pack.preprocessors.registry import find_method
from armature_pack.preprocessors.segment_colours import ade_palette, coco_palette

transformers = pytest.importorskip("transformers")
SMALL = {"hidden_size": 32, "num_hidden_layers": 4, "num_attention_heads": 2, "intermediate_size": 64}


@pytest.fixture(scope="module")
def picture() -> torch.Tensor:
    """128 x 192, whole bytes: sizes that every processor leaves as they are."""
    from skimage import data

    return torch.from_numpy(data.coffee()[100:228, 200:392].copy())[None] / 255


@pytest.fixture
def network(annotators) -> Any:
    """A function that makes a network from its configuration, seeded, and saves it where the method looks."""

    def make(kind: str, config: Any, folder: str) -> Any:
        torch.manual_seed(11)
        model = getattr(transformers, kind)(config).eval()
        model.save_pretrained(annotators / folder)
        return model

    return make


def seen_by(kind: str, picture: torch.Tensor, **settings: Any) -> torch.Tensor:
    """What transformers' own processor feeds the network."""
    processor = getattr(transformers, kind)(do_resize=False, do_pad=False, **settings)
    values = processor((picture[0] * 255).byte().movedim(-1, 0), return_tensors="pt")["pixel_values"]
    return values if isinstance(values, torch.Tensor) else torch.stack(list(values))


def midas() -> Any:
    """The hybrid, as Intel/dpt-hybrid-midas is: a convolutional stem before the transformer."""
    stem = {"model_type": "bit", "layer_type": "bottleneck", "global_padding": "same", "embedding_dynamic_padding": True,
            "depths": [1, 1, 1], "num_groups": 4, "hidden_sizes": [16, 16, 32], "embedding_size": 8, "out_features": ["stage1", "stage2", "stage3"]}  # fmt: skip  # noqa: E501
    return transformers.DPTConfig(
        **SMALL, is_hybrid=True, backbone_config=stem, backbone_featmap_shape=[1, 32, 8, 8], image_size=128,
        neck_hidden_sizes=[16, 16, 32, 32], fusion_hidden_size=16, neck_ignore_stages=[0, 1], backbone_out_indices=[0, 1, 2, 3],
    )  # fmt: skip


def zoe() -> Any:
    backbone = transformers.BeitConfig(
        **SMALL, image_size=128, patch_size=16, reshape_hidden_states=False, use_relative_position_bias=True,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )  # fmt: skip
    return transformers.ZoeDepthConfig(
        backbone_config=backbone, neck_hidden_sizes=[16, 16, 32, 32], fusion_hidden_size=16, bottleneck_features=16,
        bin_embedding_dim=8, num_relative_features=8, num_attractors=[4, 4, 2, 1], patch_transformer_hidden_size=16,
        patch_transformer_intermediate_size=32, patch_transformer_num_attention_heads=2, num_patch_transformer_layers=1,
        bin_configurations=[{"n_bins": 8, "min_depth": 0.001, "max_depth": 10.0, "name": "nyu"}],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("method", "kind", "config", "folder"),
    [
        ("depth_midas", "DPT", midas, "dpt-hybrid-midas"),
        ("depth_zoe", "ZoeDepth", zoe, "zoedepth-nyu-kitti"),
    ],
)
def test_depth_is_transformers_own(network, annotators, picture, method, kind, config, folder):
    model = network(f"{kind}ForDepthEstimation", config(), folder)
    for value in model.parameters():  # as it is made, depth is the same everywhere
        if value.ndim > 1:
            value.data.normal_(0, 0.2)
    model.save_pretrained(annotators / folder)
    maps, _ = control_map(find_method(method), picture, {"network_size": 128})
    seen = seen_by(f"{kind}ImageProcessor", picture, image_mean=[0.5] * 3, image_std=[0.5] * 3)
    if method == "depth_midas":  # made for squares of 128 here: a larger one it has to be told, and others it refuses
        seen = torch.nn.functional.pad(seen, (0, 0, 0, 64), mode="replicate")
        model.dpt.embeddings.image_size = (192, 192)
    with torch.no_grad():
        depth = model(pixel_values=seen).predicted_depth
    assert depth.shape[2] == 192
    depth = depth[0, :128]
    if method == "depth_zoe":  # metres, cut as the annotator does
        low, high = np.quantile(depth.numpy(), [0.02, 0.85])
        expected = 1 - ((depth - low) / (high - low)).clamp(0, 1)
    else:
        expected = (depth - depth.min()) / (depth.max() - depth.min())
    assert expected.std() > 0.05 and (maps[0, ..., 0] - expected).abs().max() < 2e-3


def oneformer(classes: int) -> Any:
    swin = {"model_type": "swin", "embed_dim": 16, "depths": [1, 1, 1, 1], "num_heads": [1, 1, 2, 2], "window_size": 4,
            "image_size": 128, "out_features": ["stage1", "stage2", "stage3", "stage4"]}  # fmt: skip
    return transformers.OneFormerConfig(
        backbone_config=swin, num_queries=12, hidden_dim=32, conv_dim=32, mask_dim=32, num_attention_heads=2, encoder_layers=1,
        decoder_layers=2, query_dec_layers=1, dim_feedforward=64, encoder_feedforward_dim=64, text_encoder_width=32,
        text_encoder_num_layers=1, text_encoder_vocab_size=99, num_labels=classes, is_training=False,
    )  # fmt: skip


def eomt(classes: int) -> Any:
    return transformers.EomtConfig(
        hidden_size=32, num_hidden_layers=3, num_attention_heads=2, image_size=192, patch_size=16, num_blocks=1, num_queries=12,
        num_upscale_blocks=1, num_labels=classes,
    )  # fmt: skip


def segmenting(network: Any, folder: Any, config: Any, data: str) -> tuple[Any, np.ndarray]:
    """(a network in `folder` that finds several classes, their colours); untrained ones find one class everywhere."""
    classes, palette = (150, ade_palette()) if data == "ade20k" else (133, coco_palette())
    kind = "OneFormer" if config is oneformer else "Eomt"
    model = network(f"{kind}ForUniversalSegmentation", config(classes), folder.name)
    for name, value in model.named_parameters():
        if "class_predictor" in name or "class_embed" in name or "mask_embed" in name or "queries_embedder" in name:
            value.data.normal_(0, 1.5)
    model.save_pretrained(folder)
    return model, palette


@pytest.mark.parametrize("data", ["ade20k", "coco"])
def test_oneformers_classes_are_transformers_own(network, annotators, picture, data):
    model, palette = segmenting(network, annotators / f"oneformer_{data}_swin_large", oneformer, data)
    maps, report = control_map(find_method(f"seg_oneformer_{data}"), picture, {"network_size": 128})
    from armature_pack.preprocessors.segmentation import _tokenized

    processor = transformers.OneFormerImageProcessor
    seen = ((picture.movedim(-1, 1) - mean_of(processor)) / deviation_of(processor)).float()
    with torch.no_grad():
        answer = model(pixel_values=seen, task_inputs=_tokenized())
    expected = processor.post_process_semantic_segmentation(None, answer, [(128, 192)])[0].numpy()
    check_colours(maps, palette[expected])
    assert "Found: LABEL_" in report


@pytest.mark.parametrize("data", ["ade20k", "coco"])
def test_eomts_classes_are_transformers_own(network, annotators, picture, data):
    model, palette = segmenting(network, annotators / f"{data}_panoptic_eomt_large_640", eomt, data)
    maps, _ = control_map(find_method(f"seg_eomt_{data}"), picture, {})
    processor = transformers.EomtImageProcessor
    seen = torch.zeros(1, 3, 192, 192)  # the long side fits; the rest is black, as its processor pads
    seen[..., :128, :] = picture.movedim(-1, 1)
    with torch.no_grad():
        answer = model(pixel_values=(seen - mean_of(processor)) / deviation_of(processor))
    answer.patch_offsets = None
    (whole,) = processor.post_process_semantic_segmentation(
        None, answer, [(192, 192)], {"shortest_edge": 192, "longest_edge": 192}
    )
    check_colours(maps, palette[whole[:128].numpy()])


def mean_of(processor: Any) -> torch.Tensor:
    return torch.tensor(processor.image_mean).view(3, 1, 1)


def deviation_of(processor: Any) -> torch.Tensor:
    return torch.tensor(processor.image_std).view(3, 1, 1)


def check_colours(maps: torch.Tensor, expected: np.ndarray) -> None:
    ours = (maps[0] * 255).round().byte().numpy()
    assert len(np.unique(expected.reshape(-1, 3), axis=0)) > 2, "several classes"
    assert np.mean((ours != expected).any(-1)) < 0.0005, "rounding may decide on a border"
