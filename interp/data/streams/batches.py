"""Batches as data sets and loaders give them -> arrays by name, and those of all batches joined."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from interp.data.arrays import as_array
from interp.data.lengths import MASK
from interp.data.sources.memory import named_inputs
from interp.data.sources.tables.tokens import token_columns
from interp.data.streams.faults import in_worker, is_of_collating
from interp.errors import DataError, InterpError
from interp.safety import problem
from interp.types import Array
from interp.types.data import LENGTHS

Arrays = dict[str, Array]
"""Name of an array -> its rows."""


def arrays_of(where: str, batch: Any) -> Arrays:
    """Give the parts of a batch as arrays, by their names.

    Parameters
    ----------
    where
        Name of the data in errors.
    batch
        Inputs alone, ``(inputs, targets)``, several inputs with targets last, or a mapping with names of its own.

    Raises
    ------
    DataError
        If rows differ in length, or some values are no numbers that an array can hold.
    """
    return {name: as_array(f"{where}, {name}", values) for name, values in named(batch).items()}


def each_as_arrays(where: str, batches: Iterable[Any]) -> Generator[Arrays, None, None]:
    """Yield batches as arrays by name; what gives them is closed at the end, or where reading ends early.

    Parameters
    ----------
    where
        Name of the data in errors.
    batches
        Batches as `arrays_of` takes them.

    Raises
    ------
    DataError
        If they are no batches, one is not of rows, as many of each of its arrays, or they differ in their names.
    """
    if not isinstance(batches, Iterable):
        raise DataError(where, found=f"{batches!r:.60}", expected="batches", do="return or yield them one by one")
    iterator, names = iter(batches), None
    try:
        for batch in iterator:
            arrays = with_rows(where, arrays_of(where, batch))
            names = list(arrays) if names is None else names
            if set(arrays) != set(names):
                found = f"a batch of {', '.join(arrays) or 'nothing'} after one of {', '.join(names) or 'nothing'}"
                raise DataError(where, found=found, expected="the same arrays in every batch", do="give all, or none")
            yield arrays
    finally:
        close = getattr(iterator, "close", None)
        if callable(close):
            close()


def with_rows(where: str, batch: Arrays) -> Arrays:
    """Give a batch whose arrays all have one row a sample.

    Parameters
    ----------
    where
        Name of the data in errors.
    batch
        Arrays by name.

    Raises
    ------
    DataError
        If an array is a single value, or they differ in their numbers of rows.
    """
    if alone := [name for name, array in batch.items() if array.ndim == 0]:
        found = f"batches whose {alone[0]} is one value, {batch[alone[0]]!s:.20}"
        do = "give several samples at once, or one as a batch of one row"
        raise DataError(where, found=found, expected="arrays with one row a sample", do=do)
    if len({len(array) for array in batch.values()}) > 1:
        said = ", ".join(f"{len(array):,} of {name}" for name, array in batch.items())
        raise DataError(where, found=f"a batch with rows: {said}", expected="as many of each", do="make them match")
    return batch


@contextmanager
def closing_batches(batches: Generator[Arrays, None, None]) -> Iterator[Generator[Arrays, None, None]]:
    """Close batches at the end of a block, but where a reader that hangs is still in them, which closes them itself.

    Parameters
    ----------
    batches
        Batches, which a thread may read.
    """
    try:
        yield batches
    finally:
        try:
            batches.close()
        except ValueError as error:
            if str(error) != "generator already executing":
                raise


def named(batch: Any) -> dict[str, Any]:
    """Name the parts of a batch: by its own keys; as inputs alone; or as one or several inputs with targets last.

    Parameters
    ----------
    batch
        Inputs alone, ``(inputs, targets)``, several inputs with targets last, or a mapping with names of its own.
    """
    if isinstance(batch, Mapping):
        return {str(name): values for name, values in batch.items()}
    if not isinstance(batch, (tuple, list)):
        return {"x": batch}
    if not batch:
        return {}
    *inputs, last = batch
    if not inputs:
        return {"x": last}
    return {**named_inputs(_unpacked(inputs)), "y": last}


def _unpacked(inputs: list[Any]) -> Any:
    """Give one input as it is, several as a tuple; collating turns tuples into lists."""
    if len(inputs) > 1:
        return tuple(inputs)
    return tuple(inputs[0]) if isinstance(inputs[0], list) else inputs[0]


@contextmanager
def own_faults(where: str) -> Iterator[None]:
    """Say in one line what is wrong with data of the user's own code.

    Parameters
    ----------
    where
        Name of the data in errors.

    Raises
    ------
    DataError
        If the block fails.
    """
    try:
        yield
    except InterpError:
        raise
    except Exception as error:  # the user's data set fails in its own way
        if is_of_collating(error):
            expected = "tensors, numbers or arrays, alike in every sample"
            do = "give the data set a transform such as ToTensor, or the loader a collate_fn"
        else:
            expected, do = "batches to the end", "correct what gives them"
        found = f"samples that cannot be read: {in_worker(error) or problem(error)}"
        raise DataError(where, found=found, expected=expected, do=do) from error


def joined(where: str, batches: list[Arrays]) -> Arrays:
    """Concatenate batches; sequences are padded to one length where lengths are told.

    Parameters
    ----------
    where
        Name of the data in errors.
    batches
        Arrays by name, at least one batch, all of the same names.

    Raises
    ------
    DataError
        If rows of batches differ in their shapes.
    """
    batches = _padded(batches)
    first = batches[0]
    for batch in batches:
        for name, array in batch.items():
            if (shape := array.shape[1:]) != first[name].shape[1:]:
                found = f"rows of {name} of shape {shape} after those of shape {first[name].shape[1:]}"
                do = "bring all to one shape, sequences by a collate_fn of the loader that pads them"
                raise DataError(where, found=found, expected="rows that are alike in every batch", do=do)
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}


def _padded(batches: list[Arrays]) -> list[Arrays]:
    """Pad sequences with zeros to one length where lengths are told, which may be the second of two inputs."""
    if all(_second_is_lengths(batch) for batch in batches):
        usual = {"input0": "x", "input1": LENGTHS}
        batches = [{usual.get(name, name): array for name, array in batch.items()} for batch in batches]
    names = _padded_names(batches)
    if not names:
        return batches
    longest = max(batch[names[0]].shape[1] for batch in batches)
    return [{**batch, **{name: _longer(batch[name], longest) for name in names}} for batch in batches]


def _padded_names(batches: list[Arrays]) -> list[str]:
    """Name the arrays that are sequences beside their lengths, or beside a tokenizer's mask."""
    names = ["x"] if {"x", LENGTHS} <= batches[0].keys() else token_columns(batches[0])
    told = names == ["x"] or MASK in names
    fits = all(set(names) <= batch.keys() and all(batch[name].ndim > 1 for name in names) for batch in batches)
    return names if told and fits else []


def _second_is_lengths(batch: Arrays) -> bool:
    """Whether whole numbers beside sequences go up to just the number of their steps."""
    if batch.keys() != {"input0", "input1", "y"}:
        return False
    x, lengths = batch["input0"], batch["input1"]
    is_one_each = x.ndim in (2, 3) and lengths.shape == x.shape[:1] and lengths.dtype.kind in "iu"
    return is_one_each and lengths.min() >= 1 and lengths.max() == x.shape[1]


def _longer(sequences: Array, steps: int) -> Array:
    after = [(0, 0), (0, steps - sequences.shape[1]), *((0, 0) for _ in sequences.shape[2:])]
    return np.pad(sequences, after)
