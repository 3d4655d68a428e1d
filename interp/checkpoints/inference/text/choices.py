"""What a text classifier's tensors leave open, as choices: every combination of the values that shapes allow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations, product

import numpy as np
import torch

from interp.checkpoints.inference.candidates.candidate import FIRST
from interp.checkpoints.inference.recurrent.readouts import PADDING
from interp.checkpoints.inference.stack.layers import USE_MODEL
from interp.checkpoints.inference.text.network import EDGES, TOKEN, ZEROS, Choice
from interp.checkpoints.inference.text.parts import TextParts, kernel_of
from interp.errors import CheckpointError
from interp.types import Array, Dataset

ACTIVATIONS = ("relu", *sorted(set(FIRST) - {"relu"}))
"""Activations that are tried, the usual first."""

ALL_ORDERS = 3
"""Largest number of convolutions of which every order is tried; of more that of the file and its reverse."""


def all_choices(
    parts: TextParts, data: Dataset | None, steps: int, activation: str | None, path: object
) -> Iterator[Choice]:
    """List the choices, the usual one first.

    Parameters
    ----------
    parts
        Parts of the network.
    data
        Data whose rows are tokens; None where there are none.
    steps
        Number of tokens of a sequence, T.
    activation
        Name of the activation that the user states; None where it is to be inferred.
    path
        Name of the file, for error messages.

    Raises
    ------
    CheckpointError
        If no readout gives as many values as the first dense layer reads, or sequences are too short.
    """
    tried = (activation,) if activation else ACTIVATIONS
    for edges, padding, order, readout, active, between in product(
        edges_of(parts, steps, path),
        _paddings(parts, data),
        _orders(parts),
        readouts(parts, steps, path),
        tried if parts.branches else ("identity",),
        tried if len(parts.dense) > 1 else ("identity",),
    ):
        yield Choice(readout, padding, edges, order, active, between)


def readouts(parts: TextParts, steps: int, path: object) -> list[str]:
    """List what the dense layers may read, by their width; the usual first."""
    width, reads = parts.width, parts.dense[0].channels if parts.dense else parts.width
    whole = ["mean over steps", "sum over steps", "maximum over steps"]
    each = ["maximum over steps", "mean over steps"] if parts.branches else whole
    fits = each if reads == width else []
    if not parts.branches:
        fits += ["mean and maximum over steps", "maximum and mean over steps"] if reads == 2 * width else []
        fits += ["all steps side by side"] if reads == steps * width and steps > 1 else []
    if fits:
        return fits
    given = f"convolutions of {width} filters" if parts.branches else f"an embedding of width {width}"
    raise CheckpointError(
        path,
        found=f"{reads} inputs of {parts.dense[0].name} behind {given}",
        expected=f"{width}, of a mean, a sum or a maximum over tokens",
        do=USE_MODEL,
    )


def edges_of(parts: TextParts, steps: int, path: object) -> list[str]:
    """List the paddings of convolutions that differ and leave a position; the usual first."""
    kernels = [kernel_of(one) for one in parts.branches]
    if not kernels:
        return list(EDGES)[:1]
    found: dict[tuple[tuple[int, int], ...], str] = {}
    for name, ends in EDGES.items():
        if all(steps + sum(ends(one)) >= one for one in kernels):
            found.setdefault(tuple(map(ends, kernels)), name)
    return list(found.values())


def _orders(parts: TextParts) -> Sequence[tuple[int, ...]]:
    """List the orders in which what convolutions give may be put side by side, that of the file first."""
    own = tuple(range(len(parts.branches)))
    if len(own) <= ALL_ORDERS:
        return list(permutations(own)) if own else [(0,)]
    return [own, own[::-1]]


def _paddings(parts: TextParts, data: Dataset | None) -> Sequence[str]:
    """List what may be done with padding; the usual first."""
    if data is None:
        return PADDING[2:]
    x = data.train.inputs[:]
    if data.steps is None:
        return (TOKEN, PADDING[1]) if not parts.branches and bool((x == 0).any()) else PADDING[2:]
    if not parts.branches:
        return PADDING[:2]
    return (PADDING[1], PADDING[0], *[ZEROS] * _has_values(parts, x))


def _has_values(parts: TextParts, x: Array) -> bool:
    """Whether the vectors of padding are others than zeros, where there is padding."""
    tokens, lengths = x[:, :-1], x[:, -1:]
    beyond = np.unique(tokens[np.arange(tokens.shape[1]) >= lengths]).astype(np.int64)
    _, table = parts.embedding
    return bool(table[torch.from_numpy(beyond)].any())
