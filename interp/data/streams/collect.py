"""All batches -> arrays by name: in memory where they fit, else the inputs on disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import chain

import numpy as np

from interp.data.assemble import INPUT_KEYS, LENGTH_KEYS
from interp.data.draws import fixed_draws
from interp.data.finite import check_finite
from interp.data.found import Found
from interp.data.images.orders import LAST, is_channels_last
from interp.data.options import DataOptions
from interp.data.streams.batches import Arrays, each_as_arrays, joined, own_faults
from interp.data.words import LABEL_KEYS
from interp.errors import DataError
from interp.streams import Kept, Stream, ahead
from interp.types import Array, Inference

MOST_HELD = 2**30
"""Largest number of bytes of a split's samples that are held in memory: 1 GB."""


def from_stream(stream: Stream, options: DataOptions) -> Found:
    """Read every batch of a stream; inputs are kept on disk, so that memory does not grow with their number.

    Raises
    ------
    DataError
        If there is no batch, samples are not alike or come with several inputs, or the stream fails.
    UsageError
        If there is no room on disk.
    """
    with own_faults(stream.name), fixed_draws(0):
        found = kept(stream.name, each_as_arrays(stream.name, stream.batches()))
    check_count(stream, len(found["x"]))
    return Found({**found, **stream.names}, {**found.facts, **stream.facts})


def check_count(stream: Stream, samples: int) -> None:
    """Refuse a stream that gave another number of samples than it says of itself.

    Parameters
    ----------
    stream
        Stream that was read to its end.
    samples
        Number of samples that came.

    Raises
    ------
    DataError
        If it states another number.
    """
    if stream.samples is not None and samples != stream.samples:
        raise DataError(
            stream.name,
            found=f"{samples:,} samples",
            expected=f"{stream.samples:,}, as it says of itself",
            do="give all of them, or no number",
        )


def collected(where: str, batches: Iterator[Arrays]) -> Found:
    """Join batches; where they would fill memory, inputs are kept on disk.

    Parameters
    ----------
    where
        Name of the data in errors.
    batches
        Arrays by name, read as they are needed.

    Raises
    ------
    DataError
        If there is no batch, or batches differ in their names or shapes.
    """
    held: list[Arrays] = []
    size = 0
    for batch in batches:
        held.append(batch)
        size += sum(array.nbytes for array in batch.values())
        if size > MOST_HELD and inputs_name(batch) is not None:
            return kept(where, batches, held)
    if not held:
        raise no_samples(where)
    return Found(joined(where, held), {})


def kept(where: str, batches: Iterable[Arrays], before: list[Arrays] | None = None) -> Found:
    """Keep the inputs of batches on disk and their targets in memory; the next batch is read while one is written.

    Parameters
    ----------
    where
        Name of the data in errors.
    batches
        Arrays by name: one array of inputs, with or without targets.
    before
        Batches that were read already, which are taken out of the list; None for none.

    Raises
    ------
    DataError
        If there is no batch, samples are not alike, not finite, or come with several inputs.
    """
    table, facts = Kept(where), dict[str, Inference]()
    targets: list[Arrays] = []
    with closing(ahead(batches)) as following:
        for batch in chain(_taken(before or []), following):
            inputs, turned = channels_first(inputs_of(where, batch))
            facts |= LAST if turned else {}
            check_finite(where, inputs, table.count)
            table.add(inputs)
            targets.append({key: narrow(array) for key, array in batch.items() if key in LABEL_KEYS})
    if not table.count:
        raise no_samples(where)
    return Found({"x": table.rows(), **joined(where, targets)}, facts)


def narrow(targets: Array) -> Array:
    """Give whole numbers in as few bytes as hold them, up to two: class indices wait for the last batch in memory.

    Types stay signed or unsigned, so that types of several batches join without loss.

    Parameters
    ----------
    targets
        Targets of a batch, of any type and shape.
    """
    for narrow in {"i": (np.int8, np.int16), "u": (np.uint8, np.uint16)}.get(targets.dtype.kind, ()):
        limits = np.iinfo(narrow)
        if targets.size and limits.min <= targets.min() and targets.max() <= limits.max:
            return targets.astype(narrow)
    return targets


def _taken(batches: list[Arrays]) -> Iterator[Arrays]:
    """Yield batches and forget each."""
    batches.reverse()
    while batches:
        yield batches.pop()


def inputs_of(where: str, batch: Arrays) -> Array:
    """Give the one array of inputs of a batch.

    Parameters
    ----------
    where
        Name of the data in errors.
    batch
        Arrays by name.

    Raises
    ------
    DataError
        If there is none, several, or sequences with lengths.
    """
    if (name := inputs_name(batch)) is None:
        raise DataError(
            where,
            found=f"batches of {', '.join(batch) or 'nothing'}",
            expected="one array of inputs, x, with or without targets, y",
            do="name it so; networks of several inputs, and sequences with lengths, take data in memory",
        )
    return batch[name]


def inputs_name(batch: Arrays) -> str | None:
    """Give the name of a batch's inputs; None where there are several, sequences with lengths, or none."""
    if any(name in batch for name in LENGTH_KEYS):
        return None
    return next((name for name in INPUT_KEYS if name in batch), None)


def channels_first(inputs: Array) -> tuple[Array, bool]:
    """Turn images whose last axis holds the channels; and whether these are such."""
    is_last = is_channels_last(inputs.shape[1:])
    return (np.moveaxis(inputs, -1, 1) if is_last else inputs), is_last


def no_samples(where: str) -> DataError:
    """Make the error for data without samples.

    Parameters
    ----------
    where
        Name of the data.
    """
    return DataError(where, found="no samples", expected="at least one", do="give the whole data set")
