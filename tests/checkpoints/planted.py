"""Small networks trained on digits under a known candidate, and the candidates to plant."""

from functools import cache

import torch
import torch.nn.functional as F
from torch import nn

from interp.data import load_dataset, parse_scaling
from interp.network.activations import ACTIVATIONS

DIGITS = load_dataset("digits")


class Planted(nn.Module):
    """64-32-16-10 with what a state dict does not say: activation, output form and where batch-norm acts."""

    def __init__(self, activation="relu", output="linear", norm=None, bias=True):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(64, 32, bias=bias), nn.Linear(32, 16, bias=bias)
        self.fc3 = nn.Linear(16, 10, bias=bias)
        self.norms = nn.ModuleList([nn.BatchNorm1d(32), nn.BatchNorm1d(16)] if norm else [])
        self.activation, self.output, self.norm = ACTIVATIONS[activation], output, norm

    def forward(self, x):
        for i, layer in enumerate((self.fc1, self.fc2)):
            x = layer(x)
            x = self.norms[i](x) if self.norm == "before" else x
            x = self.activation(x)
            x = self.norms[i](x) if self.norm == "after" else x
        z = self.fc3(x)
        return {"linear": z, "negated-activation": -self.activation(z)}[self.output]


@cache
def planted(scaling="x/16", steps=150, **form) -> Planted:
    """Train one on digits; the same request gives the same network."""
    torch.manual_seed(0)
    module = Planted(**form)
    x = torch.from_numpy(parse_scaling(scaling, DIGITS)(DIGITS.train.inputs))
    y = torch.from_numpy(DIGITS.train.labels)
    optimiser = torch.optim.Adam(module.parameters(), lr=0.01)
    for _ in range(steps):
        optimiser.zero_grad()
        F.cross_entropy(module(x), y).backward()
        optimiser.step()
    return module.eval().requires_grad_(False)


def inputs(scaling="x/16", rows: int | None = 50, part="test") -> torch.Tensor:
    """Give the first images of a split, or all, as the network takes them."""
    return torch.from_numpy(parse_scaling(scaling, DIGITS)(DIGITS.splits[part].inputs[:rows]))


@torch.no_grad()
def same_outputs(first, second, x=None) -> None:
    """Assert that two modules agree to 5e-6 of their largest output.

    Float32 rounds a sum at 6e-8 of its terms' magnitudes, which are some times larger than the sum, in each of a few
    layers; the order of the terms is the machine's. A wrong activation or scaling is off by 1e-3 and more.
    """
    x = inputs() if x is None else x
    expected = second(x)
    torch.testing.assert_close(first(x), expected, atol=5e-6 * float(expected.abs().max()), rtol=0)
