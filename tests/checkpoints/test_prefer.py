"""Which of several readings stands where the data do not tell them apart."""

import numpy as np

from interp.checkpoints.inference.prefer import finalists, prefer_simple
from interp.checkpoints.inference.readings import Reading, Score
from interp.types import Scaling

RAW, STANDARD = Scaling("raw"), Scaling("(x-mean)/std")


def score(activation, wrong, scaling=RAW, output="linear", rows=1000, loss=0.1):
    correct = np.ones(rows, bool)
    correct[:wrong] = False
    return Score(Reading(scaling, activation, output), correct, loss)


def chosen(*scores):
    found = prefer_simple(scores).reading
    assert found in finalists(scores)
    return found.activation, found.scaling.name, found.output


def test_relu_stands_across_scalings():
    best = score("softplus", 50, STANDARD)
    assert chosen(best, score("relu", 51), score("relu", 80, STANDARD)) == ("relu", "raw", "linear")


def test_a_relative_that_is_significantly_better_wins():
    best = score("softplus", 50, STANDARD)
    assert chosen(best, score("relu", 80), score("relu", 90, STANDARD)) == ("softplus", "(x-mean)/std", "linear")


def test_only_relatives_may_stand_in():
    assert chosen(score("tanh", 50), score("relu", 51)) == ("tanh", "raw", "linear")


def test_linear_output_stands_before_relu():
    activated = score("relu", 50, output="activation")
    assert chosen(activated, score("relu", 51), score("gelu", 50)) == ("relu", "raw", "linear")
    assert chosen(activated, score("relu", 90), score("gelu", 51)) == ("gelu", "raw", "linear")


def test_equally_simple_readings_are_ranked_by_accuracy_then_loss():
    assert chosen(score("relu", 50), score("relu", 49, STANDARD))[1] == "(x-mean)/std"
    assert chosen(score("relu", 50), score("relu", 50, STANDARD, loss=0.05))[1] == "(x-mean)/std"


def test_rivals_on_few_rows_run_again_but_are_not_chosen():
    best, few = score("softplus", 50), score("relu", 5, rows=100)
    assert finalists([best, few]) == [best.reading, few.reading]
    assert prefer_simple([best, few]) is best
