"""Networks with batch norms are trained on the moments of batches: slopes are looked at with these too."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from checkpoints.planted import DIGITS, inputs
from interp.checkpoints import LoadOptions, load_model
from interp.checkpoints.inference.candidates.candidate import Candidate
from interp.checkpoints.inference.convolutional.layouts import PoolingLayout
from interp.checkpoints.inference.stack.state import layer_stack
from interp.checkpoints.inference.weighing import doubt
from interp.checkpoints.inference.weighing.again.normed import (
    BATCH,
    INFLATED,
    MOST,
    against_moments,
    has_moments,
    normed_by_batch,
)
from interp.checkpoints.inference.weighing.contrast import evidence
from interp.checkpoints.inference.weighing.signs import NAMES, SMALL, signs_of
from interp.data import scalings
from interp.tasks import CLASSIFICATION

UNIT = scalings(DIGITS)["x/16"]
X, Y = inputs(rows=None, part="train"), torch.from_numpy(DIGITS.train.labels)
LAYOUT = PoolingLayout((1, 8, 8), (1,), (1,), (2,), kind="avg")
DENSE = Candidate(UNIT, "silu", "linear")
IMAGES = replace(DENSE, layout=LAYOUT)


def dense():
    return nn.Sequential(
        nn.Linear(64, 12),
        nn.BatchNorm1d(12),
        nn.SiLU(),
        nn.Linear(12, 12),
        nn.BatchNorm1d(12),
        nn.SiLU(),
        nn.Linear(12, 10),
    )


def convolutional():
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.SiLU(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(64, 10),
    )


@cache
def trained(build, steps=1500):
    """Train a network on batches with a rate that falls to nothing."""
    torch.manual_seed(0)
    network = build().train()
    optimiser = torch.optim.Adam(network.parameters(), 0.01, weight_decay=1e-4)
    fall = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        rows = torch.randint(len(X), (BATCH,))
        optimiser.zero_grad()
        F.cross_entropy(network(X[rows]), Y[rows]).backward()
        optimiser.step()
        fall.step()
    return network.eval()


def signs(network, candidate, rows=None):
    """Give a candidate's signs with running moments, and with those of batches."""
    layers = layer_stack(network.state_dict(), "net").layers
    scorers = {UNIT.name: CLASSIFICATION.scorer(DIGITS.train.labels, UNIT)}
    given = DIGITS.train.inputs[:rows], DIGITS.train.labels[:rows]
    own = signs_of(layers, candidate, *given, scorers[UNIT.name])
    return own, normed_by_batch(layers, own, *given, scorers).signs


def gaps(network, candidate):
    layers = layer_stack(network.state_dict(), "net").layers
    scorers = {UNIT.name: CLASSIFICATION.scorer(DIGITS.train.labels, UNIT)}
    given = DIGITS.train.inputs, DIGITS.train.labels
    own = signs_of(layers, candidate, *given, scorers[UNIT.name])
    return normed_by_batch(layers, own, *given, scorers).gaps


@pytest.mark.parametrize(("build", "candidate"), [(dense, DENSE), (convolutional, IMAGES)])
def test_slopes_are_those_of_the_network_in_training_mode(build, candidate):
    torch.manual_seed(1)
    network = build()
    _, found = signs(network, candidate, 2 * BATCH + 5)  # what makes no whole batch is left out
    total = [torch.zeros_like(part) for part in network.parameters()]
    for rows in (slice(BATCH), slice(BATCH, 2 * BATCH)):
        loss = F.cross_entropy(network.train()(X[rows]), Y[rows], reduction="sum")
        total = [a + b for a, b in zip(total, torch.autograd.grad(loss, list(network.parameters())), strict=True)]
    assert len(found.slopes) == len(total)
    for one, known in zip(found.slopes, total, strict=True):
        np.testing.assert_allclose(one.total, known.flatten().numpy(), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("build", "candidate"), [(dense, DENSE), (convolutional, IMAGES)])
def test_under_its_own_activation_a_network_is_at_rest_on_batches_alone(build, candidate):
    place = NAMES.index("slope in weights")
    running, own = signs(trained(build), candidate)
    assert own.values[place] < running.values[place] - 0.2
    for name in ("hardswish", "gelu", "mish", "relu"):
        other = signs(trained(build), replace(candidate, activation=name))[1]
        assert evidence([own.slopes, other.slopes])[0, 1] > 0


