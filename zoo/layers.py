"""Layers that torch does not have: absolute value, negation and distance to a learned point."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

Weighting = Literal["printed", "reference"]
LEAST_SQUARE = 1e-12  # of the reference runs; below it the root's slope would be infinite


class Abs(nn.Module):
    """Absolute value, the activation that makes a node's output the distance of its input from the node's boundary.

    Examples
    --------
    >>> Abs()(torch.tensor([-2.0, 0.5]))
    tensor([2.0000, 0.5000])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return ``|x|``, of any shape."""
        return torch.abs(x)


class Neg(nn.Module):
    """Change of sign, so that the class at the smallest distance has the largest logit.

    Examples
    --------
    >>> Neg()(torch.tensor([1.0, 3.0])).argmax()
    tensor(0)
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return ``-x``, of any shape."""
        return torch.neg(x)


class OffsetL2(nn.Module):
    """Weighted Euclidean distance to a learned point per node (learn-DM, arXiv 2502.02103).

    Parameters
    ----------
    inputs, nodes
        Number of values read, D, and of distances returned, N.
    weighting
        Quantity that the weights alpha multiply: ``printed``, the differences, y_i = ||alpha_i * (x - mu_i)||_2, as the
        paper prints it; ``reference``, the *squared* differences, as in the runs behind the paper's figures.

    Attributes
    ----------
    mu
        Points that distances are measured to, (N, D); drawn from N(0, 0.1^2).
    alpha
        Weights of the inputs, (N, D); 1 at first.

    Examples
    --------
    >>> layer = OffsetL2(2, 1)
    >>> layer.mu.data.zero_()
    tensor([[0., 0.]])
    >>> layer(torch.tensor([[3.0, 4.0]])).item()
    5.0
    """

    mu: nn.Parameter
    alpha: nn.Parameter

    def __init__(self, inputs: int, nodes: int, weighting: Weighting = "printed") -> None:
        super().__init__()
        self.weighting = weighting
        self.mu = nn.Parameter(torch.empty(nodes, inputs))
        self.alpha = nn.Parameter(torch.empty(nodes, inputs))
        self.reset_parameters()

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw mu from N(0, 0.1^2) and set alpha to 1.

        Parameters
        ----------
        generator
            Random number generator on the CPU; None for torch's global one.
        """
        nn.init.normal_(self.mu, std=0.1, generator=generator)
        nn.init.ones_(self.alpha)

    def forward(self, x: Tensor) -> Tensor:
        """Measure the distances of inputs (..., D) to the N points, (..., N)."""
        scale = self.alpha if self.weighting == "reference" else self.alpha.square()
        square = weighted_square(x, self.mu, scale)
        return square.clamp(min=LEAST_SQUARE).sqrt().to(x.dtype)

    def extra_repr(self) -> str:
        """Show the sizes in the module's printed form."""
        return f"inputs={self.mu.shape[1]}, nodes={self.mu.shape[0]}, weighting={self.weighting!r}"


def weighted_square(x: Tensor, mu: Tensor, scale: Tensor) -> Tensor:
    """Sum ``scale_ij (x_j - mu_ij)^2`` over j by its expansion, in float64.

    The differences themselves would take N times the memory of x. The expansion cancels where x is
    near mu: in float32 it loses every digit there, in float64 it stays below float32's own rounding.

    Parameters
    ----------
    x
        Inputs, (..., D).
    mu
        Points, (N, D).
    scale
        Weights of the squared differences, (N, D).

    Returns
    -------
    Tensor
        Sums, (..., N) float64; rounding can make them as small as -1e-16 |x|^2.

    Examples
    --------
    >>> weighted_square(torch.tensor([1.0, 2.0]), torch.zeros(1, 2), torch.tensor([[1.0, 10.0]]))
    tensor([41.], dtype=torch.float64)
    """
    x, mu, scale = x.double(), mu.double(), scale.double()
    constant = (scale * mu.square()).sum(dim=1)
    return x.square() @ scale.T - 2 * (x @ (scale * mu).T) + constant
