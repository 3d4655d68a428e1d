"""Targets of -1 and +1: labels of two classes, told apart by the sign of one output."""

from functools import cache

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from checkpoints.planted import DIGITS
from interp.api import analyse
from interp.checkpoints import LoadOptions, load_model, load_module
from interp.checkpoints.inference.candidates.candidate import Candidate
from interp.checkpoints.inference.candidates.prefer import finalists, prefer_simple
from interp.checkpoints.inference.candidates.trial import Trial
from interp.data import RAW, stream
from interp.errors import DataError

INPUTS = DIGITS.train.inputs[:700]
SIGNS = np.where(DIGITS.train.labels[:700] >= 5, 1, -1)
ACTIVATIONS = {"tanh": nn.Tanh, "elu": nn.ELU}
LOSSES = {
    "hinge": lambda outputs, y: F.relu(1 - y * outputs).mean(),
    "mse": lambda outputs, y: ((outputs - y) ** 2).mean(),
    "mse-tanh": lambda outputs, y: ((outputs - y) ** 2).mean(),
}


@cache
def trained(loss, activation="tanh", outputs=1):
    """Train a small network on signs; gives it with the share of rows whose sign its output has."""
    torch.manual_seed(0)
    layers = [nn.Linear(64, 16), ACTIVATIONS[activation](), nn.Linear(16, outputs)]
    net = nn.Sequential(*layers, *([nn.Tanh()] if loss == "mse-tanh" else []))
    x, y = torch.from_numpy(INPUTS).float(), torch.from_numpy(SIGNS).float()[:, None]
    optimiser = torch.optim.Adam(net.parameters(), 0.01)
    for _ in range(150):
        optimiser.zero_grad()
        found = net(x)
        made = LOSSES[loss](found, y) if outputs == 1 else F.cross_entropy(found, (y[:, 0] > 0).long())
        made.backward()
        optimiser.step()
    with torch.no_grad():
        found = net(x).numpy()
    guess = found[:, 0] > 0 if outputs == 1 else found.argmax(1) == 1
    return net.eval(), float((guess == (SIGNS > 0)).mean())


@pytest.mark.parametrize("loss", list(LOSSES))
@pytest.mark.parametrize("kind", [np.int8, np.int64, np.float32])
def test_signs_are_labels_of_two_classes(loss, kind):
    net, accuracy = trained(loss)
    model, data = load_module(net, (INPUTS, SIGNS.astype(kind)), LoadOptions(scaling="raw"))
    assert model.task == "binary"
    assert model.scores["train"] == pytest.approx(accuracy, abs=1e-12)
    np.testing.assert_array_equal(data.train.labels, SIGNS > 0)
    assert (data.classes, data.train.targets) == (("-1", "+1"), None)
    found = model.inferred["labels"]
    assert (found.value, found.confidence) == ("-1 and +1", "likely")
    assert "told apart by the sign of the one output" in found.evidence
    assert model.inferred["fit"].value == "as expected"


def test_of_two_outputs_the_larger_one_tells():
    net, accuracy = trained("softmax", outputs=2)
    model, _ = load_module(net, (INPUTS, SIGNS), LoadOptions(scaling="raw"))
    assert (model.task, model.scores["train"]) == ("classification", pytest.approx(accuracy, abs=1e-12))
    assert "told apart by the larger output" in model.inferred["labels"].evidence


def test_who_says_so_compares_the_values():
    net, _ = trained("mse")
    model, data = load_module(net, (INPUTS, SIGNS), LoadOptions(scaling="raw", task="regression"))
    with torch.no_grad():
        squares = ((net(torch.from_numpy(INPUTS).float())[:, 0].double().numpy() - SIGNS) ** 2).sum()
    assert model.scores["train"] == pytest.approx(1 - squares / ((SIGNS - SIGNS.mean()) ** 2).sum(), abs=1e-6)
    np.testing.assert_array_equal(data.train.targets[:, 0], SIGNS)
    assert "labels" not in model.inferred


@pytest.mark.parametrize("targets", [np.where(SIGNS > 0, 1.0, -0.5), np.where(np.arange(700) == 3, 0.0, SIGNS)])
def test_other_values_stay_measured(targets):
    model, _ = load_module(trained("mse")[0], (INPUTS, targets), LoadOptions(scaling="raw"))
    assert (model.task, "labels" in model.inferred) == ("regression", False)


def test_one_sign_alone_is_no_two_classes():
    model, _ = load_module(trained("mse")[0], (INPUTS, -np.ones(700)), LoadOptions(scaling="raw"))
    assert model.task == "regression"


def test_whole_numbers_below_0_that_are_no_signs_stay_refused():
    with pytest.raises(DataError, match="label -1; expected labels from 0"):
        load_module(trained("mse")[0], (INPUTS, np.where(np.arange(700) == 3, 0, SIGNS)))


