"""Single nodes whose boundary lies where we put it, on mixtures that are known exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from interp.types import Thresholds
from zoo.planted.data.mixtures import Mixture
from zoo.planted.tuned.layers import linear

FAR = 8.0
"""Distance of a boundary that no sample crosses, in standard deviations beyond the outermost component."""


@dataclass(frozen=True)
class PlantedNode:
    """A node, and where its boundary z = 0 lies.

    Attributes
    ----------
    kind
        Name of `NODES`.
    weight
        Weights, (D,).
    bias
        Bias of the node.
    cluster
        Component whose mean is nearest to the boundary, in that component's standard deviations along the weights.
    sigma
        Distance of the boundary to the nearest cluster's mean, in sigma.
    positive
        Probability that z > 0.
    """

    kind: str
    weight: Tensor
    bias: float
    cluster: int
    sigma: float
    positive: float

    def truth(self, thresholds: Thresholds) -> str:
        """Say what the boundary is under a ReLU: dead, one-sided, coherent or adhoc.

        Parameters
        ----------
        thresholds
            Largest distance of a coherent boundary to a component's mean, in sigma, and the probability of one side
            from which a node is one-sided.
        """
        if self.kind == "dead":
            return "dead"
        if max(self.positive, 1 - self.positive) >= thresholds.one_sided:
            return "one-sided"
        return "coherent" if self.sigma <= thresholds.epsilon else "adhoc"


Placed = tuple[Tensor, Tensor]
"""Weights (D,) and bias ()."""


def plant_node(kind: str, mixture: Mixture, generator: torch.Generator, sigma: float = 0.0) -> PlantedNode:
    """Plant one node.

    Parameters
    ----------
    kind
        Name of `NODES`.
    mixture
        Mixture that the node's inputs are drawn from.
    generator
        Random number generator of direction and component.
    sigma
        Displacement from the component's mean in its standard deviations, of the kind ``displaced``.

    Examples
    --------
    >>> from zoo.planted.data.mixtures import MixtureSetup, draw_mixture
    >>> generator = torch.Generator().manual_seed(0)
    >>> node = plant_node("displaced", draw_mixture(MixtureSetup(classes=2), generator), generator, sigma=0.5)
    >>> round(node.sigma, 3)
    0.5
    """
    weight, bias = NODES[kind](mixture, generator, sigma)
    means, spreads = (part[0] for part in mixture.along(weight[None]))
    gaps = (means + bias).abs() / spreads
    cluster = int(gaps.argmin())
    below = torch.special.ndtr((means + bias) / spreads)
    positive = float((mixture.shares * below).sum())
    return PlantedNode(kind, weight, float(bias), cluster, float(gaps[cluster]), positive)


def _direction(mixture: Mixture, generator: torch.Generator) -> Tensor:
    return torch.randn(mixture.centres.shape[1], generator=generator)


def _displaced(mixture: Mixture, generator: torch.Generator, sigma: float) -> Placed:
    weight = _direction(mixture, generator)
    means, spreads = (part[0] for part in mixture.along(weight[None]))
    chosen = int(torch.randint(len(means), (), generator=generator))
    return weight, -means[chosen] + sigma * spreads[chosen]


def _at_mean(mixture: Mixture, generator: torch.Generator, sigma: float) -> Placed:
    return _displaced(mixture, generator, 0.0)


def _midway(mixture: Mixture, generator: torch.Generator, sigma: float) -> Placed:
    """Put the boundary into the widest gap between neighbouring means, as many deviations from one as the other."""
    weight = _direction(mixture, generator)
    means, spreads = (part[0] for part in mixture.along(weight[None]))
    order = means.argsort()
    low, high = order[:-1], order[1:]
    widest = int(((means[high] - means[low]) / (spreads[high] + spreads[low])).argmax())
    near, far = low[widest], high[widest]
    share = spreads[near] / (spreads[near] + spreads[far])
    return weight, -(means[near] + share * (means[far] - means[near]))


def _dead(mixture: Mixture, generator: torch.Generator, sigma: float) -> Placed:
    """Put the boundary beyond all samples: under a ReLU the output is always zero."""
    weight = _direction(mixture, generator)
    means, spreads = (part[0] for part in mixture.along(weight[None]))
    return weight, -(means + FAR * spreads).amax()


def _one_sided(mixture: Mixture, generator: torch.Generator, sigma: float) -> Placed:
    """Put the boundary before all samples: a ReLU lets every value through."""
    weight, bias = _dead(mixture, generator, sigma)
    return -weight, -bias


NODES: dict[str, Callable[[Mixture, torch.Generator, float], Placed]] = {
    "at-mean": _at_mean,
    "displaced": _displaced,
    "midway": _midway,
    "dead": _dead,
    "one-sided": _one_sided,
}
"""Name -> where the boundary of such a node lies."""


def duplicated(node: PlantedNode, factor: float) -> PlantedNode:
    """Copy a node with weights and bias times a positive factor: the same boundary, another scale."""
    return PlantedNode("duplicated", factor * node.weight, factor * node.bias, node.cluster, node.sigma, node.positive)


def layer_of(nodes: list[PlantedNode]) -> nn.Linear:
    """Put nodes together in one linear map.

    Parameters
    ----------
    nodes
        Nodes with weights of one length, (D,).

    Returns
    -------
    Linear
        Map from D values to one a node.

    Examples
    --------
    >>> node = PlantedNode("displaced", torch.tensor([3.0, 4.0]), 0.5, 0, 1.0, 0.5)
    >>> layer_of([node, node])
    Linear(in_features=2, out_features=2, bias=True)
    """
    return linear(torch.stack([node.weight for node in nodes]), torch.tensor([node.bias for node in nodes]))
