"""Sequences of several lengths, padded to one: how many time steps of each are its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from interp.errors import DataError
from interp.streams import RowsOnDisk
from interp.types import Array, Dataset, Inference, InputPart
from interp.types.data import LENGTHS


def checked_lengths(where: str, lengths: Array, sequences: Array) -> Array:
    """See that there is a length for each sequence, from 1 to the number of its time steps.

    Parameters
    ----------
    where
        Name of the data in errors.
    lengths
        Number of time steps of each sequence that are no padding, (S,) or (S, 1).
    sequences
        Padded sequences, (S, T) tokens or (S, T, F).

    Returns
    -------
    Array
        Lengths (S,), int64.

    Raises
    ------
    DataError
        If there are others.

    Examples
    --------
    >>> checked_lengths("mine", np.array([3.0, 1.0]), np.zeros((2, 3)))
    array([3, 1])
    """
    steps = sequences.shape[1] if sequences.ndim > 1 else 0
    fits = lengths.shape in ((len(sequences),), (len(sequences), 1)) and lengths.dtype.kind in "iuf"
    whole = lengths.reshape(-1).astype(np.int64) if fits else np.empty(0, np.int64)
    if not fits or not np.array_equal(whole, lengths.reshape(-1)):
        found, expected = f"{LENGTHS} of shape {lengths.shape} and type {lengths.dtype}", "a whole number a sequence"
    elif whole.min() < 1 or whole.max() > steps:
        found, expected = f"a length of {whole.min() if whole.min() < 1 else whole.max()}", f"1 to {steps} time steps"
    else:
        return whole
    raise DataError(where, found=found, expected=expected, do="count the steps of each that are no padding")


def with_counted_lengths(data: Dataset) -> Dataset:
    """Give rows of tokens their lengths where token 0 pads them: where it stands at the ends of rows, and nowhere else.

    The lengths stand behind the tokens, as those of a file do. Data are given as they are where they hold several
    inputs, lie on disk, or have token 0 within a row or in none.

    Parameters
    ----------
    data
        Data set whose rows are tokens.
    """
    inputs = [split.inputs for split in data.splits.values()]
    if data.parts or any(isinstance(one, RowsOnDisk) for one in inputs):
        return data
    counts = [np.count_nonzero(one, axis=1) for one in inputs]
    ends = all(
        bool(((one != 0) == (np.arange(data.width) < count[:, None])).all())
        for one, count in zip(inputs, counts, strict=True)
    )
    if not ends or all(int(count.min()) == data.width for count in counts):
        return data
    splits = {}
    for (name, split), count in zip(data.splits.items(), counts, strict=True):
        lengths = np.maximum(count, 1).astype(np.int64)
        holding = np.promote_types(split.inputs.dtype, np.min_scalar_type(data.width))  # bytes end at 255 steps
        rows = np.concatenate([split.inputs, lengths[:, None].astype(holding)], axis=1)
        splits[name] = replace(split, inputs=rows, lengths=lengths)
    parts = (InputPart("x", (data.width,), True), InputPart(LENGTHS, (), True))
    features = (*data.features, LENGTHS) if data.features else ()
    return replace(data, splits=splits, parts=parts, features=features, facts={**data.facts, **COUNTED})


COUNTED = {
    "lengths": Inference(
        "counted",
        "likely",
        "token 0 stands at the ends of rows and nowhere else; other lengths: an array lengths_train",
    )
}
"""Fact on rows of tokens whose lengths the data did not name."""


def padded(parts: Sequence[InputPart]) -> bool:
    """Tell whether inputs are sequences with their lengths.

    Parameters
    ----------
    parts
        Descriptions of the inputs.

    Examples
    --------
    >>> padded([InputPart("x", (7,), True), InputPart("lengths", (), True)]), padded([])
    (True, False)
    """
    return len(parts) == 2 and parts[1].name == LENGTHS and len(parts[0].shape) > 0
