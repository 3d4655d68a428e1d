"""Measured targets in the units that a network was trained on."""

from functools import cache

import numpy as np
import pytest
import torch
from torch import nn

from interp.checkpoints import LoadOptions, load_model, load_module

RNG = np.random.default_rng(0)
INPUTS = RNG.normal(size=(300, 4))
TARGETS = 250 + 40 * (INPUTS[:, 0] + np.tanh(2 * INPUTS[:, 1]) * INPUTS[:, 2]) + RNG.normal(size=300)
SAID = LoadOptions(scaling="raw")


@cache
def trained(units="(y-mean)/std"):
    """Train a small network on targets in other units; gives it with its R² there."""
    least, spread = TARGETS.min(), np.ptp(TARGETS)
    scaled = (TARGETS - TARGETS.mean()) / TARGETS.std() if units == "(y-mean)/std" else (TARGETS - least) / spread
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))
    x, y = torch.tensor(INPUTS).float(), torch.tensor(scaled).float()[:, None]
    optimiser = torch.optim.Adam(net.parameters(), 0.02)
    for _ in range(250):
        optimiser.zero_grad()
        ((net(x) - y) ** 2).mean().backward()
        optimiser.step()
    with torch.no_grad():
        return net.eval(), 1 - float(((net(x) - y) ** 2).sum() / ((y - y.mean()) ** 2).sum())


@pytest.mark.parametrize("units", ["(y-mean)/std", "(y-min)/(max-min)"])
def test_scaled_targets_are_found(units, tmp_path):
    """R² was below 0, and the network *at chance*."""
    net, explained = trained(units)
    torch.save(net.state_dict(), tmp_path / "net.pt")
    for model, data in (
        load_model(tmp_path / "net.pt", (INPUTS, TARGETS), SAID),
        load_module(net, (INPUTS, TARGETS), options=SAID),
    ):
        assert model.scores["train"] == pytest.approx(explained, abs=1e-3)
        found = model.inferred["target_scaling"]
        assert (found.value, found.confidence) == (units, "uncertain")
        assert model.inferred["fit"].value == "as expected"
        assert data.facts["target_scaling"] == found
        assert np.ptp(data.train.targets) == pytest.approx(np.ptp(TARGETS) / _size(units), rel=1e-9)


def _size(units):
    return TARGETS.std() if units == "(y-mean)/std" else np.ptp(TARGETS)


def test_targets_that_a_network_explains_stay_as_they_are():
    net, _ = trained()
    targets = net(torch.tensor(INPUTS).float()).detach().numpy()[:, 0] + 0.1 * INPUTS[:, 3]
    model, data = load_module(net, (INPUTS, targets), options=SAID)
    assert "target_scaling" not in model.inferred
    np.testing.assert_array_equal(data.train.targets[:, 0], targets)


def test_a_network_that_explains_nothing_in_any_units_is_at_chance():
    torch.manual_seed(1)
    net = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))
    model, data = load_module(net, (INPUTS, TARGETS), options=SAID)
    assert "target_scaling" not in model.inferred
    assert model.inferred["fit"].value == "at chance"
    np.testing.assert_array_equal(data.train.targets[:, 0], TARGETS)
