"""Which task is recognised by what facts, and in which words: against the words themselves."""

import numpy as np
import pytest

from interp.errors import DataError, UsageError
from interp.tasks import data_for, infer_task
from interp.types import Dataset, Split

THREE, FIVE, PAIR = np.array([0, 1, 2, 2]), np.array([0, 1, 4, 2]), np.array([0, 1, 1, 0])
FLAGS = np.array([[1, 0], [1, 1], [0, 0], [0, 1]], np.uint8)
VALUES = np.array([[0.5, 1.0], [2.0, -1.0], [0.0, 3.5], [1.0, 1.0]])


def drawn(labels, targets, width):
    return Dataset("mine", {"train": Split(np.zeros((4, width), np.float32), labels, targets)}, None, (), (), "d" * 64)


@pytest.mark.parametrize(
    ("labels", "targets", "width", "outputs", "task", "evidence"),
    [
        (THREE, None, 6, 4, "classification", "labels are class indices from 0 to 2, 4 outputs"),
        (THREE, None, 3, 3, "classification", "labels are class indices from 0 to 2, 3 outputs"),
        (PAIR, None, 6, 1, "binary", "labels of two classes, one output"),
        (FIVE, None, 6, 1, "regression", "labels are whole numbers up to 4, and there is one output"),
        (None, FLAGS, 6, 2, "multi-label", "2 zeros and ones a row, several of them set"),
        (None, VALUES, 6, 2, "regression", "targets are measured values, 2 a row"),
        (None, None, 6, 6, "autoencoder", "as many outputs as inputs, 6"),
        (THREE, None, 6, 6, "autoencoder", "as many outputs as inputs, 6, not the 3 classes of the labels"),
        (None, VALUES, 2, 2, "regression", "targets are measured values, 2 a row"),
    ],
)
def test_what_is_recognised_and_why(labels, targets, width, outputs, task, evidence):
    found = infer_task(drawn(labels, targets, width), outputs, None)
    assert (found.value, found.confidence, found.evidence) == (task, "likely", evidence)


PIXELS = np.random.default_rng(0).integers(0, 17, (40, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    ("targets", "task", "evidence"),
    [
        (PIXELS / 16, "autoencoder", "targets are the inputs, scaled, 3 a row"),
        ((PIXELS / 16 - 0.3) / [0.2, 0.3, 0.4], "autoencoder", "targets are the inputs, scaled, 3 a row"),
        (PIXELS.astype(float), "autoencoder", "targets are the inputs, 3 a row"),
        ((PIXELS > 8).astype(np.uint8), "multi-label", "3 zeros and ones a row, several of them set"),
        (PIXELS[:, ::-1] / 16, "regression", "targets are measured values, 3 a row"),
        (1 - PIXELS / 16, "regression", "targets are measured values, 3 a row"),
        (np.sqrt(PIXELS), "regression", "targets are measured values, 3 a row"),
    ],
    ids=["divided", "by column", "the same", "above", "in another order", "inverted", "bent"],
)
def test_targets_that_are_scaled_inputs_are_those_of_an_autoencoder(targets, task, evidence):
    data = Dataset("mine", {"train": Split(PIXELS, None, targets)}, None, (), (), "d" * 64)
    found = infer_task(data, 3, None)
    assert (found.value, found.evidence) == (task, evidence)
    kept = data_for(data, "autoencoder", 3).train.targets
    assert kept is (targets if evidence.startswith("targets are the inputs, scaled") else None)


def test_zeros_and_ones_that_are_given_back():
    bits = (PIXELS > 8).astype(np.uint8)
    data = Dataset("mine", {"train": Split(bits, None, bits)}, None, (), (), "d" * 64)
    assert infer_task(data, 3, None).value == "autoencoder"


def test_one_column_that_is_a_line_in_one_input_is_a_regression():
    x = PIXELS[:, :1]
    assert (
        infer_task(Dataset("m", {"train": Split(x, None, x / 16)}, None, (), (), "d" * 64), 1, None).value
        == "regression"
    )


@pytest.mark.parametrize(
    ("data", "why"), [(drawn(None, None, 6), "the data have no labels"), (None, "no data")], ids=["unlabelled", "none"]
)
@pytest.mark.parametrize(
    ("outputs", "task", "others"),
    [
        (3, "classification", "3 outputs may be multi-label or regression"),
        (1, "binary", "one output may be regression"),
    ],
)
@pytest.mark.parametrize("form", ["", "linear", "tanh"])
def test_what_nothing_tells_is_a_guess_that_names_the_others(data, why, outputs, task, others, form):
    found = infer_task(data, outputs, None, form)
    assert (found.value, found.confidence) == (task, "uncertain")
    assert found.evidence == f"assumed: {why}; {others} as well"


@pytest.mark.parametrize(
    ("outputs", "form", "task", "evidence"),
    [
        (1, "sigmoid", "binary", "no data; the one output is a probability, behind a sigmoid"),
        (
            3,
            "log-softmax",
            "classification",
            "no data; the outputs are probabilities that add up to 1, or their logarithms",
        ),
    ],
)
def test_without_labels_the_form_of_the_outputs_tells(outputs, form, task, evidence):
    found = infer_task(None, outputs, None, form)
    assert (found.value, found.confidence, found.evidence) == (task, "likely", evidence)


def test_labels_that_the_network_cannot_give_are_refused():
    with pytest.raises(DataError, match=r"mine \(train\)"):
        infer_task(drawn(FIVE, None, 6), 3, None)
    with pytest.raises(UsageError, match="found other targets in mine; expected class indices"):
        infer_task(drawn(None, VALUES, 6), 2, "classification")
