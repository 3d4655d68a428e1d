"""Some samples of a torch data set, read without the others: as they are among all, or not at all."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch.utils.data import BatchSampler, DataLoader, IterableDataset, SequentialSampler, default_collate
from torch.utils.data import Dataset as TorchDataset

from interp.data.sources.loaders import gives_as_torch, is_shuffled
from interp.errors import DataError


def samples_in_order(loader: DataLoader[Any]) -> int | None:
    """Count the samples that a loader gives one for one, in the order of its data set; None where it may do otherwise.

    Parameters
    ----------
    loader
        Loader of samples; a way of its own to give batches, to make them or to set up workers may do anything.
    """
    dataset = loader.dataset
    is_plain = gives_as_torch(loader) and loader.collate_fn is default_collate and loader.worker_init_fn is None
    if not is_plain or isinstance(dataset, IterableDataset) or not hasattr(dataset, "__len__"):
        return None
    if is_shuffled(loader):
        return len(dataset)
    is_usual = type(loader.sampler) is SequentialSampler and type(loader.batch_sampler) is BatchSampler
    if not is_usual or loader.batch_size is None:  # which a sampler of batches of the user's own leaves open
        return None
    samples = len(loader.sampler)  # type: ignore[arg-type]  # it has a length
    return samples - samples % loader.batch_size if loader.drop_last else samples


def part_of_loader(loader: DataLoader[Any], ranges: Sequence[range], *, is_watched: bool = False) -> Iterable[Any]:
    """Give the batches of some samples of a loader's data set, read by as many workers as it has.

    Parameters
    ----------
    loader
        Loader whose samples `samples_in_order` counts.
    ranges
        Indices of the samples.
    is_watched
        Whether reading is to fail where it draws random numbers; nothing else in the process may draw meanwhile.

    Raises
    ------
    DataError
        From what is given, if it is watched and reading a sample draws from the generators of torch, numpy or Python;
        of a worker another.
    """
    return DataLoader(
        _Watched(loader.dataset) if is_watched else loader.dataset,
        loader.batch_size or 1,
        sampler=_Indices(ranges),
        num_workers=loader.num_workers,
        multiprocessing_context=loader.multiprocessing_context,
    )


class _Indices:
    """Indices of ranges, one after the other."""

    def __init__(self, ranges: Sequence[range]) -> None:
        self._ranges = ranges

    def __iter__(self) -> Iterator[int]:
        return chain.from_iterable(self._ranges)

    def __len__(self) -> int:
        return sum(map(len, self._ranges))


class _Watched(TorchDataset[Any]):
    """Samples of a data set, as long as reading them draws nothing: what is drawn depends on what was read before."""

    def __init__(self, dataset: TorchDataset[Any]) -> None:
        self._dataset = dataset

    def __getitems__(self, indices: list[int]) -> list[Any]:
        """Give the samples of a batch."""
        before, several = _states(), getattr(self._dataset, "__getitems__", None)
        found: list[Any] = several(indices) if several else [self._dataset[index] for index in indices]
        if _states() != before:
            do = "draw by the index of a sample"
            raise DataError(
                type(self._dataset).__name__, found="samples drawn at random", expected="the same ones", do=do
            )
        return found


def _states() -> tuple[Any, ...]:
    """Give the states of the generators that code draws from without a word."""
    kind, keys, *rest = np.random.get_state()  # noqa: NPY002  # the user's code may draw from it
    return torch.get_rng_state().numpy().tobytes(), random.getstate(), kind, np.asarray(keys).tobytes(), *rest
