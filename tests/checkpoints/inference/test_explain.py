"""What is said of a fact by scores: firm where every other value does worse, its close relatives too."""

from dataclasses import replace

import numpy as np
import pytest

from interp.checkpoints.inference.candidates.candidate import Candidate
from interp.checkpoints.inference.candidates.trial import Trial
from interp.checkpoints.inference.explain import FACTS, explain
from interp.types import Scaling

CHOSEN = Candidate(Scaling("x/16", 16.0), "relu", "linear")


def trial(score, rows=1000, **said):
    return Trial(replace(CHOSEN, **said), np.arange(rows) < score * rows, 1.0)


@pytest.mark.parametrize(("relative", "confidence"), [(0.95, "uncertain"), (0.952, "uncertain"), (0.7, "likely")])
def test_an_activation_is_likely_only_where_its_relatives_do_worse(relative, confidence):
    """ReLU was called likely for a network with SiLU, beside the words that GELU and SiLU were not excluded."""
    trials = [trial(0.95), trial(relative, activation="silu"), trial(0.3, activation="tanh")]
    found = explain("activation", FACTS["activation"], trials[0], trials, {}, "multi-label")
    assert (found.value, found.confidence) == ("relu", confidence)
    assert ("not excluded among close relatives: silu" in found.evidence) == (confidence == "uncertain")


@pytest.mark.parametrize(("score", "confidence"), [(0.949, "uncertain"), (0.6, "likely")])
def test_a_scaling_has_no_relatives(score, confidence):
    trials = [trial(0.95), trial(score, scaling=Scaling("x/255", 255.0)), trial(0.95, activation="silu")]
    found = explain("input_scaling", FACTS["input_scaling"], trials[0], trials, {}, "multi-label")
    assert found.confidence == confidence
