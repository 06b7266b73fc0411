"""What the shared checks let through and what they say."""

from __future__ import annotations

import math

import pytest
from armature_pack.preprocessors.images.checks import check_choice, check_name, check_range, check_span, check_type


@pytest.mark.parametrize(
    ("check", "arguments", "message"),
    [
        (check_choice, ("tile", ("crop", "pad")), 'Node, input fit: "tile" is not one of crop, pad.'),
        (check_name, ("teapot", ("coffee", "cup")), 'Node, input fit: there is no "teapot". There are: coffee, cup.'),
        (check_range, (1.5, 0.0, 1.0), "Node, input fit: 1.5 lies outside 0 to 1."),
        (check_range, (math.nan, -1, 1), "Node, input fit: nan lies outside -1 to 1."),
        (
            check_span,
            (0.8, 0.25),
            "Node, input fit: it starts at 0.8 and ends at 0.25, so it would never act. Set start_percent below end_percent.",
        ),
        (check_type, (3, str, "a text is"), "Node, input fit: a text is wanted, not int."),
        (
            check_type,
            (None, str, "a text is", "Link one."),
            "Node, input fit: a text is wanted, not NoneType. Link one.",
        ),
    ],
)
def test_what_is_refused(check, arguments, message):
    with pytest.raises(ValueError) as refused:
        check("Node, input fit", *arguments)
    assert str(refused.value) == message


def test_what_comes_through():
    check_choice("where", "crop", {"crop": 1})
    check_name("where", "coffee", ["coffee"])
    check_range("where", 0.0, 0.0, 1.0)
    check_range("where", 1.0, 0.0, 1.0)
    check_span("who", 0.5, 0.5)
    assert check_type("where", (1, 2), (list, tuple), "a list is") == (1, 2)
