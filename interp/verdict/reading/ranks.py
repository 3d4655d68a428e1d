"""The order of each node's outputs, equal ones in random order."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from interp.types import Array


def random_order(rows: Tensor, rng: np.random.Generator) -> Tensor:
    """Sort each node's values, equal ones in an order drawn at random for each node.

    Nothing that follows a layer can tell equal outputs apart, so neither may their order, such as that of the
    pre-activations behind the zeros of a ReLU: two networks with the same outputs must get the same ranks.

    Parameters
    ----------
    rows
        Values of each node, (M, N, R).
    rng
        Random number generator; copies share its draws.

    Returns
    -------
    Tensor
        Indices of the values from the smallest to the largest, (M, N, R) int64.

    Examples
    --------
    >>> random_order(torch.tensor([[[3.0, 1.0, 2.0]]]), np.random.default_rng(0))
    tensor([[[1, 2, 0]]])
    """
    values = np.ascontiguousarray(rows.detach().cpu().numpy(), dtype=np.float32)
    count = values.shape[-1]
    bits = max(1, (count - 1).bit_length())
    tie = rng.integers(0, 1 << (32 - bits), size=values.shape[1:], dtype=np.int64)
    # One integer holds value, tie-break and index, so that a plain sort does what an argsort would, three times faster.
    keys = (_ordered_bits(values) << 32) | (tie << bits) | np.arange(count)
    keys.sort(axis=-1)
    return torch.from_numpy(keys & ((1 << bits) - 1)).to(rows.device)


def _ordered_bits(values: Array) -> Array:
    """Map float32 values to integers of the same order; the two zeros are made one first."""
    bits = (values + np.float32(0)).view(np.int32)
    ordered: Array = np.where(bits < 0, bits ^ np.int32(0x7FFFFFFF), bits).astype(np.int64)
    return ordered
