"""The order of classes that explains a confusion matrix, and when nothing else does."""

import numpy as np
import pytest

from interp.checkpoints.inference.label_order import best_order, reorder

ROWS = 4000


def found(order, right=0.95, sure=0.2, noise=0):
    """Look at a network that gives the output order[i] for label i in a share of the rows, else any."""
    rng = np.random.default_rng(noise)
    order, classes = np.asarray(order), len(order)
    labels = rng.integers(0, classes, ROWS)
    predicted = np.where(rng.random(ROWS) < right, order[labels], rng.integers(0, classes, ROWS))
    unsure = sure * np.log(classes)
    return reorder(labels, predicted, predicted, lambda answers: np.full(len(answers), unsure), classes)


def rolled(classes):
    return np.roll(np.arange(classes), 1)


def test_a_full_order_of_many_classes_is_certain():
    one = found(rolled(10))
    assert one.order == tuple(rolled(10))
    assert one.is_certain
    assert one.rows == ROWS // 2
    assert one.after == pytest.approx(0.955, abs=0.02)
    assert one.before == pytest.approx(0.005, abs=0.01)
    assert one.p_value < 1e-100


@pytest.mark.parametrize(
    ("settings", "doubt"),
    [
        ({"order": [1, 0, *range(2, 10)]}, "which the network may have learned so"),
        ({"order": rolled(5)}, "with 5 classes chance may do as much"),
        ({"order": [*rolled(5), *range(5, 10)]}, "more than chance"),
        ({"order": rolled(10), "right": 0.7}, "not every class goes to one output by far"),
        ({"order": rolled(10), "sure": 0.9}, "its outputs are unsure"),
    ],
)
def test_what_leaves_a_doubt(settings, doubt):
    one = found(**settings)
    assert one.is_better
    assert not one.is_certain
    assert any(doubt in reason for reason in one.doubts)


def test_no_order_is_better_where_there_is_none():
    assert not found(np.arange(10)).is_better
    assert not any(found(np.arange(10), right=0.0, noise=seed).is_better for seed in range(20))
    assert not found(rolled(10), right=0.4).is_better


def test_held_out_rows_judge():
    """With as few rows the best order of noise is right on many of those that chose it, and no others."""
    rng = np.random.default_rng(0)
    labels, predicted = rng.integers(0, 10, 40), rng.integers(0, 10, 40)
    one = reorder(labels, predicted, predicted, lambda answers: np.ones(len(answers)), 10)
    assert one.after < 0.3


def test_of_equal_orders_the_one_that_moves_least():
    assert best_order(np.zeros((4, 4), int)).tolist() == [0, 1, 2, 3]
    assert best_order(np.array([[0, 5, 0], [5, 0, 0], [0, 0, 0]])).tolist() == [1, 0, 2]


def test_rows_without_a_prediction_count_as_wrong():
    labels = np.arange(400) % 8
    none = np.full(400, -1)
    one = reorder(labels, none, none, lambda answers: np.full(len(answers), np.nan), 8)
    assert (one.after, one.is_better) == (0.0, False)
