"""Masks under conditionings that act in an area of the picture: they lie where they lie in the picture."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from armature_pack.models.control.apply import apply_stack
from armature_pack.models.control.signal import ControlSignal
from armature_pack.models.control.signal_control import SignalControl
from armature_pack.models.control.stack import ControlStack
from armature_pack.models.guidance.regions import AREAS, Area

from ..control.sampling import conditioning, picture
from ..control.small import small_bench, small_control_net

WHOLE = (16, 16)


def quarters() -> torch.Tensor:
    """White in the upper left quarter."""
    mask = torch.zeros(1, 128, 128)
    mask[:, :64, :64] = 1
    return mask


@pytest.fixture
def run():
    return small_bench()


def lone(**settings: Any) -> ControlSignal:
    return ControlSignal(small_control_net(1), picture(7), weight=1.0, **settings)


def in_area(run, *area: Any) -> list[Any]:
    return [[run.positive[0][0], {"area": area}], *conditioning(3)]


def applied_residuals(run, monkeypatch, signal: ControlSignal, positive: Any) -> list[tuple[Any, Any]]:
    """(areas of the chunks, residuals) of every call of one sampling."""
    seen: list[tuple[Any, Any]] = []
    original = SignalControl.get_control

    def noted(self, x_noisy, t, cond, chunks, options):
        out = original(self, x_noisy, t, cond, chunks, options)
        known = options.get(AREAS, {})
        kept = {name: list(found) for name, found in out.items()}  # the UNet empties the lists
        seen.append(([known.get(uuid) for uuid in options["uuids"]], kept))
        return out

    monkeypatch.setattr(SignalControl, "get_control", noted)
    applied = apply_stack(positive, run.negative, ControlStack((signal,)))
    run.latent(applied.positive, applied.negative)
    return seen


def chunks_of(areas, out):
    for number, area in enumerate(areas):
        for one in (*out["output"], *out["middle"]):
            yield area, one.chunk(len(areas))[number]


def test_outside_the_picture_s_mask_every_residual_of_an_area_is_exactly_zero(run, monkeypatch):
    # Rows 4 to 12 and columns 4 to 12 of 16: its own upper left quarter lies in the mask.
    positive = in_area(run, 8, 8, 4, 4)
    calls = applied_residuals(run, monkeypatch, lone(mask=quarters()), positive)
    seen = set()
    for areas, out in calls:
        for area, residual in chunks_of(areas, out):
            half = residual.shape[-1] // 2
            seen.add(area)
            assert residual[..., half:, :].abs().max() == 0 and residual[..., half:].abs().max() == 0
            assert residual[..., :half, :half].abs().max() > 0
    assert seen == {None, Area(8, 8, 4, 4, WHOLE)}


def test_an_area_outside_the_mask_gets_no_control_and_one_inside_all_of_it(run):
    masked = lone(mask=quarters())

    def latent(signal, *area):
        applied = apply_stack([[run.positive[0][0], {"area": area}]], [], ControlStack((signal,) if signal else ()))
        return run.latent([*applied.positive, *conditioning(3)], run.negative)

    assert torch.equal(latent(masked, 8, 8, 8, 8), latent(None, 8, 8, 8, 8))
    assert torch.equal(latent(masked, 8, 8, 0, 0), latent(lone(), 8, 8, 0, 0))
    percentage = ("percentage", 0.5, 0.5, 0.0, 0.0)  # as the host's node for shares of the picture writes it
    assert torch.equal(latent(masked, *percentage), latent(masked, 8, 8, 0, 0))


def test_areas_of_one_size_share_a_batch_and_keep_masks_of_their_own(run, monkeypatch):
    first, second = ([run.positive[0][0], {"area": (8, 8, 0, left)}] for left in (0, 8))
    calls = applied_residuals(run, monkeypatch, lone(mask=quarters()), [first, second])
    acting = {True: 0, False: 0}
    for areas, out in calls:
        for area, residual in chunks_of(areas, out):
            if area is not None:
                acting[area.left == 0] += 1
                assert bool(residual.any()) == (area.left == 0)
    assert min(acting.values()) > 0 and any(len(areas) > 1 for areas, _ in calls)


def test_where_the_strongest_wins_the_places_are_those_of_the_picture(run):
    strong, weak = (
        lone(mask=quarters()),
        ControlSignal(small_control_net(2), picture(8), weight=0.5),
    )

    def latent(*signals, balance):
        area = [[run.positive[0][0], {"area": (8, 8, 0, 0)}]]
        applied = apply_stack(area, [], ControlStack(signals, balance))
        return run.latent([*applied.positive, *conditioning(3)], run.negative)

    assert torch.equal(latent(strong, weak, balance="strongest"), latent(strong, balance="none"))


@pytest.mark.parametrize("size", [(128, 128), (16, 16), (24, 24), (5, 7)])
def test_a_mask_is_cut_where_the_area_lies(size):
    """A ramp over the picture: whatever its size, the cut-out part holds the values of that part."""
    ramp = torch.linspace(0, 1, size[1]).expand(1, *size)
    from armature_pack.models.guidance.regions import on_grid

    latent = torch.zeros(1, 1, 6, 6)
    whole = on_grid(ramp, *WHOLE, latent)
    cut = on_grid(Area(6, 6, 3, 7, WHOLE).of(ramp), 6, 6, latent)
    assert torch.allclose(cut, whole[:, 3:9, 7:13], atol=1e-6)


def test_that_the_host_lays_the_whole_map_into_an_area_is_told(run, caplog):
    signal = lone(mask=quarters())
    before = apply_stack(in_area(run, 8, 8, 4, 4), run.negative, ControlStack((signal,)))
    assert any("acts in an area" in line and "whole control image" in line for line in before.report)
    after = apply_stack(run.positive, run.negative, ControlStack((signal,)))
    assert not any("acts in an area" in line for line in after.report)
    positive = [[after.positive[0][0], {**after.positive[0][1], "area": (8, 8, 4, 4)}], *conditioning(3)]
    run.latent(positive, after.negative)
    told = [record.message for record in caplog.records if "whole control image" in record.message]
    assert len(told) == 1 and "Control signal 1 of 1" in told[0] and "8x8 of the latent's 16x16" in told[0]
