"""What a layer bears, and what its control bears, from planted sweeps."""

import numpy as np
import pandas as pd
import pytest

from interp.interventions.tolerance import Tolerance, connected, tolerances


def control(scale_from=0.2, shift=0.1, other_from=0.9, other_shift=0.05):
    rows = []
    for network, low, wide in (("given", scale_from, shift), ("shuffled", other_from, other_shift)):
        rows += [(network, "a", "scale", x, 100, 1.0 if x >= low else 0.5) for x in np.linspace(0, 2, 21).round(2)]
        rows += [
            (network, "a", "offset", x, 100, 1.0 if abs(x) <= wide else 0.5) for x in np.linspace(-1, 1, 41).round(3)
        ]
    return pd.DataFrame(rows, columns=["network", "layer", "intervention", "level", "samples", "agreement"])


def test_planted_ranges_are_read_off():
    found = tolerances(control(), "a")
    assert found["given"] == Tolerance((0.2, 2.0), (-0.1, 0.1))
    assert found["shuffled"] == Tolerance((0.9, 2.0), (-0.05, 0.05))
    assert found["given"].ratio == pytest.approx(8)
    assert found["shuffled"].ratio == pytest.approx(2)


def test_a_stretch_ends_where_it_first_costs_a_point():
    level = np.array([3.0, 0.0, 1.0, 2.0, -1.0])
    cost = np.array([0.0, 0.0, 0.0, 0.01, 0.02])
    assert connected(level, cost, 0.0) == (0.0, 1.0)


def test_nothing_borne_is_an_infinite_ratio_and_nothing_run_is_nothing():
    assert Tolerance((0.5, 1.0), (0.0, 0.0)).ratio == float("inf")
    assert tolerances(pd.DataFrame(), "a") == {}
    assert tolerances(control(), "b") == {}
