"""Samples of a stream that are drawn at random, in one pass that counts all of them too.

A sample is drawn by random bits that its index alone decides, so batches and processes draw the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from interp.analysis.mergeable.draws import mixed
from interp.data.draws import fixed_draws
from interp.data.finite import check_finite
from interp.data.streams.batches import Arrays, each_as_arrays, joined
from interp.data.streams.collect import check_count, inputs_of, no_samples
from interp.data.words import LABEL_KEYS
from interp.ranks import ALONE, Ranks
from interp.streams import Stream
from interp.streams.shared import once
from interp.types import Array

MOST_SAMPLES = 20_000
"""Largest number of samples of a split that are held in memory."""

MOST_BYTES = 2**28
"""Largest number of bytes of their inputs: 256 MB."""

LEAST_SAMPLES = 100
"""Number of samples that are held however large they are."""


CHUNK = 256
"""Number of samples that have a digest together: the digest of all is made of these, whoever read them."""


@dataclass(frozen=True)
class Sampled:
    """What one pass over a stream finds.

    Attributes
    ----------
    arrays
        Samples that were drawn, by the name of the array, in the order of their indices.
    count
        Number of all samples.
    digest
        Digest of all samples, in hexadecimal.
    is_divided
        Whether each of several processes read some samples alone.
    """

    arrays: Arrays
    count: int
    digest: str
    is_divided: bool = False


def sampled(stream: Stream, ranks: Ranks = ALONE) -> Sampled:
    """Draw samples of a stream in one pass: of several processes each reads some, or one of each machine all.

    Parameters
    ----------
    stream
        Stream that can be begun anew.
    ranks
        Processes that all call it, and all get the same.

    Raises
    ------
    DataError
        If there are no samples, or they cannot be read.
    JobError
        If another process has ended.

    Examples
    --------
    >>> found = sampled(Stream("counts", lambda: ({"x": np.array([[at], [at + 1]])} for at in (0, 2))))
    >>> found.count, found.arrays["x"].ravel().tolist()
    (4, [0, 1, 2, 3])
    """
    if stream.is_share:  # each draws of its own, which are then refused as other data
        return _of_all(stream)
    found = None if ranks.size == 1 else _divided(stream, ranks)
    return found or once(ranks, lambda: _of_all(stream))


def batches_of(stream: Stream, ranges: Sequence[range] | None = None, *, is_watched: bool = False) -> Iterator[Arrays]:
    """Yield the inputs ``x`` and targets ``y`` of each batch of a stream.

    Parameters
    ----------
    stream
        Stream with one array of inputs.
    ranges
        Indices of the samples that are wanted, of a stream that gives them alone; None for all.
    is_watched
        Whether samples of ranges are read for the first time, and reading is to fail where they depend on others.

    Raises
    ------
    DataError
        If samples are not alike, have several inputs, or are not finite, naming the row among all.
    """
    part = (is_watched and stream.watched) or stream.part
    batches = stream.batches() if ranges is None or part is None else part(ranges)
    count = 0
    with closing(each_as_arrays(stream.name, batches)) as arrays:
        for batch in arrays:
            targets = next((array for key, array in batch.items() if key in LABEL_KEYS), None)
            inputs = {"x": inputs_of(stream.name, batch)}
            check_finite(stream.name, inputs["x"], count, ranges)
            count += len(inputs["x"])
            yield inputs if targets is None else inputs | {"y": targets}


def _of_all(stream: Stream) -> Sampled:
    held, digests, count = _Drawn(stream.name), _Digests(), 0
    for batch in batches_of(stream):
        digests.add(batch)
        held.add(count, batch)
        count += len(batch["x"])
    arrays = held.samples()
    check_count(stream, count)
    return Sampled(arrays, count, _digest([digests.found()]))


@dataclass(frozen=True)
class _Part:
    """What a process finds of its samples: kinds of arrays, how many are held at most, the drawn ones, and digests."""

    kinds: Mapping[str, tuple[np.dtype, tuple[int, ...]]]
    most: int
    arrays: list[Arrays]
    digests: Mapping[str, list[bytes]]


def _divided(stream: Stream, ranks: Ranks) -> Sampled | None:
    """Draw samples together; None where it is not sure that these are what one process draws."""
    samples = 0 if stream.part is None else stream.samples or 0
    if set(ranks.told(samples)) != {samples} or not samples:
        return None
    chunks = -(-samples // CHUNK)
    first, last = (min(samples, chunks * part // ranks.size * CHUNK) for part in (ranks.rank, ranks.rank + 1))
    every = ranks.told(_read(stream, range(first, last), samples))
    parts = [one for one in every if one is not None]
    known = [one for one in parts if one.arrays]
    if len(parts) < ranks.size or any((one.kinds, one.most) != (known[0].kinds, known[0].most) for one in known):
        return None
    arrays = joined(stream.name, list(chain.from_iterable(one.arrays for one in known)))
    return Sampled(arrays, samples, _digest([one.digests for one in parts]), is_divided=True)


def _read(stream: Stream, mine: range, samples: int) -> _Part | None:
    """Read some samples; None where they are not as one process would have them, which then says why."""
    found, digests, count = list[Arrays](), _Digests(), mine.start
    kinds: set[tuple[tuple[str, np.dtype, tuple[int, ...]], ...]] = set()
    wanted, most = np.zeros(0, bool), 0
    try:
        with fixed_draws(0):
            for batch in batches_of(stream, [mine], is_watched=True) if mine else ():
                if not most:
                    most = most_samples(batch["x"])
                    wanted = _smallest(samples, most)
                kept = np.flatnonzero(wanted[count : count + len(batch["x"])])
                found.append({key: np.array(array[kept]) for key, array in batch.items()})
                kinds.add(tuple((key, array.dtype, array.shape[1:]) for key, array in batch.items()))
                digests.add(batch)
                count += len(batch["x"])
    except Exception:  # whatever it is, one process that reads all meets it too, and says what one alone would
        return None
    if len(kinds) > 1 or count != mine.stop:
        return None
    named = {key: (dtype, shape) for key, dtype, shape in next(iter(kinds), ())}
    return _Part(named, most, found, digests.found())


def _smallest(samples: int, most: int) -> Array:
    """Tell which samples have the least random bits, (samples,)."""
    bits = mixed(np.arange(samples), 1)
    return np.asarray(bits <= (np.partition(bits, most - 1)[most - 1] if most < samples else bits.max()))


class _Digests:
    """Digests of samples as they come, `CHUNK` together, beginning with the first of one such."""

    def __init__(self) -> None:
        self._whole: dict[str, list[bytes]] = {}
        self._open: dict[str, Any] = {}
        self._count = 0

    def add(self, batch: Arrays) -> None:
        """Add samples."""
        for key, array in batch.items():
            whole, done = self._whole.setdefault(key, []), 0
            while done < len(array):
                part = array[done : done + CHUNK - (self._count + done) % CHUNK]
                self._open.setdefault(key, hashlib.sha256()).update(np.ascontiguousarray(part).data)
                done += len(part)
                if (self._count + done) % CHUNK == 0:
                    whole.append(self._open.pop(key).digest())
        self._count += len(batch["x"])

    def found(self) -> dict[str, list[bytes]]:
        """Give the digests by the name of the array; the last may be of fewer samples."""
        last = {key: [one.digest()] for key, one in self._open.items()}
        return {key: whole + last.get(key, []) for key, whole in self._whole.items()}


def _digest(parts: Sequence[Mapping[str, list[bytes]]]) -> str:
    """Give the digest of all samples, from those of parts that follow each other."""
    names = dict.fromkeys(chain.from_iterable(parts))
    joined = (b"".join(chain.from_iterable(part.get(name, []) for part in parts)) for name in names)
    return "".join(hashlib.sha256(one).hexdigest() for one in joined)


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
