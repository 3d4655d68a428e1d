"""Sequences of several lengths, padded to one: how many time steps of each are its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from interp.errors import DataError
from interp.streams import RowsOnDisk
from interp.types import Array, Dataset, Inference, InputPart, Split
from interp.types.data import LENGTHS

TOKENS = "input_ids"
"""Name that tokenizers of the transformers library give to token numbers (S, T)."""

MASK = "attention_mask"
"""Name that they give to ones where tokens stand, and zeros where rows are padded (S, T)."""

OF_TOKENIZER = (TOKENS, MASK, "token_type_ids")
"""Names that they give to token numbers and to what stands beside these."""


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
    if data.parts or _is_on_disk(data):
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
    said = _counted(is_alike=len(np.unique(np.concatenate(counts))) == 1)
    return replace(data, splits=splits, parts=parts, features=features, facts={**data.facts, LENGTHS: said})


def same_steps(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Pad what a tokenizer wrote of all splits with zeros to one length, where its mask says which steps are padding.

    Parameters
    ----------
    arrays
        Name of an array -> its rows; such as ``input_ids_train``.

    Examples
    --------
    >>> rows = {"train": np.ones((1, 3), int), "test": np.ones((1, 2), int)}
    >>> given = {f"{name}_{split}": ones for name in (TOKENS, MASK) for split, ones in rows.items()}
    >>> same_steps(given)["attention_mask_test"].tolist()
    [[1, 1, 0]]
    """
    masks = [name for name in arrays if name.startswith(MASK)]
    steps = {name: array.shape[1] for name, array in arrays.items() if _is_of_tokenizer(name, array)}
    if not masks or not set(masks) <= steps.keys() or len(set(steps.values())) == 1:
        return dict(arrays)
    longest = max(steps.values())
    return {
        name: np.pad(array, ((0, 0), (0, longest - steps[name]))) if name in steps else array
        for name, array in arrays.items()
    }


def _is_of_tokenizer(name: str, array: Any) -> bool:
    stem = name.removesuffix("_train").removesuffix("_test")
    return stem in OF_TOKENIZER and isinstance(array, np.ndarray) and array.ndim == 2


def tokens_for(data: Dataset, names: Collection[str]) -> Dataset:
    """Give what a tokenizer wrote as a network takes it: the arrays that it names, or tokens with their lengths.

    Data of other arrays are given as they are.

    Parameters
    ----------
    data
        Data set, whose inputs may be those of a tokenizer.
    names
        Names of the network's arguments; none for a network that takes one input, and may take lengths.

    Returns
    -------
    Dataset
        Data set of the arrays that have such a name; where token numbers have none, of the sequences ``x``, with the
        lengths that the mask counts where it leaves out the ends of rows.
    """
    given = [part.name for part in data.parts]
    is_of_tokenizer = TOKENS in given and set(given) <= {*OF_TOKENIZER}
    if not is_of_tokenizer or set(given) <= set(names) or _is_on_disk(data):
        return data
    if TOKENS not in names:
        return _as_sequences(data)
    left_out = ", ".join(name for name in given if name not in names)
    said = Inference(left_out, "certain", "no argument of the network has this name")
    parts = tuple(part for part in data.parts if part.name in names)
    splits = {name: replace(split, inputs=_columns(data, split, parts)) for name, split in data.splits.items()}
    return replace(data, splits=splits, parts=parts, facts={**data.facts, "inputs_left_out": said})


def _is_on_disk(data: Dataset) -> bool:
    return any(isinstance(split.inputs, RowsOnDisk) for split in data.splits.values())


def _as_sequences(data: Dataset) -> Dataset:
    """Take token numbers as sequences, with the lengths that their mask counts."""
    (tokens,) = (part for part in data.parts if part.name == TOKENS)
    masks = [part for part in data.parts if part.name == MASK]
    rows = {name: _columns(data, split, [tokens]) for name, split in data.splits.items()}
    counts = {name: _steps_of(_columns(data, split, masks)) for name, split in data.splits.items() if masks}
    known = {name: count for name, count in counts.items() if count is not None}
    if len(known) < len(rows) or min(int(count.min()) for count in known.values()) == tokens.width:
        splits = {name: replace(split, inputs=rows[name]) for name, split in data.splits.items()}
        return replace(data, splits=splits, parts=())
    splits = {
        name: replace(split, inputs=np.column_stack([rows[name], known[name]]), lengths=known[name])
        for name, split in data.splits.items()
    }
    parts = (InputPart("x", tokens.shape, True), InputPart(LENGTHS, (), True))
    said = Inference("counted", "certain", f"as many as {MASK} has ones, which stand before its zeros in every row")
    return replace(data, splits=splits, parts=parts, facts={**data.facts, LENGTHS: said})


def _columns(data: Dataset, split: Split, parts: Sequence[InputPart]) -> Array:
    """Give the columns of some of the data's parts, side by side."""
    ends = np.cumsum([part.width for part in data.parts])
    places = dict(zip((part.name for part in data.parts), np.split(np.arange(ends[-1]), ends[:-1]), strict=True))
    return np.asarray(split.inputs[:, np.concatenate([places[part.name] for part in parts])])


def _steps_of(mask: Array) -> Array | None:
    """Count the ones of each row; None where some stand behind zeros, or a row has none."""
    counts = np.count_nonzero(mask, axis=1).astype(np.int64)
    ends = ((mask != 0) == (np.arange(mask.shape[1]) < counts[:, None])).all()
    return counts if ends and counts.min() > 0 else None


def _counted(is_alike: bool) -> Inference:
    """Say how lengths were found that the data did not name: of rows that are all as long, token 0 may be their end."""
    why = "token 0 stands at the ends of rows and nowhere else; other lengths: an array lengths_train"
    if is_alike:
        why = f"all rows are as long, so that token 0 may be a token that ends them, not padding; {why}"
    return Inference("counted", "uncertain" if is_alike else "likely", why)


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
