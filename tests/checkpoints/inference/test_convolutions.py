"""Bare state dicts of convolutional networks: what the shapes leave open is found from data, or said to be open."""

from collections import Counter

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from checkpoints.planted import DIGITS, same_outputs
from interp.checkpoints import load_model
from interp.checkpoints.inference.candidates.candidate import all_candidates
from interp.checkpoints.inference.convolutional import trials
from interp.checkpoints.inference.convolutional.closing import layouts_of
from interp.checkpoints.inference.infer import infer_candidate
from interp.checkpoints.inference.stack.state import layer_stack
from interp.data import parse_scaling
from interp.errors import CheckpointError

PARTS = {
    "plain": lambda act, pool: [nn.Conv2d(1, 8, 3, padding=1), act(), pool(2), nn.Conv2d(8, 12, 3), act()],
    "normed": lambda act, pool: [nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), act(), pool(2)],
}


def network(parts, act, pool):
    torch.manual_seed(0)
    features = [*PARTS[parts](act, pool), nn.Flatten()]
    width = nn.Sequential(*features).eval()(torch.zeros(1, 1, 8, 8)).shape[1]
    return nn.Sequential(*features, nn.Linear(width, 16), act(), nn.Linear(16, 10))


def images(rows=slice(None)):
    return torch.from_numpy(DIGITS.train.inputs[rows]).float().reshape(-1, 1, 8, 8) / 16


def trained(module, steps=60):
    x, y = images(), torch.from_numpy(DIGITS.train.labels)
    optimiser = torch.optim.Adam(module.parameters(), lr=0.01)
    for _ in range(steps):
        optimiser.zero_grad()
        F.cross_entropy(module(x), y).backward()
        optimiser.step()
    return module.eval().requires_grad_(False)


@pytest.mark.parametrize(
    ("parts", "act", "pool", "placement"),
    [
        ("plain", nn.ReLU, nn.MaxPool2d, "padding 1-0, stride 1-1, max pooling 2-1"),
        ("plain", nn.Tanh, nn.AvgPool2d, "padding 1-0, stride 1-1, avg pooling 2-1"),
        ("normed", nn.ReLU, nn.AvgPool2d, "padding 0, stride 1, avg pooling 2"),
    ],
)
def test_planted_networks_are_found(parts, act, pool, placement, tmp_path):
    module = trained(network(parts, act, pool))
    torch.save(module.state_dict(), tmp_path / "net.pt")
    model, _ = load_model(tmp_path / "net.pt", DIGITS)
    assert model.inferred["activation"].value == act.__name__.lower()
    assert model.input_shape == (1, 8, 8)
    order = "norm, activation, pooling" if parts == "normed" else "activation, pooling"
    truth = {"input_scaling": "x/16", "output": "linear", "placement": placement, "order": order}
    missed = {fact for fact, value in truth.items() if model.inferred[fact].value != value}
    assert {model.inferred[fact].confidence for fact in truth} <= {"likely", "uncertain"}
    assert {model.inferred[fact].confidence for fact in missed} <= {"uncertain"}
    assert "output" not in missed
    if not missed:
        same_outputs(model.module, module, images(slice(20)))


def stack(**shapes):
    return layer_stack({f"{name}.weight": torch.ones(shape) for name, shape in shapes.items()}, "net.pt")[0]


def test_shapes_that_close():
    """LeNet on 28x28: padding 2 before the first convolution alone, halved twice, 16 channels of 5x5."""
    layers = stack(c1=(6, 1, 5, 5), c2=(16, 6, 5, 5), f1=(120, 400), f2=(84, 120), f3=(10, 84))
    usual = layouts_of(layers, (1, 28, 28)).tried[0]
    assert (usual.padding, usual.stride, usual.pooling) == ((2, 0), (1, 1), (2, 2))
    assert str(usual) == "padding 2-0, stride 1-1, max pooling 2-2"


def test_mean_over_positions():
    layers = stack(c1=(8, 3, 3, 3), c2=(16, 8, 3, 3), fc=(10, 16))
    usual = layouts_of(layers, (3, 32, 32)).tried[0]
    assert str(usual) == "padding 1-1, stride 1-1, max pooling 2-1, mean over positions"


@pytest.mark.parametrize(
    ("shapes", "found"),
    [
        ({"c1": (8, 1, 3, 3), "fc": (10, 999 * 8)}, r"no image of \(1, 8, 8\) to the 7992 inputs of fc"),
        ({"c1": (8, 2, 3, 3), "fc": (10, 72)}, "convolutions that lead no image"),
        ({"c1": (8, 1, 3, 3), "fc": (10, 71)}, "8 outputs of c1 before 71 inputs of fc"),
        ({"c1": (8, 1, 3, 3, 3), "fc": (10, 72)}, r"c1.weight of shape \(8, 1, 3, 3, 3\)"),
    ],
)
def test_shapes_that_do_not(shapes, found, tmp_path):
    torch.save({f"{name}.weight": torch.ones(shape) for name, shape in shapes.items()}, tmp_path / "net.pt")
    with pytest.raises(CheckpointError, match=found):
        load_model(tmp_path / "net.pt", DIGITS)


def test_no_network_runs_on_a_row_twice(monkeypatch):
    rows, run = Counter(), trials._outputs

    def counted(layers, candidates, inputs):
        for candidate in candidates:
            rows[candidate] += len(inputs)
        return run(layers, candidates, inputs)

    monkeypatch.setattr(trials, "_outputs", counted)
    layers = layer_stack(trained(network("normed", nn.ReLU, nn.MaxPool2d), 20).state_dict(), "net").layers
    infer_candidate(layers, DIGITS, {}, layouts_of(layers, (1, 8, 8)).tried)
    assert max(rows.values()) == len(DIGITS.train)


def test_rows_that_are_known_give_the_trials_of_all_rows():
    x, layers = DIGITS.train.inputs[:300], layer_stack(network("plain", nn.ReLU, nn.MaxPool2d).state_dict(), "net")
    scaling = parse_scaling("raw", None)
    candidate = all_candidates(layers.layers, {"raw": scaling}, {}, layouts_of(layers.layers, (1, 8, 8)).tried[:1])[0]
    known = trials.Runs()
    for one in (x[:130], x, x[:50], x[::-1].copy()):
        known.begin(one)
        found, alone = known.outputs(layers.layers, [candidate], one), trials._outputs(layers.layers, [candidate], one)
        torch.testing.assert_close(found[0], alone[candidate])
