"""What storing values in fewer bits has cost: how far they moved, beside how far each node's values lie apart.

Sums over the rows so far are written with each block of samples (`interp.store.turns`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import h5py
import numpy as np

from interp.errors import UsageError
from interp.store.precision.kinds import Kind
from interp.store.turns import Turns
from interp.types import Array, NodeLayer

ROUNDING, SUMS = "rounding", "rounding_sums"
ROUNDED = Turns("rounding_summed")
SAME = 1e-12
"""Standard deviation, as a share of the mean, up to which values are all the same: what float64 sums leave."""
SUMMANDS = 4
"""Sums of each node: largest error, sum of squared errors, mean, and sum of squared deviations from it."""


def prepare_rounding(group: h5py.Group, layers: Sequence[NodeLayer]) -> None:
    """Take room in a split for the sums of all layers, and for what follows from them.

    Parameters
    ----------
    group
        HDF5 group of the split, with a group for each layer.
    layers
        Layers that are recorded.
    """
    ROUNDED.prepare(group)
    for layer in layers:
        part = group["z"][layer.name]
        part.create_dataset(SUMS, data=np.zeros((2, SUMMANDS, layer.nodes)))
        part.create_dataset(ROUNDING, data=np.zeros((2, layer.nodes)))


def add_rounding(
    group: h5py.Group,
    before: int,
    samples: int,
    blocks: Mapping[str, tuple[Array, Array]],
    rows: Mapping[str, int],
) -> None:
    """Add rows to the sums of a split.

    Parameters
    ----------
    group
        HDF5 group of the split.
    before
        Number of samples before these.
    samples
        Number of these samples.
    blocks
        Layer name -> rows as they were and as they are stored, both float32.
    rows
        Layer name -> number of rows before these.
    """
    here = ROUNDED.place(group, before)
    for layer, (values, stored) in blocks.items():
        sums = group["z"][layer][SUMS]
        sums[1 - here] = added(sums[here], rows[layer], values, stored) if len(values) else sums[here]
    ROUNDED.settle(group, 1 - here, before + samples)


def added(sums: Array, count: int, values: Array, stored: Array) -> Array:
    """Give sums with further rows.

    Parameters
    ----------
    sums
        Sums over the rows so far, (4, N).
    count
        Number of rows so far.
    values, stored
        Further rows as they were, and as they are stored (B, N).

    Examples
    --------
    >>> rows = np.float32([[1.0, 2.0], [3.0, 2.5]])
    >>> added(np.zeros((4, 2)), 0, rows, rows + np.float32(0.5)).tolist()
    [[0.5, 0.5], [0.5, 0.5], [2.0, 2.25], [2.0, 0.125]]
    """
    exact = values.astype(float)
    with np.errstate(invalid="ignore"):  # of a node with an infinite value nothing is known
        error = np.abs(stored - exact)
        mean = exact.mean(axis=0)
        further = [error.max(axis=0), (error**2).sum(axis=0), mean, ((exact - mean) ** 2).sum(axis=0)]
    return merged(sums, count, np.stack(further), len(exact))


def merged(sums: Array, count: int, others: Array, further: int) -> Array:
    """Give the sums over some rows and others, the deviations as Chan, Golub and LeVeque (1979) merge them.

    Parameters
    ----------
    sums, others
        Sums over some rows, and over others, (4, N).
    count, further
        Number of the rows of each; not 0 both.

    Examples
    --------
    >>> merged(np.array([[0.5], [1.0], [2.0], [2.0]]), 2, np.array([[0.2], [0.5], [5.0], [0.0]]), 1).tolist()
    [[0.5], [1.5], [3.0], [8.0]]
    """
    total = count + further
    with np.errstate(invalid="ignore"):  # of a node with an infinite value nothing is known
        apart = others[2] - sums[2]
        return np.stack(
            [
                np.maximum(sums[0], others[0]),
                sums[1] + others[1],
                sums[2] + apart * (further / total),
                sums[3] + (others[3] + apart**2 * (count * further / total)),
            ]
        )


def relative(sums: Array, count: int) -> Array:
    """Give the largest and the root-mean-square error of each node over the standard deviation of its values.

    Parameters
    ----------
    sums
        Sums over all rows, (4, N).
    count
        Number of rows.

    Returns
    -------
    Array
        Largest and root-mean-square error (2, N), in standard deviations; NaN of a node whose values are all the same,
        or not all finite.

    Examples
    --------
    >>> relative(np.array([[0.5], [4.0], [0.0], [16.0]]), 4).tolist()
    [[0.25], [0.5]]
    """
    with np.errstate(invalid="ignore"):
        spread = np.sqrt(sums[3] / count)
        errors = np.stack([sums[0], np.sqrt(sums[1] / count)])
    found: Array = np.divide(errors, spread, out=np.full_like(errors, np.nan), where=spread > SAME * np.abs(sums[2]))
    return found


def check_range(layer: str, values: Array, stored: Array, kind: Kind) -> None:
    """Refuse values that are too large to be stored.

    Parameters
    ----------
    layer
        Name of the layer.
    values, stored
        Rows as they were, and as they are stored.
    kind
        Way in which they are stored.

    Raises
    ------
    UsageError
        If a number became infinite.
    """
    lost = np.isfinite(values) & ~np.isfinite(stored)
    if lost.any():
        raise UsageError(
            layer,
            found=f"pre-activations up to {np.abs(values[lost]).max():.3g}",
            expected=f"at most {kind.largest:.5g}, the largest {kind.name}",
            do="choose another --store-dtype, such as float32",
        )
