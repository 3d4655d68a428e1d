"""A reading that leaves slopes which training would have removed is doubted; one that was trained is not."""

import numpy as np
import pytest

from checkpoints.planted import DIGITS, planted
from interp.checkpoints.inference.candidates.candidate import Candidate
from interp.checkpoints.inference.candidates.trial import Trial
from interp.checkpoints.inference.stack.state import layer_stack
from interp.checkpoints.inference.weighing.doubt import doubt_of_slopes
from interp.checkpoints.inference.weighing.signs import SMALL, Signs, signs_of
from interp.data import scalings
from interp.tasks import CLASSIFICATION
from interp.types import Scaling


def under(activation, name):
    """Give the doubt about a network that was trained under one activation and is read under another."""
    scaling, train = scalings(DIGITS)["x/16"], DIGITS.train
    layers = layer_stack(planted(activation=activation).state_dict(), "net").layers
    scorer = CLASSIFICATION.scorer(train.labels, scaling)
    return doubt_of_slopes(signs_of(layers, Candidate(scaling, name, "linear"), train.inputs, train.labels, scorer))


@pytest.mark.parametrize("activation", ["relu", "tanh", "abs", "sigmoid"])
def test_what_was_trained_is_not_doubted(activation):
    assert under(activation, activation) == ""


@pytest.mark.parametrize(("activation", "name"), [("relu", "elu"), ("sigmoid", "tanh")])
def test_what_was_not_is(activation, name):
    assert "which training would have removed" in under(activation, name)


def test_slopes_at_both_places_are_asked_for_and_a_loss_of_nothing_has_none():
    def said(t, in_weights, loss=0.1, kinds=0):
        values = np.array([0, 0, np.log(t + SMALL), in_weights, kinds])
        return doubt_of_slopes(Signs(Trial(Candidate(Scaling("raw"), "relu", "linear"), np.ones(9), loss), values))

    assert (
        "squared t values of 9.0 in the output biases and 7.4 in the weights (near 1 once training has converged)"
        in said(9, 2)
    )
    assert [said(1, 2), said(9, 0), said(9, 2, loss=1e-6)] == ["", "", ""]
    assert said(4, 2) == ""
    assert said(4, 2, kinds=1)
