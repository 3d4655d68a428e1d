from dataclasses import replace

import numpy as np
import pytest
import torch
from verdict.reading.examples import distances, intensities, random_network

from interp.types.annotations.held import Misfit, check_shapes
from interp.verdict.reading.levels import Levels, count_levels

CUTS = [0.001, 0.2, 0.5]
"""Quantiles; the first lies below the smallest of 300 values."""


def conditional_means(learn, apply, quantiles):
    """The definition, node by node: bounds and means of some samples, put in place of the values of others."""
    changed = apply.clone()
    for node in range(learn.shape[1]):
        ordered = learn[:, node].sort().values
        bounds = [ordered[max(round(q * len(ordered)) - 1, 0)] for q in quantiles]
        level = lambda values, bounds=bounds: sum((values > b).long() for b in bounds)  # noqa: E731
        own, other = level(learn[:, node]), level(apply[:, node])
        for one in range(len(bounds) + 1):
            if (own == one).any():
                changed[other == one, node] = learn[own == one, node].mean()
            else:
                changed[other == one, node] = 0.0
    return changed


@pytest.mark.parametrize("quantiles", [[0.001], [0.2], [0.5], [0.25, 0.5, 0.75]])
@pytest.mark.parametrize("sparse", [False, True])
def test_kept_shares_are_those_of_the_definition(quantiles, sparse):
    following, outputs = random_network()
    outputs = (outputs - 0.6).clamp(min=0) if sparse else outputs
    changed = conditional_means(outputs[0, :300], outputs[0, 300:], quantiles)
    same = following(changed[None]).argmax(2) == following(outputs[:, 300:]).argmax(2)
    found = count_levels(following, outputs, cuts=CUTS, levels=[4])
    got = found.kept_levels[0, 0] if len(quantiles) > 1 else found.kept_at[0, CUTS.index(quantiles[0])]
    assert got == pytest.approx(float(same.float().mean()), abs=1e-6)


def test_the_best_cut_of_distances_is_low_and_that_of_intensities_high():
    near, strong = (count_levels(*example()) for example in (distances, intensities))
    assert near.best_cut[0] < 0.3 < 0.7 < strong.best_cut[0]
    assert near.kept[0] > 0.95
    assert strong.kept[0] > 0.95
    assert near.needed()[0] > 2  # two levels of equally many values cut at the median, which is the wrong place


def test_values_that_have_few_levels_need_no_more():
    outputs = torch.randint(0, 3, (1, 400, 8), generator=torch.Generator().manual_seed(0)).float()
    weight = torch.randn(8, 5, generator=torch.Generator().manual_seed(1))
    found = count_levels(lambda a: a @ weight, outputs, levels=[2, 8])
    assert found.kept_levels[0].tolist() == [pytest.approx(found.kept_levels[0, 0]), 1.0]
    assert found.needed()[0] == 8.0


def test_the_half_that_measures_has_no_part_in_the_choice():
    following, outputs = distances()
    other = outputs.clone()
    other[:, 300:] = other[:, 300:].flip(1)
    one, two = (count_levels(following, part) for part in (outputs, other))
    np.testing.assert_array_equal(one.kept_choosing, two.kept_choosing)
    np.testing.assert_array_equal(one.best_cut, two.best_cut)


@pytest.mark.parametrize(
    ("kept", "needed"),
    [([0.5, 0.96, 0.97], 3.0), ([0.96, 0.9, 0.97], 4.0), ([0.99, 0.99, 0.99], 2.0), ([0.5, 0.6, 0.94], np.inf)],
)
def test_levels_that_are_needed_are_enough_from_there_on(kept, needed):
    nothing = np.zeros((1, 1))
    found = Levels(np.array([0.5]), nothing, nothing, np.array([2, 3, 4]), np.array([kept]))
    assert found.needed()[0] == needed


def test_levels_of_another_shape_than_their_networks_are_told():
    found = count_levels(*random_network(), cuts=CUTS, levels=[4])
    check_shapes(found)
    for wrong in ({"kept_at": found.kept_at[:, 1:]}, {"cuts": found.kept_at}, {"kept_levels": found.levels}):
        with pytest.raises(Misfit, match="Levels"):
            check_shapes(replace(found, **wrong))
