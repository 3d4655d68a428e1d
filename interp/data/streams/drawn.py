"""Some samples of a stream, drawn at random to be held in memory; the others are read and left.

A sample is drawn by random bits that its index alone decides, so batches and processes draw the same.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np

from interp.analysis.mergeable.draws import mixed
from interp.data.assemble import from_mapping
from interp.data.draws import fixed_draws
from interp.data.found import Found
from interp.data.splits import holds_splits
from interp.data.streams.batches import Arrays, each_as_arrays, joined, own_faults
from interp.data.streams.collect import channels_first, check_count, inputs_of, no_samples
from interp.data.targets import read_targets
from interp.data.words import LABEL_KEYS
from interp.errors import DataError, UsageError
from interp.streams import Stream
from interp.types import Array, Dataset, Inference, Split

MOST_SAMPLES = 20_000
"""Largest number of samples of a split that are held in memory."""

MOST_BYTES = 2**28
"""Largest number of bytes of their inputs: 256 MB."""

LEAST_SAMPLES = 100
"""Number of samples that are held however large they are."""


@dataclass(frozen=True)
class Whole:
    """All samples of a split of which a data set holds some.

    Attributes
    ----------
    name
        Name of the data, in errors.
    batches
        Function that begins the batches: inputs ``x`` and, where there are any, targets ``y``, one row a sample.
    samples
        Number of samples; None where they come once.
    held
        Samples that are held, as they came.
    digest
        SHA-256 over all samples, in hexadecimal; random where they come once, since what comes is not known before.
    """

    name: str
    batches: Callable[[], Iterator[Arrays]]
    samples: int | None
    held: Arrays
    digest: str

    def check(self, split: Split) -> None:
        """See that a network takes samples as they come.

        Parameters
        ----------
        split
            Samples that are held, as the network takes them.

        Raises
        ------
        UsageError
            If they were turned or cut for the network, which those that are read and left are not.
        """
        if not np.array_equal(split.inputs[0], _flat(self.held["x"][:1])[0]):
            found = "samples that have to be brought to another order or size for this network"
            do = "give them as the network takes them, or analyse with store=True"
            raise UsageError(self.name, found=found, expected="samples as the network takes them", do=do)

    def blocks(self, split: Split, size: int) -> Iterator[tuple[Array, Array | None]]:
        """Yield the inputs (B, I) and labels (B,) of so many samples at a time.

        Parameters
        ----------
        split
            Samples that are held, whose labels say how targets are read.
        size
            Number of samples of a block; the last may have fewer.

        Raises
        ------
        DataError
            If samples cannot be read, are not alike, or are of a class of which none is held.
        """
        with own_faults(self.name), fixed_draws(0):
            lookup = label_lookup(self.name, self.held.get("y"), split)
            for x, y in _regrouped(self.name, self.batches(), size):
                yield _flat(x), None if y is None else lookup(y)


def _flat(inputs: Array) -> Array:
    return channels_first(inputs)[0].reshape(len(inputs), -1)


def _regrouped(where: str, batches: Iterator[Arrays], size: int) -> Iterator[tuple[Array, Array | None]]:
    """Yield the samples of batches in groups of a size."""
    waiting: list[Arrays] = []
    count = 0
    for batch in batches:
        waiting.append(batch)
        count += len(batch["x"])
        while count >= size:
            whole = joined(where, waiting)
            yield whole["x"][:size], whole["y"][:size] if "y" in whole else None
            count -= size
            waiting = [{key: array[size:] for key, array in whole.items()}] if count else []
    if waiting:
        whole = joined(where, waiting)
        yield whole["x"], whole.get("y")


def drawn(data: Any) -> tuple[Any, dict[str, Whole]]:
    """Hold some samples of each stream in data in memory, in place of the stream.

    Parameters
    ----------
    data
        Data set of any kind that `interp.load_dataset` takes.

    Returns
    -------
    data, wholes
        Data with arrays in place of streams; and name of a split -> all of its samples, of splits that were streams
        and have more than are held.

    Raises
    ------
    DataError
        If a stream has no samples or cannot be read.
    """
    if isinstance(data, Stream):
        found, whole = _of_stream(data)
        return from_mapping(data.name, found), {} if whole is None else {"train": whole}
    if not isinstance(data, Mapping) or not holds_splits(data):
        return data, {}
    parts = {split: _of_stream(part) if isinstance(part, Stream) else (part, None) for split, part in data.items()}
    return {split: part for split, (part, _) in parts.items()}, {
        split: whole for split, (_, whole) in parts.items() if whole is not None
    }


def with_digests(data: Dataset, wholes: Mapping[str, Whole]) -> Dataset:
    """Let the digest of a data set stand for all samples, and say which are held.

    Parameters
    ----------
    data
        Data set of the samples that are held.
    wholes
        Name of a split -> all of its samples.
    """
    if not wholes:
        return data
    known = [whole.digest for whole in wholes.values() if whole.samples is not None]
    return replace(data, digest=hashlib.sha256("".join([data.digest, *known]).encode()).hexdigest())


def _of_stream(stream: Stream) -> tuple[Found, Whole | None]:
    with own_faults(stream.name), fixed_draws(0):
        return _head(stream) if stream.is_once else _sampled(stream)


def batches_of(stream: Stream) -> Iterator[Arrays]:
    """Yield the inputs ``x`` and targets ``y`` of each batch of a stream.

    Parameters
    ----------
    stream
        Stream with one array of inputs.
    """
    with closing(each_as_arrays(stream.name, stream.batches())) as batches:
        for batch in batches:
            targets = next((array for key, array in batch.items() if key in LABEL_KEYS), None)
            inputs = {"x": inputs_of(stream.name, batch)}
            yield inputs if targets is None else inputs | {"y": targets}


# --------------------------------------------------------------------------- samples drawn at random


def _sampled(stream: Stream) -> tuple[Found, Whole | None]:
    """Draw samples in one pass of reading, which counts them too."""
    held, digests, count = _Drawn(stream.name), dict[str, Any](), 0
    for batch in batches_of(stream):
        for key, array in batch.items():
            digests.setdefault(key, hashlib.sha256()).update(np.ascontiguousarray(array).data)
        held.add(count, batch)
        count += len(batch["x"])
    arrays = held.samples()
    check_count(stream, count)
    if len(arrays["x"]) == count:
        return Found({**arrays, **stream.names}, stream.facts), None
    digest = "".join(one.hexdigest() for one in digests.values())
    fact = _fact(f"{len(arrays['x']):,} of {count:,}, drawn at random")
    found = Found({**arrays, **stream.names}, {**stream.facts, "samples held": fact})
    return found, Whole(stream.name, lambda: batches_of(stream), count, arrays, digest)


class _Drawn:
    """Samples with the least random bits of those that were added."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._parts: list[Arrays] = []
        self._indices: list[Array] = []
        self._most = 0
        self._limit = np.uint64(2**64 - 1)

    def add(self, first: int, batch: Arrays) -> None:
        """Add samples whose first has an index."""
        self._most = self._most or most_samples(batch["x"])
        indices = first + np.arange(len(batch["x"]))
        kept = np.flatnonzero(mixed(indices, 1) <= self._limit)
        if len(kept):
            self._indices.append(indices[kept])
            self._parts.append({key: np.array(array[kept]) for key, array in batch.items()})
        if sum(map(len, self._indices)) > 2 * self._most:
            self._pruned()

    def _pruned(self) -> None:
        indices, arrays = np.concatenate(self._indices), joined(self.name, self._parts)
        if len(indices) > self._most:
            bits = mixed(indices, 1)
            self._limit = np.partition(bits, self._most - 1)[self._most - 1]
            kept = np.flatnonzero(bits <= self._limit)
            indices, arrays = indices[kept], {key: array[kept] for key, array in arrays.items()}
        self._indices, self._parts = [indices], [arrays]

    def samples(self) -> Arrays:
        """Give the samples, in the order of their indices."""
        if not self._parts:
            raise no_samples(self.name)
        self._pruned()
        return self._parts[0]


