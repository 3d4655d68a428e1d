"""Which of several candidates stands where the data do not tell them apart."""

import numpy as np

from interp.checkpoints.inference.candidates.candidate import Candidate
from interp.checkpoints.inference.candidates.prefer import finalists, prefer_simple
from interp.checkpoints.inference.candidates.trial import Trial
from interp.types import Scaling

RAW, STANDARD = Scaling("raw"), Scaling("(x-mean)/std")


def trial(activation, wrong, scaling=RAW, output="linear", rows=1000, loss=0.1):
    correct = np.ones(rows, bool)
    correct[:wrong] = False
    return Trial(Candidate(scaling, activation, output), correct, loss)


def chosen(*trials):
    found = prefer_simple(trials).candidate
    assert found in finalists(trials)
    return found.activation, found.scaling.name, found.output


def test_relu_stands_across_scalings():
    best = trial("softplus", 50, STANDARD)
    assert chosen(best, trial("relu", 51), trial("relu", 80, STANDARD)) == ("relu", "raw", "linear")


def test_a_relative_that_is_significantly_better_wins():
    best = trial("softplus", 50, STANDARD)
    assert chosen(best, trial("relu", 80), trial("relu", 90, STANDARD)) == ("softplus", "(x-mean)/std", "linear")


def test_only_relatives_may_stand_in():
    assert chosen(trial("tanh", 50), trial("relu", 51)) == ("tanh", "raw", "linear")


def test_linear_output_stands_before_relu():
    activated = trial("relu", 50, output="activation")
    assert chosen(activated, trial("relu", 51), trial("gelu", 50)) == ("relu", "raw", "linear")
    assert chosen(activated, trial("relu", 90), trial("gelu", 51)) == ("gelu", "raw", "linear")


def test_equally_simple_candidates_are_ranked_by_accuracy_then_loss():
    assert chosen(trial("relu", 50), trial("relu", 49, STANDARD))[1] == "(x-mean)/std"
    assert chosen(trial("relu", 50), trial("relu", 50, STANDARD, loss=0.05))[1] == "(x-mean)/std"


def test_rivals_on_few_rows_run_again_but_are_not_chosen():
    best, few = trial("softplus", 50), trial("relu", 5, rows=100)
    assert finalists([best, few]) == [best.candidate, few.candidate]
    assert prefer_simple([best, few]) is best
