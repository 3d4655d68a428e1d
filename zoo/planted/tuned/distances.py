"""Tuned layers that are small on their class: distances to something inside it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from sklearn.cluster import KMeans
from torch import Tensor, nn

from zoo.layers import Abs, OffsetL2
from zoo.planted.data.samples import Labelled
from zoo.planted.tuned.geometry import Geometry, measure, owners, toward_others
from zoo.planted.tuned.layers import Tuned, linear

MakeTuned = Callable[[Labelled, int, int, torch.Generator], Tuned]
"""Rows with their classes, number of classes, width, random number generator -> a layer."""

AIM = 0.7


def l1_mahalanobis(rows: Labelled, classes: int, width: int, generator: torch.Generator) -> Tuned:
    """Plant |w·(x - mean of the class)| with unit spread: summed, an L1 distance in the Mahalanobis metric."""
    return _abs_through(measure(rows, classes), width, generator)


def kmeans_centres(rows: Labelled, classes: int, width: int, generator: torch.Generator) -> Tuned:
    """Plant the same through k-means centres, which belong to the class that most of their samples have."""
    x, y = rows[0][rows[1] < classes], rows[1][rows[1] < classes]
    seed = int(torch.randint(2**31, (), generator=generator))
    found = KMeans(classes, n_init=1, random_state=seed).fit(x.numpy())
    centres, cluster = torch.tensor(found.cluster_centers_), torch.tensor(found.labels_).long()
    space = Geometry(centres.to(x.dtype), measure((x, y), classes).whiten)
    kind = torch.stack([y[cluster == k].bincount(minlength=classes).argmax() for k in range(classes)])
    layer = _abs_through(space, width, generator)
    return Tuned(layer.steps, kind[layer.owner], "low")


def _abs_through(space: Geometry, width: int, generator: torch.Generator) -> Tuned:
    owner = owners(width, space.classes)
    weight = toward_others(space, owner, AIM, generator)
    return Tuned((linear(weight, -_at(weight, space, owner)), Abs()), owner, "low")


def relu_pairs(rows: Labelled, classes: int, width: int, generator: torch.Generator) -> Tuned:
    """Plant the same with two ReLU nodes in place of one Abs node: relu(z) + relu(-z) = |z|."""
    space, owner = measure(rows, classes), owners(width // 2, classes)
    weight = toward_others(space, owner, AIM, generator)
    bias = -_at(weight, space, owner)
    both = linear(torch.cat([weight, -weight]), torch.cat([bias, -bias]))
    return Tuned((both, nn.ReLU()), owner.repeat(2), "low")


def _at(weight: Tensor, space: Geometry, owner: Tensor) -> Tensor:
    """Give each node's projection of its own class's mean, (N,)."""
    return (weight * space.means[owner]).sum(1)


def offset_l2(rows: Labelled, classes: int, width: int, generator: torch.Generator) -> Tuned:
    """Plant weighted Euclidean distances to points near the class's mean."""
    space, owner = measure(rows, classes), owners(width, classes)
    x, y = rows[0][rows[1] < classes], rows[1][rows[1] < classes]
    spread = (x - space.means[y]).std(0).clamp(min=0.05 * float(x.std()))
    layer = OffsetL2(x.shape[1], width)
    with torch.no_grad():
        near = torch.randn(width, x.shape[1], generator=generator) * spread
        layer.mu.copy_(space.means[owner] + 0.3 * near)
        layer.alpha.copy_(1 / spread.expand_as(layer.alpha))
    return Tuned((layer, nn.Identity()), owner, "low")
