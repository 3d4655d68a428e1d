"""When a layer's sweeps are said to lie in the published pattern."""

import numpy as np
import pandas as pd
import pytest

from interp.tasks import ACCURACY
from interp.types import Effects
from interp.verdict.sensitivity import published_pattern, sensitivity


def said(scaled, shifted, q=1e-9):
    """Give the last words on a layer that loses `scaled` at a tenth of z and `shifted` at 5 % of the range."""
    rows = [("scale", 0.01, -0.3), ("scale", 0.1, scaled), ("scale", 1.0, 0.0), ("scale", 10.0, 0.0)]
    rows += [("offset", -0.05, shifted[0]), ("offset", 0.05, shifted[1])]
    table = pd.DataFrame(rows, columns=["intervention", "level", "difference"])
    table = table.assign(layer="h", split="train", q_value=q, samples=10_000)
    line = published_pattern("h", Effects(table, pd.DataFrame(), {}, {}))
    assert ("as in" in line) != ("unlike" in line)
    return "as in" if "as in" in line else "unlike"


def test_shifts_that_cost_no_more_than_scaling_are_another_pattern():
    assert said(0.0, (-0.007, -0.009)) == "as in"
    assert said(-0.006, (-0.007, -0.009)) == "as in"
    assert said(-0.008, (-0.007, -0.009)) == "unlike"
    assert said(-0.008, (-0.009, -0.007)) == "unlike"


def test_a_layer_that_loses_a_point_under_scaling_is_not_flat():
    assert said(-0.009, (-0.1, -0.1)) == "as in"
    assert said(-0.011, (-0.1, -0.1)) == "unlike"


@pytest.mark.parametrize(("q", "expected"), [(0.001, "as in"), (0.05, "unlike"), (0.15, "unlike"), (np.nan, "unlike")])
def test_shifts_that_are_not_significant_are_no_fall(q, expected):
    assert said(0.0, (-0.04, -0.05), q) == expected


def test_a_change_that_rounds_to_nothing_is_not_minus_nothing():
    rows = [("scale", 0.5, 0.0), ("offset", -0.05, -0.00001), ("offset", 0.05, -0.02)]
    table = pd.DataFrame(rows, columns=["intervention", "level", "difference"])
    table = table.assign(layer="h", split="train", q_value=1.0, samples=10_000)
    line = published_pattern("h", Effects(table, pd.DataFrame(), {}, {}))
    assert "by +0.00 (down) and -2.00 (up)" in line


def test_a_small_range_does_not_look_like_one_level():
    line = sensitivity("h", {"scale": (1.0, 1.04), "offset": (-0.01, 0.0)}, ACCURACY)
    assert "from 1 to 1.04 times the activations, and for boundaries moved by -1.0% to +0.0%" in line


def test_a_range_of_one_level_is_not_given_as_a_range():
    line = sensitivity("h", {"scale": (1.0, 1.0), "offset": (0.0, 0.0)}, ACCURACY)
    assert line == (
        "h: accuracy stays within one point at no other scale of the activations that was tried, and for no move of "
        "the boundaries that was tried."
    )
