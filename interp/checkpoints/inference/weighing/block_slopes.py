"""Slopes of the loss in the weights of one module, of each of many blocks of rows, from what it reads and gives."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.func import functional_call


def has_weights(module: nn.Module) -> bool:
    """Whether a module has weights, as a map or a norm has."""
    return next(module.parameters(), None) is not None


def block_slopes(module: nn.Module, read: Tensor, given: Tensor, size: int) -> Iterator[Tensor]:
    """Yield the slopes of the summed loss of each of B blocks in a module's weights, (B, ...), then in its bias.

    Parameters
    ----------
    module
        Dense map, or norm in eval mode.
    read
        Inputs of the module, (S, D).
    given
        Slope of the loss at its outputs, (S, N).
    size
        Number of rows of a block, of which S is a multiple.
    """
    if isinstance(module, nn.Linear):
        yield torch.bmm(_blocks(given, size).transpose(1, 2), _blocks(read, size))
    else:
        yield _blocks(given * _normed(module, read), size).sum(1)
    if getattr(module, "bias", None) is not None:
        yield _blocks(given, size).sum(1)


def _blocks(values: Tensor, size: int) -> Tensor:
    return values.reshape(-1, size, values.shape[1])


def _normed(norm: nn.Module, read: Tensor) -> Tensor:
    """Give what a norm's weights are multiplied with."""
    plain = {name: torch.full_like(part, float(name == "weight")) for name, part in norm.named_parameters()}
    normed: Tensor = functional_call(norm, plain, (read,))
    return normed
