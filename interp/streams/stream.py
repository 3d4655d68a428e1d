"""Data that come in batches, as a value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from interp.types import Inference

Batch = Mapping[str, Any]
"""Name of an array, as `interp.load_dataset` knows them (``x``, ``y``) -> values with one row a sample."""

Part = Callable[[Sequence[range]], Iterable[Batch]]
"""Ranges of indices -> batches of these samples alone."""


@dataclass(frozen=True)
class Stream:
    """Data of one split that come in batches; how many is known or not.

    Attributes
    ----------
    name
        Name of the data, in errors.
    batches
        Function that begins the batches anew: arrays by name, such as ``x`` and ``y``, with one row a sample, of one
        shape and type. Of batches that come once, it raises where it is called again.
    samples
        Number of samples of all batches; None where that is not known before they were read.
    names
        Name of a list of names, ``target_names`` or ``feature_names`` -> the names.
    facts
        Name of a fact about how samples are read -> value, confidence and evidence.
    is_once
        Whether batches come once, so that they cannot be begun anew.
    part
        Function that begins the batches of some samples alone, those of ranges of indices, in that order, as they are
        among all; None where they cannot be had without the others.
    watched
        Function as `part` for the first time they are read, while nothing else in the process draws random numbers: it
        fails where samples turn out to depend on which others are read, as those with random draws do; None where they
        do not.
    is_share
        Whether each process of a job gets other samples, so that one's do not stand for all.

    Examples
    --------
    >>> stream = Stream("counts", lambda: ({"x": [[start], [start + 1]]} for start in (0, 2)))
    >>> [batch["x"] for batch in stream.batches()], stream.samples
    ([[[0], [1]], [[2], [3]]], None)
    """

    name: str
    batches: Callable[[], Iterable[Batch]]
    samples: int | None = None
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    facts: Mapping[str, Inference] = field(default_factory=dict)
    is_once: bool = False
    part: Part | None = None
    watched: Part | None = None
    is_share: bool = False
