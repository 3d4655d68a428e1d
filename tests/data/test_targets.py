"""What targets are is read off their dtype, shape and values."""

import numpy as np
import pytest

from interp.data.targets import read_targets
from interp.errors import DataError

INDICES = np.array([0, 2, 1, 1])


@pytest.mark.parametrize(
    "values",
    [INDICES, INDICES.astype(np.float32), INDICES[:, None], INDICES.astype(np.uint8), np.eye(3)[INDICES]],
)
def test_class_indices(values):
    labels, targets = read_targets("y", values, 4)
    assert labels.tolist() == [0, 2, 1, 1]
    assert labels.dtype == np.int64
    assert targets is None


def test_whole_numbers_beyond_a_thousand_classes_are_measured_values():
    assert read_targets("y", np.array([0, 999]), 2)[0].tolist() == [0, 999]
    assert read_targets("y", np.array([0, 1000]), 2)[0] is None


def test_booleans_are_two_classes():
    assert read_targets("y", np.array([True, False]), 2)[0].tolist() == [1, 0]


@pytest.mark.parametrize("rows", [[[1, 1, 0], [0, 0, 1]], [[0, 0, 0], [0, 1, 0]]])
def test_several_labels_a_row(rows):
    labels, targets = read_targets("y", np.array(rows, float), 2)
    assert labels is None
    assert targets.dtype == np.uint8
    assert targets.tolist() == rows


@pytest.mark.parametrize("values", [[0.5, 1, 2, 3], [-1.0, 1, 1, -1], [0, 1, 2, 5000]])
def test_measured_values(values):
    labels, targets = read_targets("y", np.array(values), 4)
    assert labels is None
    assert targets.dtype == np.float64
    assert targets[:, 0].tolist() == values


def test_several_measured_values():
    values = np.arange(8.0).reshape(4, 2)
    np.testing.assert_array_equal(read_targets("y", values, 4)[1], values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.array([[0.5, np.nan], [1, 2]]), "no label in row 0"),
        (np.array([-1, 0]), "label -1; expected labels from 0"),
        (np.array(["a", "b"]), "labels of type <U1"),
        (np.array([1, 2, 3]), "3 labels; expected 2"),
    ],
)
def test_refused(values, message):
    with pytest.raises(DataError, match=message):
        read_targets("y", values, 2)