def test_errors_loss_and_kinds_stay():
    running, own = signs(trained(dense), DENSE)
    assert own.trial is running.trial
    assert own.values[[0, 1, 4]].tolist() == running.values[[0, 1, 4]].tolist()


def test_norms_without_running_moments_are_alike_in_training():
    assert has_moments(layer_stack(trained(dense).state_dict(), "net").layers)
    plain = nn.Sequential(nn.Linear(64, 12), nn.LayerNorm(12), nn.ReLU(), nn.Linear(12, 10))
    assert not has_moments(layer_stack(plain.state_dict(), "net").layers)


def test_running_means_are_those_of_what_a_norm_reads_under_its_own_activation():
    """The first norm reads no activation, and tells none apart."""
    own, others = (
        gaps(trained(dense), DENSE),
        [gaps(trained(dense), replace(DENSE, activation=name)) for name in ("relu", "gelu")],
    )
    whole = BATCH * (len(X) // BATCH)
    network = trained(dense).eval()
    read = network[:4](X[:whole]).detach().double().mean(0)
    known = (read - network[4].running_mean) ** 2 / (network[4].running_var + network[4].eps)
    assert len(own) == 2
    assert own[1].mean() < 0.02  # ten or so batches are remembered
    assert own[1] == pytest.approx(known.numpy(), abs=0.02)
    for other in others:
        assert other[0] == pytest.approx(own[0])
        assert other[1].mean() > 2 * own[1].mean()
    assert against_moments([own, *others]).argmin() == 0


def test_gaps_count_by_their_likelihood_whatever_their_unit():
    """Of N independent normal values with an unknown spread, -N/2 log of their mean square is the log-likelihood."""
    rng = np.random.default_rng(0)
    near, far = rng.standard_normal((2, 40)) ** 2 * [[1.0], [3.0]]
    found = against_moments([[near], [far]])
    best = [
        -20 * np.log(one.mean()) - 20 for one in (near, far)
    ]  # of norm.logpdf at its own spread, but for a constant
    assert found == pytest.approx([0, (best[0] - best[1]) / INFLATED])
    assert against_moments([[1e-4 * near], [1e-4 * far]]) == pytest.approx(found)
    assert against_moments([[near], [far * 1e12]])[1] == MOST


def test_a_candidate_whose_values_are_no_numbers_is_ruled_out():
    fine, broken = np.full(8, 0.1), np.full(8, np.nan)
    assert against_moments([[fine], [broken]]).tolist() == [0, MOST]
    np.testing.assert_array_equal(against_moments([[broken], [broken]]), [0.0, 0.0])


def test_of_many_norms_the_best_still_has_a_share():
    """Each of two candidates is far at half of 400 norms: both would have a likelihood of exp(-2000), which is 0."""
    near, far = [np.full(8, 1e-6)] * 200, [np.full(8, 1e6)] * 200
    assert against_moments([near + far, far + near]).tolist() == [0, 0]
    assert against_moments([near + far, far + far]).tolist() == [0, 200 * MOST]


def test_what_norms_of_running_moments_leave_is_no_doubt(monkeypatch, tmp_path):
    """With running moments slopes are left under the right activation too; those of batches decide on a doubt."""
    network = trained(dense)
    with_running, of_batches = signs(network, DENSE)
    middle = (with_running.values + of_batches.values) / 2
    for name in ("AT_OUTPUTS", "AT_OUTPUTS_OF_SEVERAL"):
        monkeypatch.setattr(doubt, name, np.exp(middle[NAMES.index("slope at the outputs")]) - SMALL)
    monkeypatch.setattr(doubt, "IN_WEIGHTS", middle[NAMES.index("slope in weights")])
    assert doubt.doubt_of_slopes(with_running, len(DIGITS.train))
    torch.save(network.state_dict(), tmp_path / "net.pt")
    model, _ = load_model(tmp_path / "net.pt", DIGITS, LoadOptions(scaling="x/16"))
    assert model.inferred["activation"].value == "silu"
    assert model.inferred["fit"].value == "as expected"
