"""Small networks with their own plain forward passes, written apart from the code under test."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from interp.interventions import Ranges
from interp.network.activations import Activation
from interp.network.nodes import find_layers
from interp.types import Dataset, Inference, LoadedModel, Scaling, Split

FUNCTIONS = {"relu": F.relu, "abs": torch.abs, "tanh": torch.tanh}


@dataclass(frozen=True)
class Plain:
    """A network as arrays: `steps` of (linear map, activation), run one after the other on all rows at once."""

    steps: tuple
    shape: tuple

    def outputs(self, x, layer=-1, change=None, after=None):
        """Run the whole network; `change` is applied to z of one layer, `after` to its activation's output."""
        values = x.reshape(len(x), *self.shape)
        for index, (linear, activation) in enumerate(self.steps):
            z = linear(values)
            z = change(z) if index == layer and change else z
            values = activation(z)
            values = after(values) if index == layer and after else values
        return values

    def hits(self, x, labels, **how):
        return int((self.outputs(x, **how).argmax(1) == labels).sum())


class Hidden(nn.Module):
    """The same network where nobody can see that it is a chain."""

    def __init__(self, chain):
        super().__init__()
        self.parts = nn.ModuleList(chain)

    def forward(self, x):
        for part in self.parts:
            x = part(x)
        return x


def data(samples=300, width=64, classes=5, seed=0, labels=True):
    """Draw clusters, so that predictions are neither constant nor perfect."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, samples)
    inputs = rng.normal(size=(classes, width))[truth] + 1.5 * rng.normal(size=(samples, width))
    return Split(inputs.astype(np.float32), truth if labels else None)


def dataset(**splits):
    return Dataset("drawn", splits, None, tuple("abcde"), (), "0" * 64)


def learned(plain, samples=300, seed=0):
    """Label data with the network's own predictions, one in five drawn at random, as if it had been trained."""
    split = data(samples, seed=seed)
    own = plain.outputs(torch.from_numpy(split.inputs)).argmax(1).numpy()
    rng = np.random.default_rng(seed + 1)
    return Split(split.inputs, np.where(rng.random(samples) < 0.2, rng.integers(0, 5, samples), own))


def mlp(activation="relu", widths=(64, 24, 12, 5), seed=0, dead=0, module=None):
    """Make a chain and its plain twin; the first `dead` nodes of the first layer never fire under ReLU."""
    torch.manual_seed(seed)
    maps = [nn.Linear(a, b) for a, b in pairwise(widths)]
    for linear in maps:
        nn.init.normal_(linear.weight, std=1.5 / linear.in_features**0.5)
    with torch.no_grad():
        maps[0].bias[:dead] = -1000
    modules = []
    for linear in maps:
        modules += [linear, module() if module else Activation(activation)]
    modules.pop()
    plain = [(lambda x, m=m: F.linear(x, m.weight.detach(), m.bias.detach()), FUNCTIONS[activation]) for m in maps[:-1]]
    last = maps[-1]
    plain.append((lambda x: F.linear(x, last.weight.detach(), last.bias.detach()), lambda z: z))
    return nn.Sequential(*modules), Plain(tuple(plain), (widths[0],))


def convolutional(activation="relu", seed=0):
    """Make a small convolutional chain on 8 x 8 images and its plain twin."""
    torch.manual_seed(seed)
    conv, linear = nn.Conv2d(1, 6, 3), nn.Linear(6 * 9, 5)
    f = FUNCTIONS[activation]
    chain = nn.Sequential(conv, Activation(activation), nn.MaxPool2d(2), nn.Flatten(), linear)
    first = (
        lambda x: F.conv2d(x, conv.weight.detach(), conv.bias.detach()),
        f,
    )
    second = (
        lambda a: F.linear(F.max_pool2d(a, 2).flatten(1), linear.weight.detach(), linear.bias.detach()),
        lambda z: z,
    )
    return chain, Plain((first, second), (1, 8, 8))


def loaded(module, shape=(64,), output="linear"):
    module.eval()
    structure = find_layers(module, torch.zeros(2, *shape))
    return LoadedModel(
        module=module,
        layers=structure.layers,
        path="small.pt",
        format="drawn",
        digest="0" * 64,
        scaling=Scaling("raw"),
        input_shape=shape,
        output=output,
        inferred={"trained": Inference(False, "certain", "drawn")},
        skipped=structure.skipped,
    )


def ranges_of(plain, x):
    """Least and largest activation output of each node and its mean, layer by layer, in the plain way."""
    found, means = [], []
    for index in range(len(plain.steps)):
        seen = []
        plain.outputs(x, layer=index, after=lambda a, seen=seen: seen.append(a) or a)
        rows = seen[0].transpose(0, 1).flatten(1)
        found.append(Ranges(rows.amin(1).numpy(), rows.amax(1).numpy()))
        means.append(rows.double().mean(1).numpy())
    return found, means
