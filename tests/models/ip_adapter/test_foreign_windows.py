"""IP-Adapter in the windows of AnimateDiff-Evolved: the clip drawn in windows is the clip drawn at once."""

from __future__ import annotations

import pytest
import torch
from armature_pack.models.guidance.frame_weights import FrameWeights
from armature_pack.nodes.ip_adapter import ArmatureApplyIPAdapter
from armature_pack.tests.alike import assert_alike
from armature_pack.tests.foreign_windows import in_windows
from ip_adapter_recipes import adapter, narrow_model, picture, sampled

FRAMES = 6
WINDOWS = ([0, 1, 2, 3], [2, 3, 4, 5], [4, 5, 0, 1])
MASKS = torch.rand(FRAMES, 8, 8, generator=torch.Generator().manual_seed(1)).round()


@pytest.mark.parametrize(
    ("pictures", "inputs"),
    [
        (FRAMES, {"combine": "per picture"}),
        (1, {"mask": MASKS}),
        # Keyframes that would lie in a window as well: told nothing, each window would start the weights again.
        (1, {"frame_weights": FrameWeights.from_text("0: 0.1, 2: 2")}),
    ],
)
def test_rows_masks_and_weights_of_each_frame_are_those_of_the_whole_clip(pictures, inputs, encoder) -> None:
    plain = narrow_model("tiny")
    ip_adapter, image = adapter("base", "tiny"), picture(3, pictures)
    model = ArmatureApplyIPAdapter.execute(
        plain, ip_adapter, weight=1.0, clip_vision=encoder, image=image, **inputs
    ).args[0]

    def latent(of: object) -> torch.Tensor:
        return sampled(of, "tiny", pictures=FRAMES, size=(8, 8), steps=1)

    whole = latent(model)
    assert ((whole - latent(plain)).abs().amax((1, 2, 3)) > 1).all()
    assert_alike(latent(in_windows(model, WINDOWS)), whole)
