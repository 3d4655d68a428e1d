"""PReLUs of a bare state dict: learned slopes, which are vectors without a bias behind layers of their width."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from torch import Tensor

from interp.checkpoints.inference.stack.layers import Layer
from interp.checkpoints.inference.stack.order import natural
from interp.types import Inference

NORM_NAMES = re.compile(r"norm|rms|(^|[._])ln|scale|gamma", re.IGNORECASE)
"""Names of vectors that multiply what a layer gives, as those of an RMS norm do."""

LARGEST = 0.75
"""Largest median of slopes that are taken for such: they start at 0.25, factors of a norm at 1."""


def is_slope(name: str, tensor: Tensor, state: Mapping[str, Tensor]) -> bool:
    """Tell whether a tensor may hold the slopes of a PReLU: one number or a vector, without a bias beside it.

    Parameters
    ----------
    name
        Name of the tensor.
    tensor
        Values of it.
    state
        All tensors of the file by name.

    Examples
    --------
    >>> import torch
    >>> is_slope("act.weight", torch.full((8,), 0.25), {}), is_slope("norm.weight", torch.ones(8), {})
    (True, False)
    """
    parent, _, own = name.rpartition(".")
    alone = not any(f"{parent}.{other}" in state for other in ("bias", "running_mean")) or not parent
    fits = tensor.dim() == 1 and tensor.is_floating_point() and tensor.numel() > 0
    named = own in ("weight", "a", "alpha", "slope") and not NORM_NAMES.search(name)
    return fits and named and alone and float(tensor.float().median()) <= LARGEST


def attach_slopes(layers: Sequence[Layer], slopes: Mapping[str, Tensor], is_sorted: bool) -> list[Layer] | None:
    """Give every layer but the last its slopes: one for all, or one after the other.

    Parameters
    ----------
    layers
        Layers in running order.
    slopes
        Name -> slopes, in the order of the file.
    is_sorted
        Whether the file's writer sorted its names, so that their numbers say more than their places.

    Returns
    -------
    list of Layer, or None
        Layers with slopes; None where numbers or widths do not fit.
    """
    names = sorted(slopes, key=natural) if is_sorted else list(slopes)
    hidden = layers[:-1]
    if len(names) == 1 and slopes[names[0]].numel() == 1:
        names = names * len(hidden)
    if len(names) != len(hidden) or not hidden:
        return None
    values = [slopes[name].float() for name in names]
    if any(slope.numel() not in (1, len(layer.weight)) for slope, layer in zip(values, hidden, strict=True)):
        return None
    return [*(replace(layer, slope=slope) for layer, slope in zip(hidden, values, strict=True)), layers[-1]]


def slopes_fact(layers: Sequence[Layer]) -> Inference | None:
    """Say why activations are taken for PReLUs; None where no layer has slopes."""
    found = [layer.slope for layer in layers if layer.slope is not None]
    if not found:
        return None
    low, high = min(float(slope.min()) for slope in found), max(float(slope.max()) for slope in found)
    kinds = "one number" if all(slope.numel() == 1 for slope in found) else "a vector of its width"
    why = f"behind each hidden layer {kinds} without a bias, from {low:.2g} to {high:.2g}, as slopes of a PReLU are"
    return Inference("prelu", "likely", why)
