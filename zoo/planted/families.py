"""Every family of planted networks by name, and networks of them drawn at random.

To add one, write a function ``(data, sizes, generator) -> (network, truth)`` and one line in `FAMILIES`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from zoo.planted.data.digits import digits
from zoo.planted.data.mixtures import COVARIANCES, MixtureSetup, gaussian_mixture
from zoo.planted.data.samples import PlantedData
from zoo.planted.data.tiles import tiles
from zoo.planted.learned.learned import (
    clamped,
    fixed_read_out,
    random_labels,
    trained,
)
from zoo.planted.learned.untrained import batch_norm, shuffled, untrained
from zoo.planted.planted import Planted, accuracy
from zoo.planted.sizes import Build, Sizes
from zoo.planted.tuned.both import both
from zoo.planted.tuned.built import build
from zoo.planted.tuned.distances import kmeans_centres, l1_mahalanobis, offset_l2, relu_pairs
from zoo.planted.tuned.intensities import templates

Draw = Callable[[int], PlantedData]


@dataclass(frozen=True)
class Family:
    """A kind of planted network.

    Attributes
    ----------
    build
        Function that makes one network.
    data
        Names of `DATA` that it can be built on.
    depths
        Numbers of hidden layers that it is built with.
    activations
        Names of activations that it is built with at random; one where the family fixes it.
    """

    build: Build
    data: tuple[str, ...] = ("mixture", "digits")
    depths: tuple[int, ...] = (1, 2, 3)
    activations: tuple[str, ...] = ("relu",)


def mixture(seed: int) -> PlantedData:
    """Draw a Gaussian mixture whose shape is drawn too.

    There are four classes or more: of two, being small for one is being large for the other.
    """
    generator = torch.Generator().manual_seed(seed)

    def one_of(values: tuple[float, ...]) -> float:
        return float(values[int(torch.randint(len(values), (), generator=generator))])

    setup = MixtureSetup(
        dimension=int(one_of((8, 16, 32))),
        classes=int(one_of((4, 6, 8, 10))),
        separation=one_of((4.0, 6.0, 8.0)),
        imbalance=one_of((1.0, 1.0, 4.0)),
        covariance=tuple(COVARIANCES)[int(one_of(tuple(range(len(COVARIANCES)))))],
    )
    return gaussian_mixture(setup, seed)


def tile_images(seed: int) -> PlantedData:
    """Draw images of tiles, four to seven classes."""
    generator = torch.Generator().manual_seed(seed)
    classes = 4 + int(torch.randint(4, (), generator=generator))
    own = 0.25 + 0.75 * float(torch.rand((), generator=generator))
    return tiles(classes, 6.0, own, seed)


DATA: dict[str, Draw] = {
    "mixture": mixture,
    "digits": digits,
    "digit-images": lambda seed: digits(seed, images=True),
    "tiles": tile_images,
}

WIDTHS, CHANNELS = (32, 48, 64), (16, 24)
EVERYWHERE = tuple(DATA)
DENSE_AND_TILES = ("mixture", "digits", "tiles")
OPEN = ("relu", "abs", "tanh", "gelu", "sigmoid")

FAMILIES: dict[str, Family] = {
    "l1-mahalanobis": Family(build(l1_mahalanobis), DENSE_AND_TILES, activations=("abs",)),
    "relu-pairs": Family(build(relu_pairs), DENSE_AND_TILES),
    "kmeans-centres": Family(build(kmeans_centres), activations=("abs",)),
    "offset-l2": Family(build(offset_l2), depths=(1,), activations=("offset-l2",)),
    "negative-read-out": Family(fixed_read_out("low"), EVERYWHERE, activations=("relu", "abs")),
    "clamped-above": Family(clamped("low", -1), EVERYWHERE, activations=("relu", "abs", "gelu")),
    "templates": Family(build(templates), DENSE_AND_TILES),
    "positive-read-out": Family(fixed_read_out("high"), EVERYWHERE, activations=("relu", "abs")),
    "clamped-below": Family(clamped("high", -1), EVERYWHERE, activations=("relu", "abs", "gelu")),
    "clamped-above-early": Family(clamped("low", 0), EVERYWHERE, (2, 3), ("relu", "abs", "gelu")),
    "clamped-below-early": Family(clamped("high", 0), EVERYWHERE, (2, 3), ("relu", "abs", "gelu")),
    "both": Family(both, depths=(1,)),
    "untrained": Family(untrained, EVERYWHERE, activations=OPEN),
    "shuffled": Family(shuffled, activations=OPEN),
    "batch-norm": Family(batch_norm, EVERYWHERE, activations=OPEN),
    "random-labels": Family(random_labels, EVERYWHERE, activations=OPEN),
    "trained": Family(trained, EVERYWHERE, activations=OPEN),
}
"""Name -> how to make networks of that kind."""


@dataclass(frozen=True)
class Wish:
    """What of a planted network is not left to chance.

    Attributes
    ----------
    data
        Data to build on.
    widths
        Number of nodes of each hidden layer.
    activation
        Name of the activation.
    """

    data: PlantedData | None = None
    widths: tuple[int, ...] | None = None
    activation: str | None = None


def plant(family: str, seed: int, wish: Wish = Wish()) -> Planted:
    """Make a network of a family; what is not wished for is drawn at random.

    Parameters
    ----------
    family
        A name of `FAMILIES`.
    seed
        Seed of the random number generator.
    wish
        Properties that are not left to chance.

    Examples
    --------
    >>> made = plant("untrained", seed=0, wish=Wish(widths=(16,)))
    >>> list(made.truth.values()), made.setup["activation"]
    (['neither'], 'relu')
    """
    kind, generator = FAMILIES[family], torch.Generator().manual_seed(seed)

    def toss(most: int) -> int:
        return int(torch.randint(most, (), generator=generator))

    chosen = DATA[kind.data[toss(len(kind.data))]]
    widths = tuple(WIDTHS[toss(len(WIDTHS))] for _ in range(kind.depths[toss(len(kind.depths))]))
    data = wish.data or chosen(seed)
    if data.train[0].dim() == 4:  # a convolution costs as much as its channels times its positions
        widths = (CHANNELS[toss(len(CHANNELS))], *widths[1:])
    sizes = Sizes(widths, kind.activations[toss(len(kind.activations))])
    sizes = replace(sizes, widths=wish.widths or sizes.widths, activation=wish.activation or sizes.activation)
    network, truth = kind.build(data, sizes, generator)
    setup = {**data.setup, "activation": sizes.activation, "widths": "-".join(map(str, sizes.widths))}
    return Planted(family, network, data, truth, seed, setup | {"accuracy": accuracy(network, data.test)})
