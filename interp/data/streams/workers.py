"""Workers of a loader that all give the same samples: torch does not divide an `IterableDataset` over them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any

from interp.data.streams.batches import arrays_of
from interp.errors import DataError


def each_once(where: str, batches: Iterable[Any], workers: int) -> Iterator[Any]:
    """Yield batches that come from workers in turn, and refuse them at their end where every worker gave the same.

    Batches are compared until two of one turn differ, which is at once where data are divided.

    Parameters
    ----------
    where
        Name of the data in errors.
    batches
        Batches, one of each worker in turn, as torch's loader gives them.
    workers
        Number of workers, 2 or more.

    Raises
    ------
    DataError
        If all batches of each turn are equal, so that every sample came once from each worker.

    Examples
    --------
    >>> list(each_once("mine", [1, 2, 3, 3], 2))
    [1, 2, 3, 3]
    >>> list(each_once("mine", [1, 1, 3, 3], 2))
    Traceback (most recent call last):
    interp.errors.DataError: mine: found every batch 2 times, once from each worker; expected data that are divided ...
    """
    are_alike, first, count = True, "", 0
    for batch in batches:
        if are_alike:
            own = _digest(where, batch)
            first = own if count % workers == 0 else first
            are_alike = own == first
        count += 1
        yield batch
    if are_alike and count and count % workers == 0:
        raise DataError(
            where,
            found=f"every batch {workers} times, once from each worker",
            expected="data that are divided over the workers, which torch does not do of an IterableDataset",
            do="let its __iter__ go by torch.utils.data.get_worker_info(), or pass num_workers=0",
        )


def _digest(where: str, batch: Any) -> str:
    found = sha256()
    for name, array in arrays_of(where, batch).items():
        found.update(f"{name}{array.dtype}{array.shape}".encode() + array.tobytes())
    return found.hexdigest()
