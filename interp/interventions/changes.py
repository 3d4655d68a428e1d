"""Changes of a layer's values that the engine knows by their form, so that it may take a shorter way.

Each is called on the values of the nodes that it changes, (B, N) or (B, N, ...). Parameters hold one number a
node, (N,); of several changes `stacked`, one row a change, (E, N) or (E, 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor


@dataclass(frozen=True)
class Scale:
    """Multiply by a factor.

    Attributes
    ----------
    factor
        Factor of all values, or one a node, (N,).
    """

    factor: float | Tensor

    def __call__(self, values: Tensor) -> Tensor:
        """Change values of any shape."""
        return values * self.factor


@dataclass(frozen=True)
class Move:
    """Multiply by a factor and add a term.

    Attributes
    ----------
    factor
        Factor of each node's values, (N,).
    term
        Term added to each node's values after that, (N,).
    """

    factor: Tensor
    term: Tensor

    def __call__(self, values: Tensor) -> Tensor:
        """Change values."""
        return torch.addcmul(like(self.term, values), values, like(self.factor, values))


@dataclass(frozen=True)
class Cap:
    """Lower to at most a bound.

    Attributes
    ----------
    top
        Upper bound of each node's values, (N,).
    """

    top: Tensor

    def __call__(self, values: Tensor) -> Tensor:
        """Change values."""
        return torch.minimum(values, like(self.top, values))


@dataclass(frozen=True)
class Raise:
    """Raise to at least a bound.

    Attributes
    ----------
    bottom
        Lower bound of each node's values, (N,).
    """

    bottom: Tensor

    def __call__(self, values: Tensor) -> Tensor:
        """Change values."""
        return torch.maximum(values, like(self.bottom, values))


@dataclass(frozen=True)
class Fix:
    """Set to a constant.

    Attributes
    ----------
    value
        Constant that all values become.
    """

    value: float

    def __call__(self, values: Tensor) -> Tensor:
        """Change values of any shape."""
        return torch.full_like(values, self.value)


def like(values: Tensor, z: Tensor) -> Tensor:
    """Shape one value a node, (N,), so that it broadcasts to values (B, N) or (B, N, ...)."""
    values = values.to(z.device)
    return values.view(-1, *(1 for _ in z.shape[2:])) if z.dim() > 2 else values


Known = Scale | Move | Cap | Raise


def stacked(changes: Sequence[Known], device: torch.device) -> Known:
    """Put the parameters of changes of one form below each other, one row a change."""
    kind = type(changes[0])
    columns = [[torch.as_tensor(getattr(change, field.name)) for change in changes] for field in fields(kind)]
    return kind(*(torch.stack(column).view(len(changes), -1).to(device) for column in columns))


def taken(change: Known, which: Tensor) -> Known:
    """Give stacked changes in a given order, (P,); called on values (P, N), each changes one row."""
    return type(change)(*(getattr(change, field.name)[which] for field in fields(change)))
