"""Rows of several files, read as the rows of one table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from interp.types import Array, Rows
from interp.types.arrays import picked


class JoinedRows:
    """Tables with the same columns, one below the other.

    Parameters
    ----------
    parts
        Tables, (L_i, N) each, one at least.

    Examples
    --------
    >>> rows = JoinedRows([np.arange(4).reshape(2, 2), np.arange(4, 10).reshape(3, 2)])
    >>> rows.shape, rows[1:4].tolist(), rows[[0, 4], 1].tolist()
    ((5, 2), [[2, 3], [4, 5], [6, 7]], [1, 9])
    """

    def __init__(self, parts: Sequence[Rows]) -> None:
        self._parts = list(parts)
        self._starts = np.cumsum([0, *(part.shape[0] for part in self._parts)]).tolist()
        self.shape = (self._starts[-1], *self._parts[0].shape[1:])
        self.dtype = np.asarray(self._parts[0][:0]).dtype

    def __len__(self) -> int:
        return int(self.shape[0])

    def __bool__(self) -> bool:
        """Whether all files are open."""
        return all(bool(part) for part in self._parts if not isinstance(part, np.ndarray))

    def __getitem__(self, key: Any) -> Any:
        """Read some rows as numpy would, of one file after the other."""
        rows, *columns = key if isinstance(key, tuple) else (key,)
        if isinstance(rows, slice) and (rows.step or 1) > 0:
            return self._sliced(range(*rows.indices(len(self))), columns)
        return picked(rows, len(self), lambda wanted: self._ascending(wanted, columns))

    def _sliced(self, wanted: range, columns: list[Any]) -> Array:
        """Read rows of one step; those of one file are not copied again."""
        found = [part[(slice(*cut), *columns)] if columns else part[slice(*cut)] for part, cut in self._cuts(wanted)]
        return found[0] if len(found) == 1 else np.concatenate(found)

    def _cuts(self, wanted: range) -> Iterator[tuple[Rows, tuple[int, int, int]]]:
        """Yield the files that hold some of the rows, with the slice of each; the first where there are none."""
        if not wanted:
            yield self._parts[0], (0, 0, 1)
        for part, (start, stop) in zip(self._parts, pairwise(self._starts), strict=True):
            skipped = max(0, -(-(start - wanted.start) // wanted.step))
            here = range(wanted.start + skipped * wanted.step, min(stop, wanted.stop), wanted.step)
            if here:
                yield part, (here.start - start, here.stop - start, here.step)

    def _ascending(self, wanted: Array, columns: list[Any]) -> Array:
        """Read rows whose numbers increase, each from its file."""
        found = [self[:0] if not columns else self[(slice(0, 0), *columns)]]
        for part, (start, stop) in zip(self._parts, pairwise(self._starts), strict=True):
            here = wanted[(start <= wanted) & (wanted < stop)] - start
            if len(here):
                block = _read(part, here)
                found.append(block[(slice(None), *columns)] if columns else block)
        return np.concatenate(found)


def _read(part: Rows, wanted: Array) -> Array:
    """Read rows whose numbers increase; all between them too only where these are no more, which is quicker."""
    first, stop = int(wanted[0]), int(wanted[-1]) + 1
    if stop - first > 2 * len(wanted):
        return np.asarray(part[wanted])
    between: Array = np.asarray(part[first:stop])[wanted - first]
    return between
