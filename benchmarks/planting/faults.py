"""Small networks, sound or with one fault planted, each with the data that it is looked at with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

from interp.types import Dataset, Split

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}
Parts = dict[str, tuple[np.ndarray, np.ndarray]]
"""Split -> inputs and labels; ``fresh`` are further samples, which nobody is shown."""


@dataclass(frozen=True)
class Case:
    """A network with its data, and the alert that is planted.

    Attributes
    ----------
    network
        Network in memory.
    data
        Data that it is looked at with.
    parts
        Samples, with fresh ones of a mixture, that nobody is shown.
    planted
        Name of the alert that is planted; empty for a sound network.
    """

    network: nn.Module
    data: Dataset
    parts: Parts
    planted: str

    @property
    def gap(self) -> float | None:
        """Fall of the accuracy from the training samples to 20,000 fresh ones; None where there are none."""
        if "fresh" not in self.parts:
            return None
        return accuracy(self.network, self.parts["train"]) - accuracy(self.network, self.parts["fresh"])


def mixture(
    rng: np.random.Generator, train: int, test: int = 1000, fresh: int = 20_000, spread: float = 1.0, classes: int = 0
) -> Parts:
    """Draw samples of Gaussian classes in 12 dimensions, of 4 to 8 classes where their number is not given."""
    centres = rng.normal(size=(classes or int(rng.integers(4, 9)), 12)) * 1.2 / spread
    parts = {}
    for name, count in (("train", train), ("test", test), ("fresh", fresh)):
        labels = rng.integers(0, len(centres), count)
        parts[name] = (centres[labels] + rng.normal(size=(count, 12))).astype(np.float32), labels
    return parts


def digits(rng: np.random.Generator, train: int = 1200) -> Parts:
    """Split scikit-learn's digits at random."""
    x, y = load_digits(return_X_y=True)
    order = rng.permutation(len(y))
    x, y = (x[order] / 16).astype(np.float32), y[order]
    return {"train": (x[:train], y[:train]), "test": (x[train:], y[train:])}


def drawn(rng: np.random.Generator) -> Parts:
    """Draw digits or a mixture, in turn at random."""
    return digits(rng) if rng.random() < 0.5 else mixture(rng, int(rng.integers(2000, 4000)))


def network(rng: np.random.Generator, inputs: int, classes: int, activation: str = "") -> nn.Sequential:
    """Draw an untrained perceptron of one or two hidden layers."""
    torch.manual_seed(int(rng.integers(2**31)))
    name = activation or str(rng.choice(list(ACTIVATIONS)))
    widths = [inputs, *rng.integers(16, 49, int(rng.integers(1, 3))).tolist()]
    parts: list[nn.Module] = []
    for before, after in pairwise(widths):
        parts += [nn.Linear(before, after), ACTIVATIONS[name]()]
    return nn.Sequential(*parts, nn.Linear(widths[-1], classes))


def train(module: nn.Module, part: tuple[np.ndarray, np.ndarray], steps: int = 400, until: float = 2.0) -> nn.Module:
    """Fit a network with Adam on all samples at once, up to a training accuracy."""
    x, y = torch.from_numpy(part[0]), torch.from_numpy(part[1])
    optimiser = torch.optim.Adam(module.parameters(), 0.01)
    for _ in range(steps):
        optimiser.zero_grad()
        outputs = module(x)
        if float((outputs.argmax(1) == y).float().mean()) >= until:
            break
        nn.functional.cross_entropy(outputs, y).backward()
        optimiser.step()
    return module.eval()


def accuracy(module: nn.Module, part: tuple[np.ndarray, np.ndarray]) -> float:
    """Give the share of samples that a network gets right."""
    with torch.no_grad():
        right = module(torch.from_numpy(part[0])).argmax(1) == torch.from_numpy(part[1])
    return float(right.float().mean())


def dataset(parts: Parts) -> Dataset:
    """Give the splits that are shown."""
    splits = {name: Split(x, y.astype(np.int64)) for name, (x, y) in parts.items() if name != "fresh" and len(x)}
    classes = int(max(y.max() for _, y in parts.values() if len(y))) + 1
    return Dataset("drawn", splits, None, tuple(map(str, range(classes))), (), f"{hash(repr(parts)):x}".zfill(64))


def classes_of(parts: Parts) -> int:
    """Count the classes."""
    return int(max(y.max() for _, y in parts.values() if len(y))) + 1


def sound(rng: np.random.Generator, activation: str = "") -> tuple[nn.Sequential, Parts]:
    """Train a network until it has learned its data."""
    parts = drawn(rng)
    module = network(rng, parts["train"][0].shape[1], classes_of(parts), activation)
    train(module, parts["train"], 200)
    return module, parts


# --------------------------------------------------------------------------- faults


def healthy(rng: np.random.Generator) -> Case:
    """Plant nothing."""
    module, parts = sound(rng)
    return Case(module, dataset(parts), parts, "")


def untrained(rng: np.random.Generator) -> Case:
    """Leave the network as it was initialised."""
    parts = drawn(rng)
    return Case(network(rng, parts["train"][0].shape[1], classes_of(parts)).eval(), dataset(parts), parts, "untrained")


