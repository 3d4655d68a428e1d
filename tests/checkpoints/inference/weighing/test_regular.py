"""Networks that were trained with dropout, smoothed labels or shifted images."""

from functools import cache

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from checkpoints.planted import DIGITS
from interp.checkpoints import load_model
from interp.checkpoints.inference.candidates.candidate import Candidate
from interp.checkpoints.inference.candidates.trial import Trial
from interp.checkpoints.inference.convolutional.layouts import PoolingLayout
from interp.checkpoints.inference.stack.state import layer_stack
from interp.checkpoints.inference.weighing.regular import search
from interp.checkpoints.inference.weighing.regular.how import NONE, Regularisation, far_apart, neighbours
from interp.checkpoints.inference.weighing.regular.look import leaves_slopes, weighed_in_training
from interp.checkpoints.inference.weighing.regular.run import Dropout, TrainingRows, multiply_adds, signs_in_training
from interp.checkpoints.inference.weighing.regular.search import found_regularisation
from interp.checkpoints.inference.weighing.regular.shifts import shifted
from interp.checkpoints.inference.weighing.signs import Signs, signs_of_all
from interp.data import scalings
from interp.tasks import CLASSIFICATION

UNIT = scalings(DIGITS)["x/16"]
IMAGE = (1, 8, 8)
X, Y = torch.from_numpy(DIGITS.train.inputs).float() / 16, torch.from_numpy(DIGITS.train.labels)


@cache
def trained(dropout=0.0, smoothing=0.0, shift=0):
    """A small tanh network on digits, trained until little changes."""
    torch.manual_seed(3)
    hidden = [nn.Linear(64, 16), nn.Tanh(), nn.Dropout(dropout), nn.Linear(16, 16), nn.Tanh(), nn.Dropout(dropout)]
    network = nn.Sequential(*hidden, nn.Linear(16, 10))
    optimiser = torch.optim.Adam(network.parameters(), 0.01)
    steps, rows = 1200, len(Y)
    fall = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for step in range(steps):
        some = np.arange(step * 128, (step + 1) * 128) % rows
        x = torch.from_numpy(shifted(X[some].numpy(), IMAGE, shift, seed=step)) if shift else X[some]
        optimiser.zero_grad()
        F.cross_entropy(network(x), Y[some], label_smoothing=smoothing).backward()
        optimiser.step()
        fall.step()
    return network.eval().requires_grad_(False)


def rows_of(network):
    layers = layer_stack(network.state_dict(), "net").layers
    return TrainingRows(
        layers, DIGITS.train.inputs, DIGITS.train.labels, {UNIT.name: CLASSIFICATION.scorer(Y.numpy(), UNIT)}, IMAGE
    )


def signs(rows, *activations):
    candidates = [Candidate(UNIT, name, "linear") for name in activations]
    return signs_of_all(rows.layers, candidates, rows.inputs, rows.labels, rows.scorers)


def test_without_regularisation_signs_are_the_plain_ones():
    rows = rows_of(trained())
    for plain in signs(rows, "tanh", "relu"):
        (found,) = signs_in_training(rows, [plain], NONE)
        assert found.trial is plain.trial
        assert found.values == pytest.approx(plain.values, abs=1e-3)


def test_slopes_with_smoothed_labels_are_those_of_torch():
    network, rows = trained(smoothing=0.1), rows_of(trained(smoothing=0.1))
    (found,) = signs_in_training(rows.first(1400), signs(rows, "tanh"), Regularisation(smoothing=0.1))
    parameters = [part.clone().requires_grad_() for part in network.parameters()]
    z = X[:1400]
    for number in range(0, len(parameters), 2):
        z = F.linear(torch.tanh(z) if number else z, *parameters[number : number + 2])
    expected = torch.autograd.grad(F.cross_entropy(z, Y[:1400], label_smoothing=0.1, reduction="sum"), parameters)
    for one, slope in zip(found.slopes, expected, strict=True):
        assert one.total == pytest.approx(slope.flatten().double().numpy(), abs=2e-3)


def test_dropout_leaves_out_its_share_the_same_for_every_candidate():
    values = torch.full((400, 100), 2.0)
    first, second = Dropout(0.3, seed=1)(values), Dropout(0.3, seed=1)(values)
    assert torch.equal(first, second)
    assert not torch.equal(first, Dropout(0.3, seed=2)(values))
    assert first.unique().tolist() == pytest.approx([0, 2 / 0.7])
    assert float((first == 0).float().mean()) == pytest.approx(0.3, abs=5 * (0.3 * 0.7 / 40_000) ** 0.5)


def test_dropout_stands_before_every_dense_layer_but_the_first_of_a_network():
    """With nearly all values left out, each layer but the first reads nothing, so that its slopes are 0."""
    rows = rows_of(trained())
    (found,) = signs_in_training(rows, signs(rows, "tanh"), Regularisation(dropout=1 - 1e-9))
    first, _, second, _, third, at_end = found.slopes
    assert not any(np.abs(one.total).max() for one in (first, second, third))
    assert np.abs(at_end.total).max() > 1


