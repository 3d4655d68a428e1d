"""Activations and scalings take turns: what is likely of one is looked at under the other."""

import numpy as np
import pytest

from interp.checkpoints.inference.candidates.candidate import Candidate
from interp.checkpoints.inference.candidates.trial import Trial
from interp.checkpoints.inference.weighing.settled import _another
from interp.checkpoints.inference.weighing.signs import UNKNOWN, Signs
from interp.checkpoints.inference.weighing.weigh import LIKELY, Weighed
from interp.types import Scaling

RAW, UNIT = Scaling("raw"), Scaling("x/255", 255.0)


def weighed(scaling, share, loss=0.5):
    return Weighed(Signs(Trial(Candidate(scaling, "relu", "linear"), np.ones(4, bool), loss), UNKNOWN), share)


def test_another_scaling_that_is_likely_takes_the_place_of_the_one_that_stands():
    assert _another([weighed(UNIT, LIKELY), weighed(RAW, 1 - LIKELY)], RAW) == UNIT


def test_so_does_one_beside_which_nothing_speaks_for_it():
    assert _another([weighed(UNIT, 0.6), weighed(Scaling("x/2", 2.0), 0.4), weighed(RAW, 0.0)], RAW) == UNIT


@pytest.mark.parametrize(
    "scaled",
    [
        [weighed(RAW, 0.9), weighed(UNIT, 0.1)],
        [weighed(UNIT, 0.6), weighed(RAW, 0.4)],
        [weighed(UNIT, 0.9, loss=0.0), weighed(RAW, 0.1, loss=0.0)],
        [weighed(UNIT, 1.0)],
    ],
    ids=["it is the best", "not likely", "a loss of nothing", "no other"],
)
def test_else_it_stands(scaled):
    assert _another(scaled, RAW) is None
