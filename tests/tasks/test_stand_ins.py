"""Stand-ins are least squares and nearest means, for rows of any number and inputs of any rank."""

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestCentroid

from interp.tasks.stand_ins import SHARE, of_classes, of_labels, of_values

RNG = np.random.default_rng(0)


def tensors(*arrays):
    return [torch.from_numpy(np.asarray(array)) for array in arrays]


def linear_r2(x, y):
    """R² of least squares by singular values."""
    full = np.c_[x, np.ones(len(x))].astype(float)
    left = y - full @ np.linalg.lstsq(full, y, rcond=None)[0]
    return float((1 - left.var(axis=0) / y.var(axis=0)).mean())


def collinear(rows, columns):
    """Inputs with a constant column, and one that is exactly the sum of two others."""
    x = np.round(8 * RNG.normal(size=(rows, columns))).astype(np.float32) / 8
    x[:, 0], x[:, 1] = 0, x[:, 2] + x[:, 3]
    return x


@pytest.mark.parametrize("targets", [1, 2])
@pytest.mark.parametrize(("rows", "columns"), [(200, 12), (300, 60), (20, 90)])
def test_values_are_fitted_as_by_singular_values(rows, columns, targets):
    x = collinear(rows, columns)
    y = x[:, [2, 5][:targets]] + RNG.normal(size=(rows, targets))
    (found,) = of_values(*tensors(x, y), None, 0).values()
    assert found == pytest.approx(SHARE * linear_r2(x, y), abs=1e-4)  # the penalty takes a millionth of the scale


def test_a_class_is_that_of_the_nearest_mean():
    y = np.repeat([0, 2, 5], 40)
    x = (RNG.normal(size=(120, 4)) + y[:, None] / 3).astype(np.float32)
    wanted = NearestCentroid().fit(x, y).score(x, y)
    assert 0.5 < wanted < 1
    assert of_classes(*tensors(x, y), None, 0) == {"nearest class means": pytest.approx(wanted, abs=1e-9)}


def test_what_cannot_be_told_apart_is_no_error():
    x, y = np.zeros((6, 3), np.float32), np.array([1, 1, 1, 1, 2, 2])
    found = of_classes(*tensors(x, y), 4, 0)
    assert found["random features of its width"] == pytest.approx(4 / 6)
    assert found["nearest class means"] in (pytest.approx(4 / 6), pytest.approx(2 / 6))
    for only in (0, 1):
        assert set(of_classes(*tensors(x, np.full(6, only)), 4, 0).values()) == {1.0}


def test_random_features_tell_labels_that_no_plane_does():
    x = RNG.normal(size=(300, 2)).astype(np.float32)
    y = np.stack([np.abs(x[:, 0]) > 0.7, x[:, 1] > 0], 1).astype(np.uint8)
    (few,), (many,) = (of_labels(*tensors(x, y), width, 0).values() for width in (1, 200))
    assert few < 0.8 < 0.95 < many
    (one,) = of_labels(*tensors(x, y[:, :1]), 200, 0).values()
    assert one > 0.95
