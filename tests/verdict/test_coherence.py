"""From which share of boundaries on a layer has more at cluster means than chance gives."""

import numpy as np
import pytest
from scipy import stats

from interp.analysis import GaussianOptions, classify_boundaries, fit_gaussians
from interp.verdict.coherence import called, coherences, summed_up


@pytest.mark.parametrize(("coherent", "beaten"), [(9, False), (11, False), (12, False), (17, True)])
def test_a_share_that_chance_gives_once_in_ten_layers_is_what_chance_gives(coherent, beaten):
    """Of 40 nodes with two clusters 10 sigma apart, a fifth would lie within 0.25 sigma of a mean by chance."""
    side = np.where(np.arange(1500) % 2, -5, 5)[:, None]
    z = side + np.random.default_rng(0).normal(size=(1500, 40)) + np.where(np.arange(40) < coherent, 5, 0)
    found = classify_boundaries(fit_gaussians(z, None, GaussianOptions(components=2)))
    p_value = float(found.share_p_value[found.at_threshold])
    assert found.share[found.at_threshold] == coherent / 40
    assert p_value == pytest.approx(stats.binom.sf(coherent - 1, 40, 0.1974), rel=0.4)
    assert p_value < 0.005 if beaten else p_value > 0.05
    assert ("more" in called({"": found}).values()) == beaten


def test_layers_without_a_live_node_have_none_to_judge():
    dead = classify_boundaries(fit_gaussians(np.zeros((50, 3))))
    assert coherences({"a": dead}) == ["a: no live node to judge."]
    assert summed_up({"a": dead, "b": dead}) == ["No layer has a live node to judge."]
