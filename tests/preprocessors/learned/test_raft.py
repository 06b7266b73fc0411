"""RAFT, the network by which the host finds motion, on weights made at random."""

from __future__ import annotations

import pytest
import torch
from armature_pack.preprocessors.control_map import control_map
from armature_pack.preprocessors.optical_flow import flow_colours
from armature_pack.preprocessors.registry import find_method
from safetensors.torch import save_file

raft = pytest.importorskip("torchvision.models.optical_flow")
ENTRY = find_method("optical_flow_raft")
NAME = "raft_large_C_T_SKHT_V2-ff5fadd5.safetensors"


@pytest.fixture
def network(annotators):
    torch.manual_seed(2)
    made = raft.raft_large(weights=None, progress=False).eval()
    save_file(made.state_dict(), str(annotators / NAME))
    return made


def test_the_motion_is_that_of_the_hosts_own_wrapper(network):
    from comfy_extras.nodes_void import OpticalFlowLoader
    from comfy_extras.void_noise_warp import RaftOpticalFlow
    from skimage import data

    still = torch.from_numpy(data.astronaut()[:128, 100:236].copy()).float().div(255)
    clip = torch.stack([still, still.roll(3, 1)])
    maps, report = control_map(ENTRY, clip, {})
    loaded = OpticalFlowLoader.execute(NAME).result[0]  # type: ignore[index]
    first, second = clip.movedim(-1, 1)
    flow = RaftOpticalFlow(loaded.model)(first, second).movedim(0, -1)
    expected = flow_colours(flow / flow.norm(dim=-1).amax())
    assert (maps[0] - expected).abs().max() < 1e-4 and torch.equal(maps[0], maps[1])
    assert f"Motion of up to {float(flow.norm(dim=-1).amax()):.1f} pixels" in report


def test_small_clips_are_padded_and_cut_and_one_picture_is_refused(network, small):
    clip = torch.cat([small[:, :40, :50], small[:, 1:41, :50]])
    assert control_map(ENTRY, clip, {})[0].shape == (2, 40, 50, 3)
    with pytest.raises(ValueError, match="Optical Flow RAFT: one picture has no motion"):
        control_map(ENTRY, clip[:1], {})


def test_a_long_clip_stops_between_two_frames(network, monkeypatch):
    import comfy.model_management as management
    from armature_pack.preprocessors import optical_flow

    asked = []

    def flow(first, second):
        asked.append(len(asked))
        management.interrupt_current_processing()
        return torch.zeros(8, 8, 2)

    with pytest.raises(management.InterruptProcessingException):
        optical_flow.coloured_flows("x", torch.zeros(5, 8, 8, 3), flow, "clip")
    assert asked == [0]
