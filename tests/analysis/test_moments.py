import numpy as np
import pytest
from scipy import stats

from interp.analysis.moments import Moments, moments


def draw(rows=1000, seed=0):
    rng = np.random.default_rng(seed)
    return np.stack([rng.normal(3, 2, rows), rng.exponential(1, rows), rng.standard_t(5, rows), rng.random(rows)], 1)


def test_moments_are_those_of_scipy():
    z = draw()
    found = Moments.of(z)
    assert found.count == 1000
    np.testing.assert_allclose(found.mean, z.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(found.var, z.var(axis=0), rtol=1e-13)
    np.testing.assert_allclose(found.skewness, stats.skew(z), rtol=1e-11)
    np.testing.assert_allclose(found.kurtosis, stats.kurtosis(z), rtol=1e-11)
    np.testing.assert_array_equal(found.minimum, z.min(axis=0))
    np.testing.assert_array_equal(found.maximum, z.max(axis=0))


@pytest.mark.parametrize("sizes", [[1] * 1000, [999, 1], [1, 999], [500, 500], [7, 0, 293, 400, 300]])
def test_any_split_into_batches_gives_the_same(sizes):
    z = draw() + 50
    blocks = np.split(z, np.cumsum(sizes)[:-1])
    whole, merged = Moments.of(z), moments(blocks)
    for name in ("mean", "var", "skewness", "kurtosis"):
        np.testing.assert_allclose(getattr(merged, name), getattr(whole, name), rtol=1e-12, err_msg=name)


def test_merging_does_not_depend_on_the_order():
    parts = [Moments.of(part) for part in np.split(draw(), 4)]
    a, b, c, d = parts
    one, other = a.merge(b).merge(c).merge(d), d.merge(b).merge(a.merge(c))
    for name in ("mean", "m2", "m3", "m4"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-11, err_msg=name)


def test_a_large_mean_in_float32_costs_no_digits():
    z = np.random.default_rng(0).normal(1000, 0.1, (60_000, 1)).astype(np.float32)
    exact = z.astype(np.float64)
    found = moments(np.split(z, [1, 1, 1000, 8192, 8200, 59_999]))
    assert found.var == pytest.approx(exact.var(axis=0), rel=1e-10)
    assert found.var == pytest.approx(0.01, rel=0.02)
    assert (np.square(z).mean() - z.mean() ** 2) != pytest.approx(0.01, rel=0.5)  # what must not be done


def test_shift_and_scale_move_moments_as_they_must():
    found, moved = Moments.of(draw()), Moments.of(-3 * draw() + 7)
    np.testing.assert_allclose(moved.mean, -3 * found.mean + 7, rtol=1e-12)
    np.testing.assert_allclose(moved.var, 9 * found.var, rtol=1e-12)
    np.testing.assert_allclose(moved.skewness, -found.skewness, rtol=1e-9)
    np.testing.assert_allclose(moved.kurtosis, found.kurtosis, rtol=1e-9)


@pytest.mark.parametrize("value", [0.0, 0.1, -1 / 3, 1e5 / 7])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_constant_has_no_variance_at_all(value, dtype):
    z = np.full((1001, 1), value, dtype)
    for found in (Moments.of(z), moments(np.array_split(z, 13))):
        assert found.var == 0
        assert found.skewness == 0
        assert found.kurtosis == 0
        assert found.mean == z[0].astype(np.float64)


def test_no_rows_have_no_moments():
    with pytest.raises(AssertionError, match="moments of no rows"):
        moments([np.empty((0, 3))])