def test_every_split_is_read_alike(tmp_path):
    """Rows of one class alone in the test split, in a table and as whole numbers."""
    net, accuracy = trained("hinge")
    above = SIGNS > 0
    arrays = {"x_train": INPUTS, "y_train": SIGNS, "x_test": INPUTS[above], "y_test": SIGNS[above]}
    model, data = load_module(net, arrays, LoadOptions(scaling="raw"))
    assert data.splits["test"].labels.tolist() == [1] * above.sum()
    assert model.scores["train"] == pytest.approx(accuracy, abs=1e-12)
    header = ",".join([*(f"p{at}" for at in range(64)), "label"])
    np.savetxt(tmp_path / "d.csv", np.c_[INPUTS, SIGNS], "%.17g", ",", header=header, comments="")
    model, data = load_module(net, tmp_path / "d.csv", LoadOptions(scaling="raw"))
    np.testing.assert_array_equal(np.sort(data.train.labels), np.sort(SIGNS > 0)[: len(data.train)])
    assert model.scores["train"] == pytest.approx(accuracy, abs=0.05)


def test_a_stream_of_signs(tmp_path):
    found = analyse(trained("hinge")[0], stream((INPUTS, SIGNS)), out=tmp_path, store=False, until="fit")
    assert found.model.task == "binary"
    assert found.model.scores["train"] == pytest.approx(trained("hinge")[1], abs=1e-12)


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize("loss", list(LOSSES))
def test_bare_weights_are_read_by_how_near_they_come(loss, activation, tmp_path):
    """What a tanh behind the outputs or none would change is no sign, and no prediction."""
    net, accuracy = trained(loss, activation)
    torch.save(net.state_dict(), tmp_path / "net.pt")
    model, _ = load_model(tmp_path / "net.pt", (INPUTS, SIGNS), LoadOptions(scaling="raw"))
    found = model.inferred
    assert (model.task, model.scores["train"]) == ("binary", pytest.approx(accuracy, abs=2e-3))
    said = found["activation"]
    assert said.value == activation or (said.confidence == "uncertain" and f" {activation} " in said.evidence)
    assert (found["output"].value, found["fit"].value) == ("linear", "as expected")
    if loss != "mse":
        assert found["output"].confidence == "uncertain"
        assert "it changes no sign, so that there may be none" in found["output"].evidence
    assert "R²" in found["activation"].evidence


def test_another_network_on_the_same_data_is_read_alike(tmp_path):
    """The data that one gives back have labels; those of the next are read of the signs that they stand for."""
    torch.save(trained("hinge")[0].state_dict(), tmp_path / "net.pt")
    first, data = load_model(tmp_path / "net.pt", (INPUTS, SIGNS), LoadOptions(scaling="raw"))
    second, _ = load_model(tmp_path / "net.pt", data, LoadOptions(scaling="raw"))
    assert (second.task, second.scores) == (first.task, first.scores)
    assert {name: second.inferred[name] for name in ("activation", "output", "labels")} == {
        name: first.inferred[name] for name in ("activation", "output", "labels")
    }


def test_an_output_that_is_stated_stands(tmp_path):
    net, accuracy = trained("mse-tanh")
    torch.save(net.state_dict(), tmp_path / "net.pt")
    model, _ = load_model(tmp_path / "net.pt", (INPUTS, SIGNS), LoadOptions(scaling="raw", output="tanh"))
    assert (model.inferred["output"].value, model.inferred["output"].confidence) == ("tanh", "certain")
    assert model.scores["train"] == pytest.approx(accuracy, abs=2e-3)


def test_signs_that_outputs_do_not_come_near_are_weighed_as_labels(tmp_path):
    torch.manual_seed(1)
    net = nn.Sequential(nn.Linear(64, 16), nn.Tanh(), nn.Linear(16, 1))
    torch.save(net.state_dict(), tmp_path / "net.pt")
    model, _ = load_model(tmp_path / "net.pt", (INPUTS, np.random.default_rng(0).permutation(SIGNS)))
    assert (model.task, model.inferred["fit"].value) == ("binary", "at chance")
    assert "% right" in model.inferred["activation"].evidence


def test_what_explains_less_than_nothing_stands_for_nothing():
    """A few rows with huge errors hide a difference from a paired t-test: R² -49 was taken in place of 0.99."""
    errors = np.full(1000, 0.5)
    errors[0] = -5e4
    candidates = [Candidate(RAW, activation, output) for activation, output in (("gelu", "tanh"), ("relu", "linear"))]
    trials = [Trial(candidates[0], np.full(1000, 0.98), 0.02), Trial(candidates[1], errors, 50.0)]
    assert prefer_simple(trials) is trials[0]
    assert finalists(trials) == candidates[:1]
