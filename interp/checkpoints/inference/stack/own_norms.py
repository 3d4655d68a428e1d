"""Layer norms and RMS norms of a bare state dict: vectors of factors, with summands or without."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from interp.checkpoints.inference.stack.slopes import LARGEST, NORM_NAMES


def is_own_norm(name: str, state: Mapping[str, Tensor]) -> bool:
    """Tell whether a tensor may hold the factors of a layer norm or RMS norm, which start at 1.

    Parameters
    ----------
    name
        Name of the tensor.
    state
        All tensors of the file by name.

    Returns
    -------
    bool
        True for a vector ``NAME.weight`` with a vector ``NAME.bias`` of its length, and without running
        statistics; or one without a bias whose name or values are a norm's rather than the slopes of a PReLU.

    Examples
    --------
    >>> import torch
    >>> is_own_norm("1.weight", {"1.weight": torch.ones(8), "1.bias": torch.zeros(8)})
    True
    >>> is_own_norm("1.weight", {"1.weight": torch.full((8,), 0.25)})
    False
    """
    parent, _, own = name.rpartition(".")
    factors = state[name]
    if own != "weight" or factors.dim() != 1 or len(factors) < 2 or f"{parent}.running_mean" in state:
        return False
    if (bias := state.get(f"{parent}.bias")) is not None:
        return bias.shape == factors.shape
    return bool(NORM_NAMES.search(name)) or float(factors.float().median()) > LARGEST
