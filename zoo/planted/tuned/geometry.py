"""Where classes lie: means, the metric of their common covariance, and directions between them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from zoo.planted.data.samples import Labelled

SHRINKAGE = 0.05
"""Weight of a spherical covariance beside the measured one, so that constant inputs have an inverse."""


@dataclass(frozen=True)
class Geometry:
    """Classes as Gaussians with a common covariance.

    Attributes
    ----------
    means
        Centres of the classes, (K, D).
    whiten
        Symmetric inverse root of the common covariance, (D, D): Mahalanobis lengths are Euclidean after it.
    """

    means: Tensor
    whiten: Tensor

    @property
    def classes(self) -> int:
        """Number of classes, K."""
        return len(self.means)


def measure(rows: Labelled, classes: int) -> Geometry:
    """Measure the means and the common covariance of classes 0 to `classes` - 1; other rows are left out."""
    x, y = rows[0][rows[1] < classes], rows[1][rows[1] < classes]
    means = torch.stack([x[y == c].mean(0) if bool((y == c).any()) else x.mean(0) for c in range(classes)])
    inner = torch.cov((x - means[y]).T).reshape(x.shape[1], x.shape[1])
    sphere = torch.eye(x.shape[1]) * inner.diagonal().mean()
    values, vectors = torch.linalg.eigh((1 - SHRINKAGE) * inner + SHRINKAGE * sphere)
    return Geometry(means, vectors @ torch.diag(values.clamp(min=1e-8).rsqrt()) @ vectors.T)


def owners(nodes: int, classes: int) -> Tensor:
    """Deal nodes out to classes in turn, (N,).

    Examples
    --------
    >>> owners(5, 2)
    tensor([0, 1, 0, 1, 0])
    """
    return torch.arange(nodes) % classes


def toward_others(space: Geometry, owner: Tensor, aim: float, generator: torch.Generator) -> Tensor:
    """Draw weights whose projection has unit spread within a class and runs from a node's class to some other.

    Parameters
    ----------
    space
        Means and spreads of the classes.
    owner
        Class of each node, (N,).
    aim
        Share of the direction that is fixed by the other class, in [0, 1]; the rest is random.
    generator
        Random number generator.

    Returns
    -------
    Tensor
        Weights of the nodes (N, D).
    """
    step = torch.randint(1, space.classes, owner.shape, generator=generator)
    gaps = (space.means[(owner + step) % space.classes] - space.means[owner]) @ space.whiten
    wander = torch.randn(gaps.shape, generator=generator)
    mixed = aim * gaps / gaps.norm(dim=1, keepdim=True) + (1 - aim) * wander / wander.norm(dim=1, keepdim=True)
    weight: Tensor = (mixed / mixed.norm(dim=1, keepdim=True)) @ space.whiten
    return weight
