"""Merging in any order and grouping gives what one block of all rows gives."""

import numpy as np
import pytest

from interp.analysis.mergeable.classes import ClassMoments
from interp.analysis.mergeable.coactivity import Coactivity
from interp.analysis.mergeable.cross import CrossMoments
from interp.analysis.mergeable.histograms import DyadicHistogram
from interp.analysis.mergeable.layers import LayerStatistics, merged
from interp.analysis.mergeable.strongest import Strongest
from interp.analysis.moments import Moments

ROWS, NODES, INPUTS, CLASSES = 400, 5, 7, 3


def rows(seed):
    """Values of different size, place and kind: one node constant, one of few values, one with a heavy tail."""
    rng = np.random.default_rng(seed)
    z = rng.normal(rng.normal(0, 3, NODES), rng.uniform(0.1, 4, NODES), (ROWS, NODES))
    z[:, 1] = 2.5
    z[:, 2] = rng.integers(-2, 3, ROWS)
    z[:, 3] = rng.standard_cauchy(ROWS)
    return z.astype(np.float32), rng.normal(1, 2, (ROWS, INPUTS)), rng.integers(0, CLASSES, ROWS)


def in_any_grouping(parts, rng):
    """Merge two at random until one is left: any order, any tree."""
    left = list(parts)
    while len(left) > 1:
        first, second = (left.pop(rng.integers(len(left))) for _ in range(2))
        left.append(first.merge(second))
    return left[0]


def blocks(seed):
    """Cut rows in random order into blocks of random sizes, some of one row."""
    rng = np.random.default_rng(seed)
    cuts = np.unique(rng.integers(1, ROWS, rng.integers(1, 40)))
    return np.split(rng.permutation(ROWS), cuts), rng


def apart(found, wanted, scale):
    """Largest difference in units of a natural scale; 0 where both are the same."""
    difference = np.abs(np.asarray(found) - wanted)
    return float(np.max(np.where(difference == 0, 0, difference / np.where(scale > 0, scale, np.finfo(float).tiny))))


def assert_moments(found, whole, z):
    """To 1e-12 of the sums of sizes that each sum is made of: what rounding in another order can change."""
    size = np.abs(np.asarray(z, np.float64) - whole.mean)
    assert found.count == whole.count
    assert apart(found.mean, whole.mean, np.abs(z).max(axis=0)) < 1e-12
    for power, name in ((2, "m2"), (3, "m3"), (4, "m4")):
        assert apart(getattr(found, name), getattr(whole, name), (size**power).sum(axis=0)) < 1e-12
    np.testing.assert_array_equal([found.minimum, found.maximum], [whole.minimum, whole.maximum])


@pytest.mark.parametrize("seed", range(25))
def test_any_order_and_grouping_gives_the_same(seed):
    z, inputs, labels = rows(seed)
    parts, rng = blocks(seed)
    whole = LayerStatistics.of(z, np.arange(ROWS), labels, z, inputs)
    found = in_any_grouping(
        [LayerStatistics.of(z[part], part, labels[part], z[part], inputs[part]) for part in parts], rng
    )
    assert_moments(found.moments, whole.moments, z)
    assert list(found.by_class.of_class) == list(whole.by_class.of_class)
    for label, moments in found.by_class.of_class.items():
        assert_moments(moments, whole.by_class.of_class[label], z[labels == int(label)])
    for name in ("minimum", "maximum", "power", "first", "counts"):
        np.testing.assert_array_equal(getattr(found.histogram, name), getattr(whole.histogram, name))
    scale = np.abs(inputs - inputs.mean(axis=0)).T @ np.abs(z - whole.moments.mean)
    assert apart(found.cross.products, whole.cross.products, scale) < 1e-12
    for name in ("largest", "smallest"):
        np.testing.assert_array_equal(getattr(found, name).values, getattr(whole, name).values)
        np.testing.assert_array_equal(getattr(found, name).samples, getattr(whole, name).samples)
    np.testing.assert_array_equal(found.coactivity.together, whole.coactivity.together)