def at_chance(rng: np.random.Generator) -> Case:
    """Show the network the inputs' columns in another order."""
    module, parts = sound(rng)
    order = rng.permutation(parts["train"][0].shape[1])
    parts = {name: (x[:, order], y) for name, (x, y) in parts.items()}
    return Case(module, dataset(parts), parts, "at-chance or poor")


def label_order(rng: np.random.Generator) -> Case:
    """Shift the labels, so that none is where the network has it."""
    module, parts = sound(rng)
    classes, by = classes_of(parts), int(rng.integers(1, classes_of(parts)))
    parts = {name: (x, (y + by) % classes) for name, (x, y) in parts.items()}
    return Case(module, dataset(parts), parts, "label-order")


def memorising(rng: np.random.Generator) -> Case:
    """Draw labels at random, and train until most are known."""
    parts = mixture(rng, int(rng.integers(200, 300)))
    parts = {name: (x, rng.permutation(y)) for name, (x, y) in parts.items()}
    wide = nn.Sequential(nn.Linear(12, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, classes_of(parts)))
    return Case(train(wide, parts["train"], 1500, 0.97), dataset(parts), parts, "memorising")


def gap(rng: np.random.Generator) -> Case:
    """Train on few samples of classes that overlap; how far the accuracy falls, fresh samples say."""
    parts = mixture(rng, int(rng.integers(200, 600)), spread=float(rng.uniform(1.0, 2.5)))
    module = train(network(rng, 12, classes_of(parts)), parts["train"], int(rng.integers(60, 500)))
    return Case(module, dataset(parts), parts, "train-test-gap")


def never_predicted(rng: np.random.Generator) -> Case:
    """Train without one class that the data have."""
    parts = drawn(rng)
    x, y = parts["train"]
    kept = y != int(rng.integers(classes_of(parts)))
    module = network(rng, x.shape[1], classes_of(parts))
    return Case(train(module, (x[kept], y[kept])), dataset(parts), parts, "never-predicted")


def shared_samples(rng: np.random.Generator) -> Case:
    """Put 2 to 20 % of the test split into the training split too."""
    module, parts = sound(rng)
    x, y = parts["test"]
    some = rng.permutation(len(y))[: max(int(rng.uniform(0.02, 0.2) * len(y)), 1)]
    there = {"train": tuple(np.concatenate(pair) for pair in zip(parts["train"], (x[some], y[some]), strict=True))}
    return Case(module, dataset({**parts, **there}), {**parts, **there}, "shared-samples")


def small_sample(rng: np.random.Generator) -> Case:
    """Show a sound network too few samples."""
    module, parts = sound(rng)
    few = {"train": 150, "test": int(rng.integers(20, 40))}
    parts = {name: (x[: few.get(name)], y[: few.get(name)]) for name, (x, y) in parts.items()}
    return Case(module, dataset(parts), parts, "small-sample")


def _changed(
    rng: np.random.Generator, low: float, high: float, activation: str = ""
) -> tuple[nn.Sequential, Parts, torch.Tensor]:
    """Give a sound network, and some nodes of its first hidden layer."""
    module, parts = sound(rng, activation)
    nodes = module[0].out_features
    count = max(round(float(rng.uniform(low, high)) * nodes), 1)
    return module, parts, torch.from_numpy(rng.permutation(nodes)[:count])


def dead(rng: np.random.Generator) -> Case:
    """Silence 15 to 50 % of the nodes of a layer."""
    module, parts, some = _changed(rng, 0.15, 0.5, "relu")
    with torch.no_grad():
        module[0].weight[some], module[0].bias[some] = 0, -1.0
    train(module[1:], (_outputs(module, parts), parts["train"][1]), 100)
    return Case(module, dataset(parts), parts, "dead")


def one_sided(rng: np.random.Generator) -> Case:
    """Shift 60 to 90 % of the nodes of a layer to where they are linear, and let the rest follow."""
    module, parts, some = _changed(rng, 0.6, 0.9, "relu")
    with torch.no_grad():
        shift = 4 * module[0](torch.from_numpy(parts["train"][0])).abs().amax(0)[some]
        module[0].bias[some] += shift
        module[2].bias -= module[2].weight[:, some] @ shift
    train(module[1:], (_outputs(module, parts), parts["train"][1]), 100)
    return Case(module, dataset(parts), parts, "one-sided")


def duplicate(rng: np.random.Generator) -> Case:
    """Put copies of other nodes, a little off, in the place of 20 to 40 % of a layer."""
    module, parts, some = _changed(rng, 0.2, 0.4)
    others = torch.tensor([node for node in range(module[0].out_features) if node not in set(some.tolist())])
    sources = others[torch.from_numpy(rng.integers(0, len(others), len(some)))]
    with torch.no_grad():
        noise = 0.01 * module[0].weight[sources].std() * torch.randn_like(module[0].weight[sources])
        module[0].weight[some], module[0].bias[some] = module[0].weight[sources] + noise, module[0].bias[sources]
    train(module[1:], (_outputs(module, parts), parts["train"][1]), 100)
    return Case(module, dataset(parts), parts, "duplicate")


