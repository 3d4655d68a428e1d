"""Outputs of one layer in a network and its copies, stacked, and what follows that layer in each."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Following = Callable[[Tensor], Tensor]
"""Outputs of a layer in M networks, (M, S, N, ...) -> the logits of each, (M, S, K)."""


def by_node(outputs: Tensor) -> Tensor:
    """Put each node's values in one row: (M, S, N, ...) -> (M, N, R), R samples times positions.

    Examples
    --------
    >>> by_node(torch.zeros(2, 5, 3, 4, 4)).shape
    torch.Size([2, 3, 80])
    """
    return outputs.transpose(1, 2).flatten(2)


def as_outputs(rows: Tensor, like: Tensor) -> Tensor:
    """Undo `by_node`: (M, N, R) -> the shape of `like`, (M, S, N, ...)."""
    copies, samples, nodes, *positions = like.shape
    return rows.view(copies, nodes, samples, *positions).transpose(1, 2)


def winners(logits: Tensor) -> Tensor:
    """Name each sample's class, (M, S, K) -> (M, S); one logit stands for two classes, split at zero."""
    return logits.argmax(2) if logits.shape[2] > 1 else (logits[..., 0] > 0).long()


def margins(logits: Tensor, winner: Tensor) -> Tensor:
    """Give the lead of a class over the best other one, (M, S, K) and (M, S) -> (M, S); of one logit its distance to 0.

    Examples
    --------
    >>> margins(torch.tensor([[[3.0, 1.0, 2.0]]]), torch.tensor([[0]]))
    tensor([[1.]])
    """
    if logits.shape[2] == 1:
        return torch.where(winner == 1, logits[..., 0], -logits[..., 0])
    own = logits.gather(2, winner[..., None])[..., 0]
    return own - logits.scatter(2, winner[..., None], -torch.inf).amax(2)
