"""What is said of facts that are not weighed is of the reading that stands."""

from dataclasses import replace

import numpy as np
import torch
from torch import nn

from checkpoints.planted import DIGITS
from interp.checkpoints.inference.candidates.candidate import Candidate
from interp.checkpoints.inference.candidates.trial import Trial
from interp.checkpoints.inference.dense.trials import try_dense
from interp.checkpoints.inference.explain import FACTS
from interp.checkpoints.inference.infer import infer_candidate
from interp.checkpoints.inference.restated import MOST, siblings
from interp.checkpoints.inference.stack.state import layer_stack
from interp.tasks import find_task
from interp.types import Scaling

SIXTEENTH = Scaling("x/16", 16.0)


def trained(steps=60):
    """Train 64-24-24-10 with functions that are not among those that are tried first, and stop early."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(64, 24), nn.Hardswish(), nn.Linear(24, 24), nn.Hardswish(), nn.Linear(24, 10))
    x = torch.from_numpy(SIXTEENTH(DIGITS.train.inputs))
    optimiser = torch.optim.Adam(network.parameters(), 0.01)
    for _ in range(steps):
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(x), torch.from_numpy(DIGITS.train.labels)).backward()
        optimiser.step()
    return {name: one.detach() for name, one in network.state_dict().items()}


def test_the_evidence_is_of_what_stands():
    layers = layer_stack(trained(), "net.pt").layers
    found = infer_candidate(layers, DIGITS, {"scaling": "x/16"})
    labels = DIGITS.train.labels
    scorers = {"x/16": find_task("classification").scorer(labels, SIXTEENTH)}
    trial = try_dense(layers, scorers, [found.candidate], DIGITS.train.inputs, labels)[0]
    assert found.candidate.activation == "hardswish"
    described = find_task("classification").described(trial.score)
    assert found.facts["output"].evidence.startswith(f"{described} on {len(labels):,} training rows; best with another")


def trial(score, rows=100, **said):
    return Trial(replace(Candidate(SIXTEENTH, "relu", "linear"), **said), np.arange(rows) < score * rows, 1.0)


def test_siblings_differ_from_what_stands_in_what_is_asked_alone():
    stands = Candidate(Scaling("raw"), "mish", "linear")
    trials = [
        trial(0.9),
        trial(0.5, output="activation", order="after"),
        trial(0.7, output="activation", activation="tanh"),
        trial(1.0, rows=10, output="negated-activation"),
    ]
    found = siblings(stands, trials, [FACTS["output"]])
    assert [(one.scaling.name, one.activation, one.output, one.order) for one in found] == [
        ("raw", "mish", "activation", "before"),
        ("raw", "mish", "negated-activation", "before"),
    ]
    many = [trial(0.5, output=f"output {number}") for number in range(20)]
    assert len(siblings(stands, many, [FACTS["output"]])) == MOST