def saturated(rng: np.random.Generator) -> Case:
    """Make the weights of 40 to 80 % of the nodes of a layer so large that they are switches."""
    module, parts, some = _changed(rng, 0.4, 0.8, str(rng.choice(["tanh", "sigmoid"])))
    with torch.no_grad():
        module[0].weight[some] *= 200
        module[0].bias[some] *= 200
    train(module[1:], (_outputs(module, parts), parts["train"][1]), 100)
    return Case(module, dataset(parts), parts, "saturated")


def wrong_size(rng: np.random.Generator) -> Case:
    """Make the logits of a network of overlapping classes 3 to 6 times as large: it decides as before."""
    module, parts = _overlapping(rng)
    with torch.no_grad():
        factor = float(rng.uniform(3, 6))
        module[-1].weight *= factor
        module[-1].bias *= factor
    return Case(module, dataset(parts), parts, "doubtful-fit")


def wrong_mean(rng: np.random.Generator) -> Case:
    """Raise the logit of one of several overlapping classes by 1 to 2."""
    module, parts = _overlapping(rng)
    with torch.no_grad():
        module[-1].bias[int(rng.integers(classes_of(parts)))] += float(rng.uniform(1, 2))
    return Case(module, dataset(parts), parts, "doubtful-fit")


def _overlapping(rng: np.random.Generator) -> tuple[nn.Sequential, Parts]:
    """Train a network until it has learned classes that overlap: of others no size of the logits is too large."""
    parts = mixture(rng, int(rng.integers(2000, 4000)), spread=float(rng.uniform(1.5, 2.5)))
    module = network(rng, 12, classes_of(parts))
    train(module, parts["train"], 200)
    return module, parts


def other_data(rng: np.random.Generator) -> Case:
    """Train a network on one mixture, and show it another of as many classes."""
    parts = mixture(rng, int(rng.integers(2000, 4000)))
    module = network(rng, 12, classes_of(parts))
    train(module, parts["train"], 200)
    parts = mixture(rng, len(parts["train"][0]), classes=classes_of(parts))
    return Case(module, dataset(parts), parts, "training-unknown")


def other_start(rng: np.random.Generator) -> Case:
    """Draw weights of an initialisation that is not PyTorch's default, He's normal one, and train nothing."""
    parts = drawn(rng)
    module = network(rng, parts["train"][0].shape[1], classes_of(parts))
    for linear in module[::2]:
        nn.init.kaiming_normal_(linear.weight)
    return Case(module.eval(), dataset(parts), parts, "training-unknown")


def _outputs(module: nn.Sequential, parts: Parts) -> np.ndarray:
    """Give what the first layer hands on, so that what follows can be trained alone."""
    with torch.no_grad():
        return module[0](torch.from_numpy(parts["train"][0])).numpy()


FAULTS: dict[str, Callable[[np.random.Generator], Case]] = {
    part.__name__: part
    for part in (
        healthy,
        untrained,
        at_chance,
        label_order,
        memorising,
        gap,
        never_predicted,
        shared_samples,
        small_sample,
        dead,
        one_sided,
        duplicate,
        saturated,
        wrong_size,
        wrong_mean,
        other_data,
        other_start,
    )
}
"""Name -> function of a generator that gives a network with that fault."""


def facts_of(case: Case) -> dict[str, float]:
    """Count, in the plain way, what some alerts state: alert -> largest share of a hidden layer's nodes."""
    x = torch.from_numpy(case.parts["train"][0])
    shares: dict[str, list[float]] = {name: [0.0] for name in ("dead", "one-sided", "duplicate", "saturated")}
    with torch.no_grad():
        for linear, activation in zip(case.network[:-1:2], case.network[1::2], strict=True):
            z = linear(x)
            x = activation(z)
            a = x.double().numpy()
            is_dead = np.ptp(a, axis=0) == 0
            side = (z > 0).float().mean(0).numpy()
            shares["dead"].append(float(is_dead.mean()))
            if isinstance(activation, nn.ReLU):
                shares["one-sided"].append(float((~is_dead & ((side >= 0.999) | (side <= 0.001))).mean()))
            else:
                low, high = (-1, 1) if isinstance(activation, nn.Tanh) else (0, 1)
                near = np.minimum(a - low, high - a) <= 0.01 * (high - low)
                shares["saturated"].append(float((near.mean(axis=0) >= 0.9).mean()))
            shares["duplicate"].append(_alike(a))
    return {name: max(values) for name, values in shares.items()}


def _alike(a: np.ndarray) -> float:
    """Give the share of nodes that could be left out, going through them in order."""
    kept: list[np.ndarray] = []
    spare = 0
    for column in a.T:
        if (column != np.median(column)).mean() < 0.01:
            continue
        scaled = (column - column.mean()) / column.std()
        if any(abs(scaled @ other) / len(a) >= 0.99 for other in kept):
            spare += 1
        else:
            kept.append(scaled)
    return spare / a.shape[1]
