"""What the network's score is shown beside: models that are fitted in little memory, however large the inputs are."""

import tracemalloc
from contextlib import contextmanager

import numpy as np
import pytest
import sklearn.linear_model  # noqa: F401 - its import would be counted
import torch

from interp.tasks import simple
from interp.tasks.simple import rows_fitted, simple_model
from interp.tasks.simple_fits import least_squares


@contextmanager
def at_most(size):
    """Fail where arrays of more bytes than `size` are held at once."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < size


def test_rows_are_as_many_as_their_values_allow():
    assert [rows_fitted(columns) for columns in (0, 1, 784, 3072)] == [10_000] * 4
    assert rows_fitted(3 * 224 * 224) * 3 * 224 * 224 <= 31_000_000
    assert rows_fitted(10**9) == 100


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_large_inputs_are_fitted_on_fewer_rows_and_the_page_says_so(task, monkeypatch):
    monkeypatch.setattr(simple, "FITTED", 200_000)
    x = np.random.default_rng(0).normal(size=(2000, 500)).astype(np.float32)
    x[:1000] += 1
    y = np.repeat([0, 1], 1000) if task == "classification" else x.sum(1, keepdims=True).astype(np.float64)
    with at_most(50 * 200_000):  # float64 and its copies; all rows would take 5 times as much
        found = simple_model(task, x, y, x[::100], y[::100])
    assert found.what.endswith("; fitted to 400 training samples")
    assert found.score > 0.5
    few = simple_model(task, x[:300], y[:300], x[::100], y[::100])
    assert "fitted to 300" not in few.what


def test_least_squares_is_solved_in_the_smaller_dimension():
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(40, 4000)))
    with at_most(32_000_000):  # products of all columns would take 128 MB
        _, predict, scored = least_squares(x, x[:, :2])
        assert scored(predict(x), x[:, :2]) > 0.99