def most_samples(inputs: Array) -> int:
    """Give the number of samples that are held, by the size of one.

    Parameters
    ----------
    inputs
        Inputs of some samples (B, ...).
    """
    return max(LEAST_SAMPLES, min(MOST_SAMPLES, MOST_BYTES // max(1, inputs[:1].nbytes)))


def _fact(held: str) -> Inference:
    evidence = (
        "activations are not stored: statistics and fits are of all samples; scores, prototypes, clusters,"
        " interventions, attribution and reading of those that are held"
    )
    return Inference(held, "certain", evidence)


# --------------------------------------------------------------------------- the first samples


def _head(stream: Stream) -> tuple[Found, Whole | None]:
    """Hold the first samples of a stream that comes once."""
    following = batches_of(stream)
    parts: list[Arrays] = []
    for batch in following:
        parts.append(batch)
        if sum(len(part["x"]) for part in parts) >= most_samples(batch["x"]):
            break
    if not parts:
        raise no_samples(stream.name)
    arrays = joined(stream.name, parts)
    behind = next(following, None)
    if behind is None:
        check_count(stream, len(arrays["x"]))
        return Found({**arrays, **stream.names}, stream.facts), None
    fact = _fact(f"the first {len(arrays['x']):,}, of samples that come once")
    rest = [chain(parts, [behind], following)]

    def once() -> Iterator[Arrays]:
        if not rest:
            do = "give a function that begins them anew, or analyse with store=True"
            raise DataError(stream.name, found="samples that were read before", expected="one pass", do=do)
        yield from rest.pop()

    found = Found({**arrays, **stream.names}, {**stream.facts, "samples held": fact})
    return found, Whole(stream.name, once, None, arrays, secrets.token_hex(32))


# --------------------------------------------------------------------------- labels


def label_lookup(where: str, raw: Array | None, held: Split) -> Callable[[Array], Array | None]:
    """Give a function that reads targets as those of the samples that are held were read.

    Parameters
    ----------
    where
        Name of the data in errors.
    raw
        Targets of the samples that are held, as they came.
    held
        Samples that are held, as the data set has them.

    Raises
    ------
    DataError
        From the function, if a class is not among the samples that are held.
    """
    if held.labels is None or raw is None:
        return lambda targets: None
    plain = _plain(where, raw)
    values, first = np.unique(plain, return_index=True)
    known = held.labels[first]

    def read(targets: Array) -> Array:
        asked = _plain(where, targets)
        at = np.minimum(np.searchsorted(values, asked), len(values) - 1)
        if (missing := values[at] != asked).any():
            found = f"class {asked[missing][0]}, of which no sample is held"
            raise DataError(where, found=found, expected="some of each class", do="analyse with store=True")
        return known[at]

    return read


def _plain(where: str, targets: Array) -> Array:
    """Give the class of each sample as it came: one column of numbers or words, or the place of the ones."""
    if targets.ndim > 1 and targets.shape[-1] > 1:
        found = read_targets(where, targets, len(targets))[0]
        if found is not None:
            return found
    return targets.reshape(len(targets), -1)[:, 0]
