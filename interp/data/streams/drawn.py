"""Some samples of a stream, drawn at random to be held in memory; the others are read and left."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from interp.data.assemble import from_mapping
from interp.data.draws import fixed_draws
from interp.data.found import Found
from interp.data.splits import holds_splits
from interp.data.streams.batches import Arrays, joined, own_faults
from interp.data.streams.collect import channels_first, check_count, no_samples
from interp.data.streams.sampled import batches_of, most_samples, sampled
from interp.data.targets import read_targets
from interp.errors import DataError, UsageError
from interp.ranks import ALONE, Ranks
from interp.streams import Stream
from interp.types import Array, Dataset, Inference, Split


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
    part
        Function that begins the batches of ranges of indices alone; None where that cannot be.
    """

    name: str
    batches: Callable[[], Iterator[Arrays]]
    samples: int | None
    held: Arrays
    digest: str
    part: Callable[[Sequence[range]], Iterator[Arrays]] | None = None

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
            found = "samples that have to be brought to another order, size or number of channels for this network"
            do = "give them as the network takes them, or analyse with store=True"
            raise UsageError(self.name, found=found, expected="samples as the network takes them", do=do)

    def blocks(
        self, split: Split, size: int, ranges: Sequence[range] | None = None
    ) -> Iterator[tuple[Array, Array | None]]:
        """Yield the inputs (B, I) and labels (B,) of so many samples at a time.

        Parameters
        ----------
        split
            Samples that are held, whose labels say how targets are read.
        size
            Number of samples of a block; the last may have fewer.
        ranges
            Indices of the samples of each block, where it is some of those that can be had alone; None for all.

        Raises
        ------
        DataError
            If samples cannot be read, are not alike, or are of a class of which none is held.
        """
        with own_faults(self.name), fixed_draws(0):
            lookup = label_lookup(self.name, self.held.get("y"), split)
            batches = self.batches() if ranges is None or self.part is None else self.part(ranges)
            for x, y in _regrouped(self.name, batches, size):
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


def drawn(data: Any, ranks: Ranks = ALONE) -> tuple[Any, dict[str, Whole]]:
    """Hold some samples of each stream in data in memory, in place of the stream.

    Parameters
    ----------
    data
        Data set of any kind that `interp.load_dataset` takes.
    ranks
        Processes that all draw, and hold, the same samples.

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
        found, whole = _of_stream(data, ranks)
        return from_mapping(data.name, found), {} if whole is None else {"train": whole}
    if not isinstance(data, Mapping) or not holds_splits(data):
        return data, {}
    parts = {
        split: _of_stream(part, ranks) if isinstance(part, Stream) else (part, None) for split, part in data.items()
    }
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


def _of_stream(stream: Stream, ranks: Ranks) -> tuple[Found, Whole | None]:
    with own_faults(stream.name), fixed_draws(0):
        return _head(stream) if stream.is_once else _sampled(stream, ranks)


# --------------------------------------------------------------------------- samples drawn at random


def _sampled(stream: Stream, ranks: Ranks) -> tuple[Found, Whole | None]:
    """Draw samples in one pass of reading, which counts them too."""
    made = sampled(stream, ranks)
    arrays = made.arrays
    if len(arrays["x"]) == made.count:
        return Found({**arrays, **stream.names}, stream.facts), None
    fact = _fact(f"{len(arrays['x']):,} of {made.count:,}, drawn at random")
    found = Found({**arrays, **stream.names}, {**stream.facts, "samples held": fact})
    part = partial(batches_of, stream) if made.is_divided else None
    return found, Whole(stream.name, lambda: batches_of(stream), made.count, arrays, made.digest, part)


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