@pytest.mark.parametrize("most", [0, 1, 3])
def test_shifted_images_are_parts_of_wider_ones(most):
    inputs = np.random.default_rng(0).integers(0, 255, (200, 2 * 5 * 6)).astype(np.uint8)
    found = shifted(inputs, (2, 5, 6), most)
    assert found.dtype == np.uint8
    seen = set()
    for image, one in zip(inputs.reshape(-1, 2, 5, 6), found.reshape(-1, 2, 5, 6), strict=True):
        wide = np.pad(image, [(0, 0), (most, most), (most, most)], mode="edge")
        places = [
            (top, left)
            for top in range(2 * most + 1)
            for left in range(2 * most + 1)
            if np.array_equal(wide[:, top : top + 5, left : left + 6], one)
        ]
        assert places
        seen.add(places[0])
    assert len(seen) == (2 * most + 1) ** 2  # 200 draws of at most 49


@pytest.mark.parametrize("how", [{}, {"smoothing": 0.1}, {"shift": 1}])
def test_what_training_did_is_found_by_the_slopes_it_leaves(how):
    rows = rows_of(trained(**how))
    assert found_regularisation(rows, signs(rows, "tanh", "elu", "relu")) == Regularisation(**how)


@pytest.mark.parametrize(
    ("how", "said"),
    [({"smoothing": 0.1}, "labels smoothed by about 0.1"), ({"shift": 1}, "images shifted by up to 1 pixel")],
)
def test_a_regularised_network_is_read_as_it_was_trained(how, said, tmp_path):
    torch.save(trained(**how).state_dict(), tmp_path / "net.pt")
    found = load_model(tmp_path / "net.pt", DIGITS)[0].inferred
    assert (found["regularisation"].value, found["regularisation"].confidence) == (said, "uncertain")
    assert (found["activation"].value, found["activation"].confidence) == ("tanh", "likely")
    assert found["input_scaling"].value == "x/16"
    assert found["fit"].value == "as expected"


def test_of_a_network_trained_on_rows_as_they_are_nothing_is_said(tmp_path):
    torch.save(trained().state_dict(), tmp_path / "net.pt")
    assert "regularisation" not in load_model(tmp_path / "net.pt", DIGITS)[0].inferred


def test_networks_that_are_too_large_are_not_looked_at(monkeypatch):
    rows = rows_of(trained(dropout=0.5))
    found = signs(rows, "tanh")
    monkeypatch.setattr(search, "WORK", 10**6)
    assert found_regularisation(rows, found) == NONE
    assert weighed_in_training(rows, found, found[0], 0.5) is None


def test_a_loss_of_nothing_leaves_no_slopes():
    rows = rows_of(trained(dropout=0.5))
    (found,) = signs(rows, "relu")
    assert leaves_slopes(found)
    nothing = Signs(Trial(found.trial.candidate, found.trial.per_sample, 1e-6), found.values, found.slopes)
    assert not leaves_slopes(nothing)


def test_multiply_adds_of_maps_and_of_convolutions():
    assert multiply_adds(rows_of(trained()).layers, Candidate(UNIT, "tanh", "linear")) == 64 * 16 + 16 * 16 + 16 * 10
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 10))
    layout = PoolingLayout(IMAGE, (0,), (1,), (2,))
    layers = layer_stack(network.state_dict(), "net").layers
    count = multiply_adds(layers, Candidate(UNIT, "relu", "linear", layout=layout))
    assert count == 4 * 9 * 36 + 36 * 10


def test_neighbours_are_one_step_away_and_the_grid_reaches_far():
    assert NONE in far_apart(True, True)
    for one in far_apart(True, True):
        beside = list(neighbours(one, True, True))
        assert one not in beside
        assert all(one in neighbours(other, True, True) for other in beside)
        assert {other.shift for other in neighbours(one, True, False)} == {one.shift}


def test_said_in_words():
    assert str(NONE) == "none"
    assert str(Regularisation(0.25, 0.1, 1)) == (
        "dropout of about 0.25, labels smoothed by about 0.1, images shifted by up to 1 pixel"
    )
    assert Regularisation(0.25, 0.1, 1).kinds == 3


def test_batch_norms_take_the_moments_of_changed_batches_and_keep_their_own():
    network = nn.Sequential(nn.Linear(64, 16), nn.BatchNorm1d(16), nn.Tanh(), nn.Linear(16, 10)).eval()
    rows = rows_of(network)
    (plain,) = signs(rows, "tanh")
    (found,) = signs_in_training(rows, [plain], NONE)
    z = nn.functional.linear(X[:71], network[0].weight, network[0].bias)
    normed = F.batch_norm(z, None, None, network[1].weight, network[1].bias, training=True)
    loss = F.cross_entropy(network[3](torch.tanh(normed)), Y[:71], reduction="sum")
    (own,) = signs_in_training(rows.first(71), [plain], NONE)
    (slope,) = torch.autograd.grad(loss, [network[3].bias])
    whole = nn.Sequential(*network)  # eval mode: what slopes on running moments would be
    other = torch.autograd.grad(F.cross_entropy(whole(X[:71]), Y[:71], reduction="sum"), [network[3].bias])[0]
    assert not torch.allclose(slope, other, atol=1e-2)
    assert found.trial is plain.trial
    assert len(own.slopes) == len(list(network.parameters()))
    assert network[1].running_mean.abs().max() == 0


def test_networks_with_batch_norms_can_be_counted():
    network = nn.Sequential(nn.Linear(64, 16), nn.BatchNorm1d(16), nn.Tanh(), nn.Linear(16, 10)).eval()
    assert multiply_adds(rows_of(network).layers, Candidate(UNIT, "tanh", "linear")) == 64 * 16 + 16 * 10
