"""Scores and losses of every task beside scikit-learn's."""

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, log_loss, mean_squared_error, r2_score

from interp.tasks import TASKS
from interp.types import Scaling, Split

RNG = np.random.default_rng(0)
RAW = Scaling("raw")


def scored(task, outputs, values, form="linear", scaling=RAW):
    scores, loss = TASKS[task].scorer(values, scaling)(torch.from_numpy(outputs), torch.from_numpy(values), form)
    return float(scores.double().mean()), float(loss.double().mean())


@pytest.mark.parametrize("columns", [1, 3])
def test_regression(columns):
    values = RNG.normal(5, [2, 200, 0.01][:columns], (500, columns))
    outputs = values + RNG.normal(0, 0.3, (500, columns)) * values.std(0)
    score, loss = scored("regression", outputs, values)
    assert score == pytest.approx(r2_score(values, outputs), abs=1e-12)
    assert loss == pytest.approx(mean_squared_error(values, outputs))


def test_predicting_the_mean_scores_nothing():
    values = RNG.normal(3, 2, (100, 2))
    assert scored("regression", np.tile(values.mean(0), (100, 1)), values)[0] == pytest.approx(0, abs=1e-12)


def test_a_target_that_does_not_vary_is_left_out():
    values = np.c_[RNG.normal(size=50), np.full(50, 7.0)]
    outputs = values + RNG.normal(0, 0.1, (50, 2))
    assert scored("regression", outputs, values)[0] == pytest.approx(r2_score(values[:, 0], outputs[:, 0]))


def test_autoencoder_in_the_units_that_the_network_sees():
    inputs = RNG.integers(0, 256, (300, 6)).astype(np.uint8)
    inputs[:, 0] = 9
    scaling = Scaling("x/255", 255.0)
    outputs = inputs / 255 + RNG.normal(0, 0.1, (300, 6))
    score, loss = scored("autoencoder", outputs, inputs, scaling=scaling)
    assert score == pytest.approx(r2_score(inputs / 255, outputs, multioutput="variance_weighted"), abs=1e-6)
    assert loss == pytest.approx(mean_squared_error(inputs / 255, outputs), rel=1e-5)


def test_targets_of_an_autoencoder_are_compared_as_they_are_given():
    inputs = RNG.integers(0, 256, (300, 6)).astype(np.uint8)
    targets = (inputs / 255 - 0.5) / RNG.uniform(0.2, 0.4, 6)
    outputs = targets + RNG.normal(0, 0.1, (300, 6))
    split, task = Split(inputs, None, targets), TASKS["autoencoder"]
    assert task.answers(split) is targets
    scorer = task.scorer_of(split, targets, Scaling("x/255", 255.0))
    score, _ = scorer(torch.from_numpy(outputs), torch.from_numpy(targets), "linear")
    assert score.mean().item() == pytest.approx(r2_score(targets, outputs, multioutput="variance_weighted"), abs=1e-6)


@pytest.mark.parametrize("form", ["linear", "sigmoid"])
def test_several_labels(form):
    values = RNG.integers(0, 2, (200, 3)).astype(np.uint8)
    logits = RNG.normal(0, 1, (200, 3)) + 3 * (values - 0.5)
    chance = 1 / (1 + np.exp(-logits))
    score, loss = scored("multi-label", logits if form == "linear" else chance, values, form)
    assert score == pytest.approx(accuracy_score(values, logits > 0))
    assert loss == pytest.approx(log_loss(values.ravel(), chance.ravel()), rel=1e-6)


def test_one_output_is_binary():
    values = RNG.integers(0, 2, 100)
    outputs = RNG.normal(size=(100, 1))
    assert scored("binary", outputs, values)[0] == pytest.approx(accuracy_score(values, outputs[:, 0] > 0))


@pytest.mark.parametrize("task", TASKS)
def test_every_network_agrees_with_itself(task):
    outputs = torch.from_numpy(RNG.normal(size=(60, 1 if task == "binary" else 4)))
    own = TASKS[task].own_answers(outputs, "linear")
    scores, _ = TASKS[task].own_scorer(outputs.numpy())(outputs, own, "linear")
    assert float(scores.double().mean()) == 1


def test_what_outputs_are_compared_with():
    split = Split(np.ones((2, 3)), np.array([0, 1]), np.zeros((2, 1)))
    assert TASKS["autoencoder"].answers(split) is split.inputs
    assert TASKS["binary"].answers(split) is split.labels
    assert TASKS["regression"].answers(split) is split.targets


def test_far_from_zero_variances_keep_their_digits():
    values = RNG.normal(1e6, 1, (20_000, 1))
    outputs = values + RNG.normal(0, 0.5, (20_000, 1))
    assert scored("regression", outputs, values)[0] == pytest.approx(r2_score(values, outputs), abs=1e-6)
