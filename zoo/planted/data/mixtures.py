"""Gaussian mixtures, one component a class, of any dimension, separation, imbalance and covariance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from zoo.planted.data.samples import Labelled, PlantedData


@dataclass(frozen=True)
class MixtureSetup:
    """A Gaussian mixture's shape.

    Attributes
    ----------
    dimension
        Number of inputs, D.
    classes
        Number of classes, K, each one component.
    separation
        Mean distance from a centre to the nearest other one, in standard deviations of a component along the line
        between them (Mahalanobis).
    imbalance
        Share of the commonest class over that of the rarest; the shares between them are geometric.
    covariance
        Name of `COVARIANCES`.
    train, test
        Number of samples of each part.
    """

    dimension: int = 16
    classes: int = 6
    separation: float = 6.0
    imbalance: float = 1.0
    covariance: str = "spherical"
    train: int = 1000
    test: int = 1000


@dataclass(frozen=True)
class Mixture:
    """A Gaussian mixture, one component a class.

    Attributes
    ----------
    centres
        Means of the components, (K, D).
    factors
        Matrices A of the components' covariances A A', (K, D, D).
    shares
        Probability of each component, (K,).
    """

    centres: Tensor
    factors: Tensor
    shares: Tensor

    def draw(self, count: int, generator: torch.Generator) -> Labelled:
        """Draw samples, (S, D), with their components, (S,)."""
        labels = torch.multinomial(self.shares, count, replacement=True, generator=generator)
        noise = torch.randn(count, self.centres.shape[1], generator=generator)
        x = torch.empty_like(noise)
        for kind, (centre, factor) in enumerate(zip(self.centres, self.factors, strict=True)):
            x[labels == kind] = centre + noise[labels == kind] @ factor.T
        return x, labels

    def along(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Project the components on weights (N, D): their means and standard deviations there, each (N, K)."""
        spread = torch.einsum("nd,kde->nke", weight, self.factors).norm(dim=2)
        return weight @ self.centres.T, spread


def draw_mixture(setup: MixtureSetup, generator: torch.Generator) -> Mixture:
    """Draw centres and covariances of a given shape."""
    factors = COVARIANCES[setup.covariance](setup, generator)
    centres = torch.einsum(
        "de,ke->kd", factors.mean(0), torch.randn(setup.classes, setup.dimension, generator=generator)
    )
    apart = nearest_distances(centres, factors).mean()
    return Mixture(centres * (setup.separation / apart), factors, class_shares(setup.classes, setup.imbalance))


def gaussian_mixture(setup: MixtureSetup, seed: int) -> PlantedData:
    """Draw a mixture and samples of it.

    Parameters
    ----------
    setup
        Shape of the mixture.
    seed
        Seed of the random number generator that draws centres, covariances and samples.

    Examples
    --------
    >>> data = gaussian_mixture(MixtureSetup(dimension=3, classes=2, train=10), seed=0)
    >>> data.train[0].shape, data.classes
    (torch.Size([10, 3]), 2)
    """
    generator = torch.Generator().manual_seed(seed)
    mixture = draw_mixture(setup, generator)
    train = mixture.draw(setup.train, generator)
    return PlantedData(
        train=train,
        test=mixture.draw(setup.test, generator),
        fresh=lambda count, other: mixture.draw(count, torch.Generator().manual_seed(other)),
        classes=setup.classes,
        rows=train,
        setup=vars(setup) | {"data": "mixture"},
    )


def class_shares(classes: int, imbalance: float) -> Tensor:
    """Give geometric class shares, (K,), whose first is `imbalance` times the last.

    Examples
    --------
    >>> class_shares(3, 4.0)
    tensor([0.5714, 0.2857, 0.1429])
    """
    shares = imbalance ** -torch.linspace(0, 1, classes)
    total: Tensor = shares / shares.sum()
    return total


def _spherical(setup: MixtureSetup, generator: torch.Generator) -> Tensor:
    return torch.eye(setup.dimension).expand(setup.classes, -1, -1)


def _diagonal(setup: MixtureSetup, generator: torch.Generator) -> Tensor:
    scales = 10 ** (torch.rand(setup.dimension, generator=generator) - 0.5)
    return torch.diag(scales).expand(setup.classes, -1, -1)


def _rotated(setup: MixtureSetup, generator: torch.Generator) -> Tensor:
    turn, _ = torch.linalg.qr(torch.randn(setup.dimension, setup.dimension, generator=generator))
    turned: Tensor = turn @ _diagonal(setup, generator)
    return turned


def _own(setup: MixtureSetup, generator: torch.Generator) -> Tensor:
    return torch.stack([_rotated(setup, generator)[0] for _ in range(setup.classes)])


COVARIANCES: dict[str, Callable[[MixtureSetup, torch.Generator], Tensor]] = {
    "spherical": _spherical,
    "diagonal": _diagonal,
    "rotated": _rotated,
    "own": _own,
}
"""Name -> (K, D, D) factors A of each class's covariance A A'; ``own`` gives every class another one."""


def nearest_distances(centres: Tensor, factors: Tensor) -> Tensor:
    """Measure each centre's Mahalanobis distance to the nearest other one, (K,), by its own covariance."""
    gaps = centres[None] - centres[:, None]  # (K, K, D), from the first index to the second
    white = torch.linalg.solve(factors, gaps.mT).mT
    length: Tensor = white.norm(dim=2).fill_diagonal_(torch.inf)
    return length.amin(1)
