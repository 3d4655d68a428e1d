"""An activation is named only where what is read next is its very output."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from interp.network.nodes import find_layers

HAND_WRITTEN = {
    "z times sigmoid": lambda z: z * torch.sigmoid(z),
    "minus relu": lambda z: -F.relu(z),
    "minus relu in place": lambda z: F.relu_(z).neg_(),
    "relu of minus z": lambda z: F.relu(-z),
    "half a relu": lambda z: 0.5 * F.relu(z),
    "squared relu": lambda z: F.relu(z) ** 2,
    "relu of z + 1": lambda z: F.relu(z + 1),
    "z + relu": lambda z: z + F.relu(z),
    "both signs": lambda z: F.relu(z) - F.relu(-z),
    "relu of tanh": lambda z: F.relu(torch.tanh(z)),
    "where": lambda z: torch.where(z > 0, z, 0.1 * z),
    "maximum": lambda z: torch.maximum(z, torch.zeros_like(z)),
    "clamp": lambda z: z.clamp(min=0),
    "hardsigmoid": F.hardsigmoid,
    "softsign": F.softsign,
    "rrelu": F.rrelu,
    "transposed": lambda z: F.relu(z.t()).t(),
    "of torch.special": torch.special.expit,
    "listed nowhere": torch.frac,
    "listed nowhere, in place": lambda z: z.frac_(),
    "of two arguments": lambda z: torch.fmod(z, 0.5),
    "hardly more than nothing": lambda z: z.nan_to_num(nan=0.0, posinf=1.0, neginf=0.0).clamp(max=100),
    "relu of one joined": lambda z: F.relu(torch.cat([z], 1)),
}

RECOGNISED = {
    "relu6": (nn.ReLU6(), "relu6"),
    "hardtanh": (nn.Hardtanh(), "hardtanh"),
    "clip to 0, 6": (lambda z: F.hardtanh(z, 0.0, 6.0), "relu6"),
    "relu of a copy": (lambda z: F.relu(z.clone()), "relu"),
    "relu on floats": (lambda z: F.relu(z.float()), "relu"),
    "in place": (F.relu_, "relu"),
    "minus z": (lambda z: -z, "identity"),
    "scaled": (lambda z: 0.5 * z, "identity"),
    "one slope": (nn.PReLU(), "prelu"),
    "nothing": (lambda z: z, "identity"),
    "softmax": (lambda z: z.softmax(1), "identity"),
    "standardised": (lambda z: F.layer_norm(z, z.shape[1:]), "identity"),
    "moved round": (lambda z: z.roll(1, 1), "identity"),
    "in double precision": (lambda z: z.double().float(), "identity"),
    "relu in double precision": (lambda z: F.relu(z).double().float(), "relu"),
    "one joined": (lambda z: torch.cat([z], 1), "identity"),
}


class Applied(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.first, self.function, self.last = nn.Linear(4, 3), function, nn.Linear(3, 2)

    def forward(self, x):
        return self.last(self.function(self.first(x)))


def activations(module, *shape):
    x = torch.randn(3, *shape, generator=torch.Generator().manual_seed(0))
    return [layer.activation for layer in find_layers(module.eval(), x).layers]


@pytest.mark.parametrize("name", HAND_WRITTEN)
def test_functions_written_by_hand_are_custom(name):
    assert activations(Applied(HAND_WRITTEN[name]), 4) == ["custom", "identity"]


@pytest.mark.parametrize("name", RECOGNISED)
def test_functions_that_have_a_name(name):
    function, activation = RECOGNISED[name]
    assert activations(Applied(function), 4) == [activation, "identity"]


def test_values_set_in_place_are_custom():
    def set_in_place(z):
        z[z < 0] = 0
        return z

    assert activations(Applied(set_in_place), 4) == ["custom", "identity"]


class Gated(nn.Module):
    """A gate multiplies other nodes: its own activation stays what it is, as do sums with other tensors."""

    def __init__(self):
        super().__init__()
        self.gate, self.up, self.down = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x):
        return x + self.down(F.silu(self.gate(x)) * self.up(x))


def test_gates_and_residual_sums():
    assert activations(Gated(), 4) == ["silu", "identity", "identity"]


class TwoReaders(nn.Module):
    """Nodes that are read both as they are and through a ReLU, or twice through it."""

    def __init__(self, raw):
        super().__init__()
        self.first, self.last, self.raw = nn.Linear(4, 3), nn.Linear(6, 2), raw

    def forward(self, x):
        z = self.first(x)
        return self.last(torch.cat([z if self.raw else F.relu(z), F.relu(z)], 1))


@pytest.mark.parametrize(("raw", "activation"), [(True, "custom"), (False, "relu")])
def test_nodes_read_twice(raw, activation):
    assert activations(TwoReaders(raw), 4) == [activation, "identity"]


class Block(nn.Module):
    """A residual block whose sum is made in place on the norm's output."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(2, 2, 3, padding=1), nn.Conv2d(2, 2, 3, padding=1)
        self.n, self.m, self.relu = nn.BatchNorm2d(2), nn.BatchNorm2d(2), nn.ReLU(inplace=True)

    def forward(self, x):
        out = self.m(self.b(self.relu(self.n(self.a(x)))))
        out += x
        return self.relu(out)


def test_residual_blocks():
    assert activations(Block(), 2, 5, 5) == ["relu", "identity"]


def test_signs_at_the_output_belong_to_the_output():
    def tail(function):
        class Tail(nn.Module):
            def __init__(self):
                super().__init__()
                self.last = nn.Linear(4, 3)

            def forward(self, x):
                return function(self.last(x))

        return Tail()

    assert activations(tail(lambda z: -z.abs()), 4) == ["abs"]
    assert activations(tail(lambda z: F.log_softmax(-z.abs(), 1)), 4) == ["abs"]
    assert activations(tail(lambda z: {"scores": z}), 4) == ["identity"]
