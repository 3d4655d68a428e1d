"""Candidates that do nearly equally well: which was trained, by several kinds of evidence, and how sure that is."""

from dataclasses import replace
from functools import cache, partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from checkpoints.planted import DIGITS, inputs
from interp.checkpoints import LoadOptions, load_model
from interp.checkpoints.inference.candidates.candidate import Candidate
from interp.checkpoints.inference.candidates.trial import Trial
from interp.checkpoints.inference.dense.trials import try_dense
from interp.checkpoints.inference.explain import FACTS
from interp.checkpoints.inference.stack.state import layer_stack
from interp.checkpoints.inference.weighing import weigh as weighing
from interp.checkpoints.inference.weighing.contrast import contrasts, evidence
from interp.checkpoints.inference.weighing.explain import LIKELY, explain_weighed, named, per_cent, standing
from interp.checkpoints.inference.weighing.settled import Weighing
from interp.checkpoints.inference.weighing.signs import NAMES, Signs, signs_of
from interp.checkpoints.inference.weighing.slopes import Slopes
from interp.checkpoints.inference.weighing.weigh import (
    ROWS,
    Weighed,
    activations_looked_at,
    distinct,
    parted,
    softened,
    weigh,
    weigh_scalings,
)
from interp.data import scalings
from interp.network.activations import ACTIVATIONS
from interp.streams import Kept, RowsOnDisk
from interp.tasks import CLASSIFICATION
from interp.types import Scaling

UNIT = scalings(DIGITS)["x/16"]


class Named(nn.Module):
    def __init__(self, name):
        super().__init__()
        self.name = name

    def forward(self, x):
        return ACTIVATIONS[self.name](x)


@cache
def trained(*names, steps=250):
    """Train a perceptron on digits with an activation behind each hidden layer."""
    torch.manual_seed(0)
    widths = (64, *(24,) * len(names))
    layers = [part for i, name in enumerate(names) for part in (nn.Linear(widths[i], 24), Named(name))]
    return fitted(nn.Sequential(*layers, nn.Linear(24, 10)), steps)


def fitted(network, steps):
    """Train a network on digits in [0, 1]."""
    x, y = inputs(rows=None, part="train"), torch.from_numpy(DIGITS.train.labels)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(steps):
        optimiser.zero_grad()
        F.cross_entropy(network(x), y).backward()
        optimiser.step()
    return network.eval().requires_grad_(False)


def opened(network, folder, said=LoadOptions()):
    torch.save(network.state_dict(), folder / "net.pt")
    return load_model(folder / "net.pt", DIGITS, said)[0]


@pytest.mark.parametrize("names", [("abs", "identity"), ("tanh", "abs")])
def test_one_activation_a_layer(names, tmp_path):
    """Read under one activation for all, both lose points; the truth is found, or named."""
    model = opened(trained(*names), tmp_path)
    said = model.inferred["activation"]
    assert ", ".join(names) in named(said)
    assert said.value == ", ".join(names) or said.confidence == "uncertain"
    if said.value == ", ".join(names):
        assert [layer.activation for layer in model.layers[:-1]] == list(names)


@pytest.mark.parametrize(("name", "steps"), [("leaky_relu", 15), ("hardswish", 15)])
def test_the_scaling_is_weighed_on_the_network_that_stands(name, steps, tmp_path):
    """ReLU stands for both, though another activation has more of the evidence, and scores otherwise."""
    model = opened(trained(name, name, steps=steps), tmp_path)
    said = model.inferred["input_scaling"]
    assert model.layers[0].activation == model.inferred["activation"].value == "relu"
    assert float(said.evidence.partition("%")[0]) / 100 == pytest.approx(model.scores["train"], abs=0.003)


def test_the_scaling_that_is_stated_is_the_one_that_runs():
    """Of scalings that give the same outputs, the network's own stays, whichever comes first."""
    y, layers = DIGITS.train.labels, layer_stack(trained("tanh", "tanh", steps=60).state_dict(), "net").layers
    ways = {"same": replace(UNIT, name="same"), UNIT.name: UNIT, "raw": Scaling("raw")}
    scorers = {name: CLASSIFICATION.scorer(y, one) for name, one in ways.items()}
    base = Candidate(UNIT, "tanh", "linear")
    try_out = partial(try_dense, layers, scorers)
    weighing = Weighing(
        layers, try_out, scorers, DIGITS.train.inputs, y, list(ways.values()), FACTS, "classification", 6000
    )
    found = weighing(base, least=0.2)
    assert found.facts["input_scaling"].value == found.candidate.scaling.name == UNIT.name


