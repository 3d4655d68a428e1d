"""Output ranges and means use a network's own activation parameters, not the defaults."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from small_networks import loaded
from torch import nn

from interp.network.activations import ACTIVATIONS
from interp.network.nodes import find_layers
from interp.network.own_activations import output_functions
from interp.recording import record_activations
from interp.store import open_recording
from interp.types import Dataset, Provenance, Split


def slopes():
    module = nn.PReLU(6)
    nn.init.uniform_(module.weight, -1, 1, generator=torch.Generator().manual_seed(0))
    return module


class Inside(nn.Module):
    """An activation that is no module of its own."""

    def forward(self, z):
        return F.leaky_relu_(z, 0.3)


MODULES = {
    "leaky": nn.LeakyReLU(0.2),
    "leaky in place": nn.LeakyReLU(0.2, inplace=True),
    "elu": nn.ELU(2.5),
    "one slope": nn.PReLU(init=0.7),
    "own slopes": slopes(),
    "hardtanh": nn.Hardtanh(-0.1, 0.4),
    "softplus": nn.Softplus(beta=5),
    "celu": nn.CELU(3.0),
    "gelu": nn.GELU("tanh"),
    "relu": nn.ReLU(),
    "functional": Inside(),
}


def chain(activation):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), activation, nn.Linear(6, 3)).eval()


@pytest.mark.parametrize("name", MODULES)
def test_own_parameters(name):
    module, x = chain(MODULES[name]), torch.randn(50, 4)
    layers = find_layers(module, x).layers
    assert layers[0].activation != "identity"
    z = module[0](x).detach()
    found, before = output_functions(module, layers, x[:2]), z.clone()
    torch.testing.assert_close(found["0"](z), MODULES[name](z.clone()).detach())
    assert torch.equal(z, before)  # also where the network's own activation overwrites it
    torch.testing.assert_close(found["2"](z), z)


@pytest.mark.parametrize("pooled", [False, True])
def test_channels_of_images(pooled):
    torch.manual_seed(0)
    parts = [nn.Conv2d(1, 6, 3), *([nn.MaxPool2d(2)] if pooled else []), slopes(), nn.Flatten()]
    module = nn.Sequential(*parts, nn.Linear(54 if pooled else 216, 3)).eval()
    x = torch.randn(2, 1, 8, 8)
    layers = find_layers(module, x).layers
    rows = torch.randn(20, 6)
    torch.testing.assert_close(output_functions(module, layers, x)["0"](rows), slopes()(rows).detach())


def test_what_is_of_its_own_making_is_z():
    class Cubed(nn.Module):
        def forward(self, z):
            return z**3

    module, x = chain(Cubed()), torch.randn(5, 4)
    found = output_functions(module, find_layers(module, x).layers, x)
    assert found["0"] is ACTIVATIONS["identity"]


@pytest.mark.parametrize("name", ["leaky", "own slopes", "hardtanh", "elu"])
def test_recorded_ranges_and_means(name, tmp_path):
    module = chain(MODULES[name])
    inputs = np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32)
    dataset = Dataset("drawn", {"train": Split(inputs, None)}, None, (), (), "d")
    record_activations(loaded(module, (4,)), dataset, tmp_path / "a.h5", Provenance("m", "d", 0, {}, {}))
    outputs = MODULES[name](module[0](torch.from_numpy(inputs))).detach().numpy()
    with open_recording(tmp_path / "a.h5") as found:
        np.testing.assert_allclose(found.output_range["0"], [outputs.min(0), outputs.max(0)], rtol=1e-6)
        np.testing.assert_allclose(found.output_mean["0"], outputs.mean(0), rtol=1e-5, atol=1e-7)


def test_no_hook_is_left():
    module, x = chain(nn.ReLU()), torch.randn(2, 4)
    output_functions(module, find_layers(module, x).layers, x)
    assert not any(part._forward_hooks for part in module.modules())
