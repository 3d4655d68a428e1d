"""A reading that leaves slopes which training would have removed is doubted; one that was trained is not."""

from math import exp

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from checkpoints.planted import DIGITS, planted
from interp.checkpoints import load_model
from interp.checkpoints.inference.candidates.candidate import Candidate
from interp.checkpoints.inference.candidates.trial import Trial
from interp.checkpoints.inference.stack.state import layer_stack
from interp.checkpoints.inference.weighing.doubt import AS_MANY, doubt_of_slopes
from interp.checkpoints.inference.weighing.signs import SMALL, Signs, signs_of
from interp.data import scalings
from interp.tasks import CLASSIFICATION
from interp.types import Scaling


def under(activation, name):
    """Give the doubt about a network that was trained under one activation and is read under another."""
    scaling, train = scalings(DIGITS)["x/16"], DIGITS.train
    layers = layer_stack(planted(activation=activation).state_dict(), "net").layers
    scorer = CLASSIFICATION.scorer(train.labels, scaling)
    signs = signs_of(layers, Candidate(scaling, name, "linear"), train.inputs, train.labels, scorer)
    return doubt_of_slopes(signs, len(train))


@pytest.mark.parametrize("activation", ["relu", "tanh", "abs", "sigmoid"])
def test_what_was_trained_is_not_doubted(activation):
    assert under(activation, activation) is None


@pytest.mark.parametrize(("activation", "name"), [("relu", "elu"), ("sigmoid", "tanh")])
def test_what_was_not_is(activation, name):
    found = under(activation, name)
    assert "which training would have removed" in found.why
    assert found.is_large


def said(t, in_weights, loss=0.1, kinds=0, looked_at=9, rows=9):
    """Give the doubt where slopes have these squared t values, in the output biases and in weights."""
    values = np.array([0, 0, np.log(t + SMALL), np.log(in_weights), kinds])
    trial = Trial(Candidate(Scaling("raw"), "relu", "linear"), np.ones(looked_at), loss)
    return doubt_of_slopes(Signs(trial, values), rows)


def test_slopes_at_both_places_are_asked_for_and_a_loss_of_nothing_has_none():
    found = said(9, exp(2))
    assert (
        "squared t values of 9.0 in the output biases and 7.4 in the weights (near 1 once training has converged)"
        in found.why
    )
    assert found.is_large
    assert [said(1, exp(2)), said(9, 1), said(9, exp(2), loss=1e-6)] == [None, None, None]
    assert said(4, exp(2)) is None
    assert said(4, exp(2), kinds=1).is_large


@pytest.mark.parametrize("t", [7, 30])
@pytest.mark.parametrize("times", [1, 4, 40])
def test_of_rows_drawn_of_many_it_is_the_size_that_counts(t, times):
    """Slopes of one size have squared t values, but for the 1 of noise, that grow with the number of rows."""
    few = said(t, t, looked_at=AS_MANY, rows=60_000)
    more = said(1 + times * (t - 1), 1 + times * (t - 1), looked_at=times * AS_MANY, rows=60_000)
    assert few.is_large
    assert more.is_large
    smaller = said(1 + times * (5.9 - 1), 1 + times * (5.9 - 1), looked_at=times * AS_MANY, rows=60_000)
    assert smaller is None if times == 1 else not smaller.is_large
    assert said(t, t, looked_at=times * AS_MANY, rows=times * AS_MANY).is_large  # of all rows, none is left at rest


def test_a_training_that_was_stopped_early_is_no_doubtful_network(tmp_path):
    """Two epochs of Adam at a constant rate leave slopes that thousands of rows show, and nothing is misread."""
    torch.manual_seed(0)
    centres, labels = torch.randn(40, 16), torch.randint(0, 40, (16_000,))
    inputs = centres[labels] + 0.7 * torch.randn(16_000, 16)
    labels = labels % 10
    net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 10))
    optimiser = torch.optim.Adam(net.parameters(), 0.01)
    for some in torch.randperm(16_000).repeat(2).split(64):
        optimiser.zero_grad()
        F.cross_entropy(net(inputs[some]), labels[some]).backward()
        optimiser.step()
    torch.save(net.state_dict(), tmp_path / "net.pt")
    model, _ = load_model(tmp_path / "net.pt", (inputs.numpy(), labels.numpy()))
    fit, activation = model.inferred["fit"], model.inferred["activation"]
    assert fit.value == "as expected"
    assert activation.value == "relu"
    assert activation.confidence == "uncertain"
    assert "slopes of the loss are left" in model.inferred["input_scaling"].evidence
