"""The node's library and the node: right map, wrong map, blank map, gate, and what is refused."""

from __future__ import annotations

import json

import pytest
import torch
from armature_pack.nodes.adherence import ArmatureControlAdherence
from armature_pack.preprocessors.adherence.adherence import Request, adherence
from armature_pack.preprocessors.control_map import make_map
from armature_pack.preprocessors.registry import find_method

CANNY = {"low_threshold": 100, "high_threshold": 200, "thresholds": "fixed"}


def disc(x: int, y: int, radius: int = 14, size: int = 96) -> torch.Tensor:
    """A white disc on dark grey, [1,S,S,3]."""
    rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    inside = ((rows - y) ** 2 + (columns - x) ** 2 <= radius**2).float()
    return (0.2 + 0.8 * inside)[None, ..., None].expand(-1, -1, -1, 3).contiguous()


def canny(picture: torch.Tensor) -> torch.Tensor:
    return make_map(find_method("canny"), picture, CANNY).maps


def request(method: str = "canny", options: dict | None = None) -> Request:
    return Request(method, CANNY if options is None else options, {}, 2)


def test_the_source_itself_scores_one():
    source = disc(30, 40)
    made = adherence(source, canny(source), request(), source)
    assert made.score == 1
    assert made.relative == pytest.approx(1)


def test_a_picture_with_its_content_elsewhere_is_no_better_than_chance():
    made = adherence(disc(70, 70), canny(disc(24, 26)), request())
    assert made.score < 0.3
    assert made.relative < 0.1


def test_a_small_shift_lies_between():
    made = adherence(disc(33, 40), canny(disc(30, 40)), request())
    assert 0.3 < made.relative < 0.95


def test_a_batch_is_scored_picture_by_picture_and_the_json_says_what_was_done():
    pictures = torch.cat([disc(30, 40), disc(70, 70)])
    maps = canny(torch.cat([disc(30, 40), disc(24, 26)]))
    made = adherence(pictures, maps, request(), torch.cat([disc(30, 40), disc(24, 26)]))
    facts = json.loads(made.json)
    assert facts["method"] == "canny"
    assert facts["options"] == CANNY
    assert facts["tolerance_pixels"] == 2
    assert facts["pictures"][0]["relative"] == pytest.approx(1)
    assert facts["pictures"][1]["relative"] < 0.1
    assert made.lowest == facts["pictures"][1]["relative"]
    assert made.pictures.shape == (2, 96, 96, 3)


def test_a_black_frame_in_front_does_not_decide_what_the_maps_are():
    maps = torch.cat([torch.zeros(1, 96, 96, 3), canny(disc(30, 40)).clone()])
    made = adherence(disc(30, 40).expand(2, -1, -1, -1), maps, request("auto", {}))
    assert json.loads(made.json)["method"] == "canny"


def test_a_blank_map_is_told():
    made = adherence(disc(30, 40), torch.zeros(1, 96, 96, 3), request())
    assert "blank" in made.report
    assert made.relative == 0


def test_the_picture_shows_green_where_it_fits_and_red_where_something_is_missing():
    source = disc(30, 40)
    fits = adherence(source, canny(source), request()).pictures[0]
    wrong = adherence(disc(70, 70), canny(source), request()).pictures[0]
    lines = canny(source)[0, ..., 0] > 0.5
    assert (fits[lines][:, 1] > 0.8).all()
    assert (wrong[lines][:, 0] > 0.9).all()


def test_auto_knows_a_map_by_its_tag_and_by_its_look():
    source = disc(30, 40)
    maps = canny(source)
    for control_image in (maps, maps.clone()):  # the clone has no tag
        made = adherence(source, control_image, request("auto", {}))
        assert made.score > 0.95


def test_a_map_of_another_size_is_brought_to_the_pictures_and_that_is_told():
    made = adherence(disc(30, 40), canny(disc(60, 80, 28, 192)), request())
    assert made.score > 0.8
    assert "192 x 192" in made.report


def test_batches_that_do_not_match_are_refused_by_name():
    with pytest.raises(ValueError, match="control_image: 2 came in for 3 pictures"):
        adherence(disc(30, 40).expand(3, -1, -1, -1), torch.zeros(2, 96, 96, 3), request())


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match="not a method"):
        adherence(disc(30, 40), torch.zeros(1, 96, 96, 3), request("cannny"))


def test_the_node_gates_and_fills_in_what_an_api_prompt_leaves_out():
    source = disc(30, 40)
    wrong = disc(70, 70)
    outputs = ArmatureControlAdherence.execute(source, canny(source)).result
    assert outputs is not None and outputs[0] == 1
    low = ArmatureControlAdherence.execute(wrong, canny(source), minimum=0.5).result
    assert low is not None and "below the minimum" in low[3]
    with pytest.raises(ValueError, match="below the minimum of 0.5.*another seed"):
        ArmatureControlAdherence.execute(wrong, canny(source), minimum=0.5, policy="error")
    with pytest.raises(ValueError, match="policy"):
        ArmatureControlAdherence.execute(source, canny(source), minimum=0.5, policy="stop")
