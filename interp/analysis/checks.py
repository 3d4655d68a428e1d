"""Arguments that a user gives to the functions of this room, in lists or arrays -> arrays of shapes that agree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from interp.errors import DataError, UsageError, check_kind
from interp.types import Array, GaussianFit, LabelledInputs, LayerRows, Rows, as_column, as_rows


def gaussian_arguments(
    z: Any, labels: Any, sampled: Any, row_sample: Any
) -> tuple[Rows, Array | None, Array | None, Array | None]:
    """Give pre-activations, labels and chosen nodes as arrays of shapes that agree.

    Parameters
    ----------
    z
        Pre-activations (S, N).
    labels
        Class of each row (S,), from 0; None without classes.
    sampled
        Indices of some nodes (M,), ascending; None for all.
    row_sample
        Index of the sample of each row (S,), from 0; None where every row is a sample of its own.

    Raises
    ------
    DataError
        If one is no array of such numbers, is empty, or does not fit `z`.
    """
    rows = as_rows("z", z)
    if labels is not None:
        labels = as_column("labels", labels, rows.shape[0], "iu")
        if labels.min() < 0:
            raise DataError("labels", found=f"label {labels.min()}", expected="labels from 0", do="encode them as 0, 1")
    if sampled is not None:
        sampled = as_column("sampled", sampled, None, "iu")
        if not (np.isin(sampled, np.arange(rows.shape[1])).all() and (np.diff(sampled) > 0).all()):
            found = f"nodes {sampled.tolist()[:8]}"
            raise DataError("sampled", found=found, expected=f"nodes of {rows.shape[1]}, ascending", do="sort them")
    if row_sample is not None:
        row_sample = as_column("row_sample", row_sample, rows.shape[0], "iu")
        if row_sample.min() < 0:
            found = f"sample {row_sample.min()}"
            raise DataError("row_sample", found=found, expected="samples from 0", do="number them from 0")
    return rows, labels, sampled, row_sample


def cluster_arguments(
    train: LabelledInputs,
    test: LabelledInputs,
    prototypes: Mapping[str, Any],
    effective_count: Mapping[str, Any],
) -> tuple[LabelledInputs, LabelledInputs, dict[str, Array], dict[str, Array]]:
    """Give two sets of rows, prototypes and their counts as arrays of shapes that agree.

    Parameters
    ----------
    train, test
        Rows of one layer's input, as `LabelledInputs`, with D values each.
    prototypes
        Sort of prototype -> mean inputs of the nodes (N, D).
    effective_count
        Sort of prototype -> effective number of rows behind each (N,).

    Raises
    ------
    DataError
        If an array is empty, not finite, or does not fit the others.
    UsageError
        If an argument is of another class.
    """
    first = _rows_of("train", train, None)
    width = first.inputs.shape[1]
    points = {kind: np.asarray(as_rows(f"prototypes[{kind!r}]", found, width)) for kind, found in prototypes.items()}
    if missing := sorted(set(points) - set(effective_count)):
        raise DataError("effective_count", found=f"none of {missing[0]}", expected="as in prototypes", do="add it")
    counts = {
        kind: as_column(f"effective_count[{kind!r}]", effective_count[kind], len(found))
        for kind, found in points.items()
    }
    return first, first if test is train else _rows_of("test", test, width), points, counts


def _rows_of(where: str, given: LabelledInputs, width: int | None) -> LabelledInputs:
    inputs = np.asarray(as_rows(f"{where}.inputs", given.inputs, width))
    if not np.isfinite(inputs).all():
        raise DataError(f"{where}.inputs", found="values that are not finite", expected="finite ones", do="clean them")
    labels = None if given.labels is None else as_column(f"{where}.labels", given.labels, len(inputs), "iu")
    return LabelledInputs(inputs, labels, as_column(f"{where}.predictions", given.predictions, len(inputs), "iu"))


def prototype_arguments(
    z: Any, row_sample: Any, fit: GaussianFit, affine: Any
) -> tuple[Rows, Array, tuple[Array, Array] | None]:
    """Give pre-activations, the inputs of their rows, and weights and biases as arrays of shapes that agree.

    Parameters
    ----------
    z
        Pre-activations (S, N).
    row_sample
        Index of the sample that each row came from (S,).
    fit
        Gaussians of the N nodes.
    affine
        Weights (N, D) and biases (N,) of the nodes; None where they are not known.

    Raises
    ------
    DataError
        If an array is empty, no numbers, or does not fit `z`.
    UsageError
        If `fit` or `affine` is of another class.
    """
    rows = as_rows("z", z, len(fit.mean))
    inputs = as_column("row_sample", row_sample, rows.shape[0], "iu")
    if affine is None:
        return rows, inputs, None
    if not isinstance(affine, tuple | list) or len(affine) != 2:
        raise UsageError("affine", found=f"a {type(affine).__name__}", expected="(weights, biases)", do="give both")
    weights = np.asarray(as_rows("weights", affine[0]))
    return rows, inputs, (weights, as_column("biases", affine[1], len(fit.mean)))


def checked_samples(samples: Iterable[LayerRows], shape: tuple[int, ...]) -> Iterator[LayerRows]:
    """Pass blocks of rows on, one by one, while they fit the layer's pre-activations.

    Parameters
    ----------
    samples
        Rows of one layer in order, some at a time.
    shape
        Number of rows and of nodes of the layer's pre-activations.

    Raises
    ------
    DataError
        If the blocks do not have these numbers of rows and nodes.
    UsageError
        If a block is not `LayerRows`.
    """
    seen = 0
    for part in samples:
        check_kind("samples", part, LayerRows, do="give interp.LayerRows(z, layer_input, network_input)")
        z, read = as_rows("samples, z", part.z, shape[1]), as_rows("samples, layer_input", part.layer_input)
        network = (
            read if part.network_input is part.layer_input else as_rows("samples, network_input", part.network_input)
        )
        if len(z) != len(read) or len(z) % len(network):
            found = f"{len(z)} rows of z, {len(read)} of layer_input and {len(network)} of network_input"
            raise DataError("samples", found=found, expected="as many rows of each", do="give them in the same order")
        seen += len(z)
        yield LayerRows(z, read, network)
    if seen != shape[0]:
        raise DataError("samples", found=f"{seen:,} rows", expected=f"{shape[0]:,}, as z has", do="give all rows, once")
