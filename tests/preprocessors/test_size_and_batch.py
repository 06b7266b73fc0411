"""What a method sees, and how a batch goes through it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from armature_pack.preprocessors import chunks
from armature_pack.preprocessors.control_map import control_map, make_map
from armature_pack.preprocessors.entry import Detected
from armature_pack.preprocessors.images.tensors import target_size
from armature_pack.preprocessors.registry import find_method
from armature_pack.preprocessors.sizing import detector_size

ENTRY = find_method("blur")


@pytest.mark.parametrize(
    ("picture", "target", "seen"),
    [
        ((400, 600), (512, 512), (512, 768)),
        ((400, 600), (512, 1024), (680, 1024)),
        ((1000, 500), (768, 512), (1024, 512)),
        ((512, 512), (512, 512), (512, 512)),
    ],
)
def test_pixel_perfect_covers_the_target(picture, target, seen):
    assert detector_size(*picture, "pixel_perfect", 64, target) == seen
    assert seen[0] >= target[0] - 4 and seen[1] >= target[1] - 4


def test_the_target_is_a_latent_or_an_image():
    assert target_size({"samples": torch.zeros(1, 4, 64, 96)}) == (512, 768)
    assert target_size({"samples": torch.zeros(1, 16, 3, 32, 32), "downscale_ratio_spacial": 16}) == (512, 512)
    assert target_size(torch.zeros(1, 300, 200, 3)) == (300, 200) and target_size(None) is None
    with pytest.raises(ValueError, match="Input target: a LATENT or an IMAGE"):
        target_size("large")


def test_the_report_tells_the_size_that_the_method_saw():
    target = {"samples": torch.zeros(1, 4, 32, 32)}
    made = make_map(ENTRY, torch.rand(1, 100, 150, 3), {}, resolution_mode="pixel_perfect", target=target)
    assert made.maps.shape == (1, 100, 150, 3) and "saw the picture at 384x256" in made.report


def test_values_outside_the_range_are_cut_and_told():
    maps, report = control_map(ENTRY, torch.full((1, 8, 8, 3), 1.5), {})
    assert "values went from 1.5 to 1.5" in report and torch.allclose(maps, torch.ones(1, 8, 8, 3))
    assert "values went" not in control_map(ENTRY, torch.full((1, 8, 8, 3), 1.0005), {})[1]


class Recorder:
    """A method that notes how many pictures it gets, and runs out of memory above a limit."""

    def __init__(self, limit: int = 99) -> None:
        self.limit, self.seen = limit, []

    def __call__(self, pictures, _options):
        import comfy.model_management as management

        self.seen.append(len(pictures))
        if len(pictures) > self.limit:
            raise management.OOM_EXCEPTION("none left")
        return Detected(pictures.clone(), (f"part of {len(pictures)}", "told once"))


def on_a_gpu(monkeypatch, free: int) -> None:
    import comfy.model_management as management

    monkeypatch.setattr(management, "is_device_cpu", lambda _device: False)
    monkeypatch.setattr(management, "get_free_memory", lambda _device=None: free)


def test_a_batch_goes_through_in_parts_that_fit(monkeypatch):
    on_a_gpu(monkeypatch, free=3 * 64 * 10 * 2)
    method = Recorder()
    entry = replace(ENTRY, detect=method, bytes_per_pixel=10, options=())
    batch = torch.rand(9, 8, 8, 3)
    maps, report = control_map(entry, batch, {})
    assert method.seen == [4, 4, 1] and torch.equal(maps, batch) and report.count("told once") == 1


def test_a_part_that_runs_out_of_memory_is_halved(monkeypatch):
    on_a_gpu(monkeypatch, free=10**9)
    method = Recorder(limit=3)
    batch = torch.rand(8, 8, 8, 3)
    maps, _ = control_map(replace(ENTRY, detect=method, bytes_per_pixel=10, options=()), batch, {})
    assert method.seen == [8, 4, 2, 2, 2, 2] and torch.equal(maps, batch)


def test_without_a_gpu_pictures_go_one_by_one_and_a_clip_stays_whole():
    method = Recorder()
    batch = torch.rand(3, 8, 8, 3)
    control_map(replace(ENTRY, detect=method, bytes_per_pixel=10, options=()), batch, {})
    control_map(replace(ENTRY, detect=method, sees="clip", options=()), batch, {})
    assert method.seen == [1, 1, 1, 3]


def test_an_interrupt_acts_between_two_parts():
    import comfy.model_management as management

    method = Recorder()
    entry = replace(ENTRY, detect=lambda pictures, options: (management.interrupt_current_processing(), method(pictures, options))[1], options=())  # fmt: skip  # noqa: E501
    with pytest.raises(management.InterruptProcessingException):
        control_map(entry, torch.rand(5, 8, 8, 3), {})
    assert method.seen == [1]


def test_progress_counts_pictures_and_shows_the_newest_map(monkeypatch):
    import comfy.utils

    told = []

    class Bar:
        def __init__(self, total):
            told.append(total)

        def update_absolute(self, value, _total=None, preview=None):
            told.append((value, preview[1].size if preview else None))

    monkeypatch.setattr(comfy.utils, "ProgressBar", Bar)
    chunks.detect_batch(replace(ENTRY, detect=Recorder()), torch.rand(2, 600, 300, 3), {})
    assert told == [2, (1, (150, 300)), (2, (150, 300))]


def test_masks_must_match_the_batch():
    with pytest.raises(ValueError, match="3 masks came in for 2 pictures"):
        control_map(ENTRY, torch.rand(2, 8, 8, 3), {}, mask=torch.ones(3, 8, 8))


def test_outside_the_mask_a_normal_map_is_flat():
    mask = torch.zeros(1, 16, 16)
    mask[:, :8] = 1
    maps, _ = control_map(find_method("normal_from_depth"), torch.rand(1, 16, 16, 3), {"smoothing": 0.0}, mask=mask)
    assert torch.allclose(maps[0, 8:], torch.tensor([128 / 255, 128 / 255, 1.0]))
