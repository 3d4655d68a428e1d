"""When one candidate does significantly better than another."""

import numpy as np
import pytest

from interp.checkpoints.inference.candidates.trial import scores_differ


def rights(gained, lost, rows=1000):
    """Give two sets of right answers that differ in so many rows either way."""
    ours, theirs = np.ones((2, rows), bool)
    theirs[:gained] = False
    ours[gained : gained + lost] = False
    return ours, theirs


@pytest.mark.parametrize(
    ("gained", "lost", "differ"),
    [(12, 5, False), (30, 14, False), (30, 10, False), (11, 0, True), (40, 10, True), (10, 40, False)],
)
def test_rights_differ_at_one_in_a_thousand(gained, lost, differ):
    """McNemar's exact p-values: 0.14, 0.02, 0.002; 0.001, 0.00002, and that on the wrong side."""
    assert scores_differ(*rights(gained, lost)) == differ


@pytest.mark.parametrize(("t", "differ"), [(1.5, False), (2.5, False), (3.0, False), (4.0, True), (-4.0, False)])
def test_numbers_differ_at_one_in_a_thousand(t, differ):
    """Paired differences of 100 rows whose t is this; the two-sided 0.1 % point is 3.39."""
    spread = np.random.default_rng(0).normal(size=100)
    change = (spread - spread.mean()) / spread.std(ddof=1) + t / 10
    theirs = np.linspace(-1, 1, 100)
    assert scores_differ(theirs + change, theirs) == differ
