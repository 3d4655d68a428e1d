"""Networks of two kinds of activations that no single activation explains, under any scaling."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from checkpoints.inference.weighing.test_weighing import Named
from checkpoints.planted import DIGITS
from interp.checkpoints import LoadOptions, load_model
from interp.checkpoints.inference import infer
from interp.checkpoints.inference.weighing.explain import named


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Weights of a small network with abs behind one convolution and nothing behind the other, of raw pixels."""
    torch.manual_seed(0)
    network = nn.Sequential(
        *(nn.Conv2d(1, 6, 3, padding=1), Named("abs"), nn.MaxPool2d(2)),
        *(nn.Conv2d(6, 8, 3, padding=1), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32, 10)),
    )
    x = torch.from_numpy(DIGITS.train.inputs.reshape(-1, 1, 8, 8).astype(np.float32))
    y = torch.from_numpy(DIGITS.train.labels)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.004, momentum=0.9)
    for _ in range(150):
        optimiser.zero_grad()
        F.cross_entropy(network(x), y).backward()
        optimiser.step()
    path = tmp_path_factory.mktemp("net") / "net.pt"
    torch.save(network.state_dict(), path)
    return path


def test_activations_and_scaling_are_found_together(weights):
    model, _ = load_model(weights, DIGITS)
    assert "abs, identity" in named(model.inferred["activation"])
    assert model.inferred["input_scaling"].value == "raw"
    assert model.scores["train"] > 0.9


def test_one_after_the_other_they_are_not(weights, monkeypatch):
    """Without the search the network is read far below what it does."""
    monkeypatch.setattr(infer, "_jointly", lambda *given: given[-2:])
    model, _ = load_model(weights, DIGITS)
    assert model.scores["train"] < 0.8


def test_they_are_looked_for_together_where_slopes_leave_a_doubt(weights, monkeypatch):
    """A network can do better than class means under what it was not trained with; its slopes tell."""
    monkeypatch.setattr(infer, "_floor", lambda *_: 0.0)
    model, _ = load_model(weights, DIGITS)
    assert "abs, identity" in named(model.inferred["activation"])
    assert model.scores["train"] > 0.9


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    """Weights of a dense network that does worse than class means."""
    torch.manual_seed(0)
    parts = nn.Linear(64, 12), nn.ReLU(), nn.Linear(12, 12), nn.ReLU(), nn.Linear(12, 10)
    path = tmp_path_factory.mktemp("net") / "net.pt"
    torch.save(nn.Sequential(*parts).state_dict(), path)
    return path


@pytest.mark.parametrize("output", ["softmax", "log-softmax", "sigmoid", "activation"])
def test_networks_below_class_means_are_read_whatever_the_output_that_is_stated(untrained, output):
    model, _ = load_model(untrained, DIGITS, LoadOptions(output=output))
    assert model.inferred["output"].value == output
    assert model.scores["train"] < 0.5


@pytest.mark.parametrize("output", ["softmax", "log-softmax"])
def test_activations_and_scaling_are_found_together_behind_probabilities(weights, output):
    model, _ = load_model(weights, DIGITS, LoadOptions(output=output))
    assert model.scores["train"] > 0.9


def test_class_means_are_those_of_all_classes_also_where_rows_lie_sorted():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), 2500)
    inputs = (
        rng.normal(size=(len(labels), 8)).astype(np.float32) + 0.5 * rng.normal(size=(4, 8)).astype(np.float32)[labels]
    )
    mixed = rng.permutation(len(labels))
    floor = infer._floor("classification", inputs, labels, 0)
    assert 0.3 < floor < 0.8
    assert floor == pytest.approx(infer._floor("classification", inputs[mixed], labels[mixed], 0), abs=0.05)