@pytest.mark.parametrize("name", ["relu", "silu", "gelu", "abs", "tanh", "sigmoid", "softplus", "selu"])
def test_no_relative_is_stated_as_likely_without_ground(name, tmp_path):
    said = opened(trained(name, name), tmp_path).inferred["activation"]
    assert name in named(said)
    assert said.value == name or said.confidence == "uncertain"


def test_two_dense_layers_with_nothing_between_them_behind_a_convolution(tmp_path):
    """Read as ELU behind both, and called likely, such a network lost points; the truth is found, or named."""
    torch.manual_seed(0)
    images = (nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
    network = fitted(nn.Sequential(*images, nn.Linear(96, 24), nn.Linear(24, 10)), steps=120)
    model = opened(network, tmp_path, LoadOptions(scaling="x/16", output="linear"))
    said = model.inferred["activation"]
    assert "relu, identity" in named(said)
    assert said.value == "relu, identity" or said.confidence == "uncertain"
    assert model.scores["train"] > 0.9


def signs(network, activation, rows=1437):
    layers = layer_stack(network.state_dict(), "net").layers
    y = DIGITS.train.labels[:rows]
    return signs_of(
        layers, Candidate(UNIT, activation, "linear"), DIGITS.train.inputs[:rows], y, CLASSIFICATION.scorer(y, UNIT)
    )


def test_signs_are_the_networks_own_scores_loss_and_slopes():
    network = trained("tanh", "tanh")
    x, y = inputs(rows=None, part="train"), torch.from_numpy(DIGITS.train.labels)
    z = network(x)
    found = signs(network, "tanh")
    assert found.trial.score == pytest.approx(float((z.argmax(1) == y).double().mean()))
    assert found.trial.loss == pytest.approx(float(F.cross_entropy(z, y)), rel=1e-4)
    residual = (z.softmax(1) - F.one_hot(y, 10)).double()  # slope of the loss in the last biases
    t = len(residual) * residual.mean(0) ** 2 / (residual**2).mean(0)
    assert found.values[2] == pytest.approx(np.log(float(t.mean()) + 0.3), abs=1e-3)
    whole = torch.nn.Sequential(*network).requires_grad_(True)
    expected = torch.autograd.grad(F.cross_entropy(whole(x), y, reduction="sum"), list(whole.parameters()))
    for one, slope in zip(found.slopes, expected, strict=True):
        assert one.total == pytest.approx(slope.flatten().double().numpy(), abs=2e-3)


def test_the_loss_is_stationary_under_the_activation_that_was_trained_alone():
    network = trained("tanh", "tanh")
    own, others = signs(network, "tanh"), [signs(network, name) for name in ("elu", "selu", "softplus", "identity")]
    assert all(own.values[2] < other.values[2] - 0.5 and own.values[3] < other.values[3] - 0.5 for other in others)


def test_of_inputs_on_disk_only_the_rows_that_are_used_are_read(monkeypatch):
    """Ten times the training set in memory is more than many machines have, where the data are on disk."""
    monkeypatch.setitem(ROWS, False, 600)
    kept, read = Kept("digits"), []
    kept.add(DIGITS.train.inputs)
    chosen = RowsOnDisk._chosen
    monkeypatch.setattr(RowsOnDisk, "_chosen", lambda table, rows: read.append(len(rows)) or chosen(table, rows))
    y, layers = DIGITS.train.labels, layer_stack(trained("tanh", "tanh").state_dict(), "net").layers
    scorers = {name: CLASSIFICATION.scorer(y, one) for name, one in scalings(DIGITS).items()}
    base = Candidate(UNIT, "tanh", "linear")
    for inputs_ in (kept.rows(), DIGITS.train.inputs):
        try_out = partial(try_dense, layers, scorers)
        found = weigh(activations_looked_at(layers, try_out, base, scorers, inputs_, y), 0)
        scaled = weigh_scalings(layers, try_out, base, list(scalings(DIGITS).values()), scorers, inputs_, y, 0)
        assert {len(one.signs.trial.per_sample) for one in [*found, *scaled]} == {600}
    assert read == [600, 600]


@pytest.mark.parametrize("is_known", [True, False])
def test_slopes_are_not_looked_at_of_what_scores_rule_out_or_of_what_is_known(is_known, monkeypatch):
    y, layers = DIGITS.train.labels, layer_stack(trained("tanh", "tanh").state_dict(), "net").layers
    tried = scalings(DIGITS)
    scorers = {name: CLASSIFICATION.scorer(y, one) for name, one in tried.items()}
    base, try_out, looked_at = Candidate(UNIT, "tanh", "linear"), partial(try_dense, layers, scorers), []
    known = weigh(activations_looked_at(layers, try_out, base, scorers, DIGITS.train.inputs, y), 0)
    run = weighing.signs_of_all

    def counted(layers, candidates, *rest):
        looked_at.extend(candidates)
        return run(layers, candidates, *rest)

    monkeypatch.setattr(weighing, "signs_of_all", counted)
    of_base = [one.signs for one in known if one.signs.trial.candidate == base]
    assert len(of_base) == 1
    given = (layers, try_out, base, list(tried.values()), scorers, DIGITS.train.inputs, y)
    scaled = weigh_scalings(*given, 0.9, known=of_base if is_known else ())
    left = {one.signs.trial.candidate for one in scaled if one.signs.trial.score >= 0.9}
    assert base in left
    assert len(left) < len(tried)
    assert set(looked_at) == left - ({base} if is_known else set())
    assert all(one.share == 0 for one in scaled if one.signs.trial.candidate not in left)


# --------------------------------------------------------------------------- the parts


def weighed(activation, share, score=0.9, loss=0.0):
    trial = Trial(Candidate(Scaling("raw"), activation, "linear"), np.arange(1000) < 1000 * score, 0.1)
    return Weighed(Signs(trial, np.where(np.array(NAMES) == "calibrated loss", loss, 0.0)), share)


def said(*found, least=0.2):
    return explain_weighed(found, standing(found).trial, lambda one: one.activation, "classification", least)


@pytest.mark.parametrize(
    ("others", "value"),
    [
        ([weighed("tanh", 0.2)], "tanh"),
        ([weighed("selu", 0.2, loss=0.1), weighed("tanh", 0.1)], "tanh"),
        ([weighed("tanh", 0.2, loss=-0.1), weighed("relu", 0.06, loss=0.5)], "relu"),
        ([weighed("tanh", 0.2, loss=0.1)], "tanh, selu"),
        ([weighed("tanh", 0.04, loss=-1)], "tanh, selu"),
        ([weighed("tanh, tanh", 0.3), weighed("relu", 0.04)], "tanh, selu"),
    ],
)
def test_where_nothing_is_likely_one_activation_stands_for_several_kinds_that_explain_no_more(others, value):
    found = [weighed("tanh, selu", 0.6), *others]
    assert standing(found).trial.candidate.activation == value
    assert standing([weighed("tanh, selu", 0.9), *others]).trial.candidate.activation == "tanh, selu"


def test_shares_add_up_and_fall_with_what_speaks_against():
    found = softened(np.array([3.0, 1.0, 1.0]))
    assert found.sum() == pytest.approx(1)
    assert found[1] / found[0] == pytest.approx(np.exp(2))
    assert found[1] == found[2]


def planted(own, added, squares=1.0):
    """Slopes that are noise, alone or with what another activation adds."""
    return [Slopes(np.zeros(len(own)), own + added, np.full(len(own), squares), is_map=True)]


@pytest.mark.parametrize("noise", [0.3, 1.0])
def test_noise_alone_is_told_from_noise_with_more(noise):
    """What is added has a tenth of the noise's size: the ratio of squared slopes is 1.01, and yet it is plain."""
    rng = np.random.default_rng(0)
    own, added = noise * rng.standard_normal(20_000), 0.1 * noise * rng.standard_normal(20_000)
    found = contrasts([planted(own, 0), planted(own, added)])
    assert found[0] < -0.2
    assert found[1] == pytest.approx(-found[0])
    assert contrasts([planted(own, added), planted(own, 0)]) == pytest.approx(found[::-1])


def test_noise_that_hides_what_is_added_in_some_weights_hides_it_in_no_others():
    """Where steps of training leave a hundred times the noise, slopes say nothing; a few quiet weights decide."""
    rng = np.random.default_rng(1)
    loud, quiet = 100 * rng.standard_normal(10_000), 0.1 * rng.standard_normal(1000)
    own = np.concatenate([loud, quiet])
    added = 0.2 * rng.standard_normal(len(own))
    squares = np.concatenate([np.full(10_000, 1.0), np.full(1000, 2.0)])  # puts the quiet ones into cells of their own
    of = [[Slopes(np.zeros(len(own)), np.sqrt(squares) * g, squares, is_map=True)] for g in (own, own + added)]
    over = evidence(of)
    assert over[0, 1] > 5
    assert over == pytest.approx(-over.T)


def test_of_two_with_the_same_slopes_none_is_preferred():
    slopes = planted(np.random.default_rng(0).standard_normal(500), 0)
    assert contrasts([slopes, slopes]) == pytest.approx(np.zeros(2), abs=1e-9)
    assert contrasts([slopes]).tolist() == [0.0]


@pytest.mark.parametrize("per_spread", [False, True], ids=["Adam", "AdamW"])
def test_what_weight_decay_leaves_is_no_evidence(per_spread):
    rng = np.random.default_rng(0)
    weights, spread = rng.standard_normal(3000), np.exp(rng.standard_normal(3000))
    own, added = spread * rng.standard_normal((2, 3000)) * np.array([[1.0], [0.3]])
    decayed = own - 5 * weights * (spread if per_spread else 1)
    first, second = (
        evidence([[Slopes(weights, g, spread**2, is_map=True)] for g in (of, of + added)]) for of in (own, decayed)
    )
    assert second == pytest.approx(first, rel=0.02, abs=0.05)


def test_what_weight_decay_leaves_speaks_against_nobody():
    rng = np.random.default_rng(0)
    weights, noise = rng.standard_normal(5000), 0.3 * rng.standard_normal(5000)
    decayed = Slopes(weights, noise - 2 * weights, np.ones(5000), is_map=True)
    assert decayed.size == pytest.approx(Slopes(weights, noise, np.ones(5000), is_map=True).size, abs=0.01)
    assert Slopes(weights, noise + 2 * weights, np.ones(5000), is_map=True).size > decayed.size + 2


def test_more_points_are_not_enough():
    """A relative that scores more, with less of the evidence, is named beside what stands; neither is likely."""
    found = said(weighed("relu", 0.6, 0.97), weighed("silu", 0.4, 0.9725))
    assert (found.value, found.confidence, named(found)) == ("relu", "uncertain", ["relu", "silu"])
    assert "silu 97.3" in found.evidence


def test_likely_is_what_has_nearly_all_of_the_evidence():
    assert said(weighed("relu", LIKELY + 0.01), weighed("abs", 0.99 - LIKELY)).confidence == "likely"
    assert said(weighed("relu", 1.0)).confidence == "uncertain"  # beside nothing else


def test_of_what_is_no_better_than_chance_nothing_is_likely():
    assert said(weighed("relu", 0.95, 0.3), weighed("abs", 0.05, 0.3)).confidence == "likely"
    assert said(weighed("relu", 0.95, 0.1), weighed("abs", 0.05, 0.1)).confidence == "uncertain"


def test_slopes_are_no_evidence_for_what_does_far_worse():
    """Near others in what speaks against it, one that answers at random stands as little as its score says."""
    good, poor = weighed("relu", 0.0, 0.9).signs, weighed("sigmoid", 0.0, 0.1).signs
    assert parted([poor, good], 0.7) == ([good], [Weighed(poor, 0.0)])
    assert parted([poor, good], 0.95) == ([good], [Weighed(poor, 0.0)])  # the best is left, whatever it scores
    assert parted([poor, good], 0.05) == ([poor, good], [])


def test_relu_stands_where_no_other_is_likely():
    assert said(weighed("silu", 0.7), weighed("relu", 0.3)).value == "relu"
    assert said(weighed("silu", 0.99), weighed("relu", 0.01)).value == "silu"
    assert said(weighed("silu", 0.6), weighed("gelu, silu", 0.4)).value == "silu"


def test_of_a_loss_of_nothing_no_candidate_is_told_from_another():
    right = np.ones(9)
    signs = [
        Signs(Trial(Candidate(UNIT, name, "linear"), right, loss), np.zeros(len(NAMES)))
        for name, loss in (("relu", 0.0), ("elu", 0.0))
    ]
    assert len(distinct(signs)) == 2
    same = [
        Signs(Trial(Candidate(UNIT, name, "linear"), right, 0.25), np.zeros(len(NAMES))) for name in ("relu", "elu")
    ]
    assert distinct(same) == same[:1]


def test_per_cents_add_up():
    """Each is its share, rounded up or down, and all together are what the shares are together."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        shares = rng.dirichlet(np.full(rng.integers(1, 30), 0.3))
        found = per_cent(shares.tolist())
        assert sum(found) == 100
        assert all(abs(whole - 100 * share) < 1 for whole, share in zip(found, shares, strict=True))
    assert per_cent([0.724, 0.236, 0.03]) == [72, 24, 3], "of values that do not cover all, what they cover"