def test_a_small_spread_far_from_zero_is_kept():
    """1000 ± 0.01 in float32; the mean of squares less the square of the mean gives nothing of it."""
    z = (1000 + 0.01 * np.random.default_rng(0).normal(size=(20_000, 1))).astype(np.float32)
    exact = np.var(z.astype(np.longdouble))
    parts, rng = np.array_split(z, 313), np.random.default_rng(1)
    found = in_any_grouping([Moments.of(part) for part in parts], rng)
    assert abs(found.var[0] / exact - 1) < 1e-6
    assert abs(found.var[0] / 0.01**2 - 1) < 0.05  # float32 has steps of 6e-5 there
    naive = np.mean(z**2) - np.mean(z) ** 2
    assert abs(naive / exact - 1) > 0.01
    crossed = in_any_grouping([CrossMoments.of(part, part) for part in parts], rng)
    assert abs(crossed.covariance[0, 0] / exact - 1) < 1e-6


# --------------------------------------------------------------------------- each against what it is


def test_cross_moments_are_numpys():
    z, inputs, _ = rows(3)
    wanted = np.cov(inputs.T, z.T.astype(np.float64), bias=True)[:INPUTS, INPUTS:]
    np.testing.assert_allclose(CrossMoments.of(inputs, z).covariance, wanted, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.25, 0.5, 0.9, 1.0])
def test_quantiles_are_those_of_the_values_to_a_bin(share):
    z = np.random.default_rng(0).normal([0, 1000, -3], [1, 0.01, 50], (5000, 3))
    found = DyadicHistogram.of(z)
    off = np.abs(found.quantile(share) - np.quantile(z, share, axis=0, method="inverted_cdf"))
    assert (off <= np.ldexp(1.0, found.power)).all()
    assert (np.ldexp(1.0, found.power) <= 2.1 * np.ptp(z, axis=0) / 1024).all()


def test_counts_are_numpys_between_the_same_edges():
    z = np.random.default_rng(0).normal(size=(1000, 2))
    found = DyadicHistogram.of(z, 64)
    for node in range(2):
        edges = np.ldexp(found.first[node] + np.arange(65.0), found.power[node])
        np.testing.assert_array_equal(found.counts[node], np.histogram(z[:, node], edges)[0])


@pytest.mark.parametrize("value", [0.0, 1.0, -1e-30, 1e30, 1000.1])
def test_a_constant_is_in_one_bin_until_another_value_comes(value):
    alone = DyadicHistogram.of(np.full((9, 1), value))
    assert (alone.counts.max(), alone.quantile(0.5)[0]) == (9, value)
    both = alone.merge(DyadicHistogram.of(np.array([[3.0]])))
    whole = DyadicHistogram.of(np.array([[value]] * 9 + [[3.0]]))
    assert both.counts.sum() == 10
    np.testing.assert_array_equal(both.counts, whole.counts)
    np.testing.assert_array_equal([both.power, both.first], [whole.power, whole.first])


def test_the_strongest_samples_and_ties():
    z = np.array([[3.0, 1.0], [5.0, 1.0], [3.0, 1.0], [4.0, 0.0]])
    found = Strongest.of(z, np.array([10, 11, 9, 13]), 3)
    assert found.values.T.tolist() == [[5, 4, 3], [1, 1, 1]]
    assert found.samples.T.tolist() == [[11, 13, 9], [9, 10, 11]]
    assert Strongest.of(z[:1], np.array([10]), 3).merge(Strongest.of(z[1:2], np.array([11]), 3)).values.shape == (2, 2)


def test_coactivity():
    active = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 0]], bool)
    found = Coactivity.of(active)
    assert found.together.tolist() == [[3, 2, 0], [2, 2, 0], [0, 0, 0]]
    np.testing.assert_allclose(found.jaccard, [[1, 2 / 3, 0], [2 / 3, 1, 0], [0, 0, 0]])


def test_a_class_that_one_part_alone_has():
    first, second = ClassMoments.of(np.ones((2, 1)), np.array([2, 2])), ClassMoments.of(np.zeros((1, 1)), np.array([0]))
    assert {label: part.count for label, part in first.merge(second).of_class.items()} == {"0": 1, "2": 2}


def test_parts_without_classes():
    z, _, _ = rows(0)
    parts = [LayerStatistics.of(z[part], part) for part in np.array_split(np.arange(ROWS), 4)]
    assert merged(parts).by_class is None
