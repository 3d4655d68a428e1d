"""Torch data sets and loaders -> all of their samples, in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from torch.utils.data import (
    BatchSampler,
    DataLoader,
    DistributedSampler,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    TensorDataset,
)
from torch.utils.data import Dataset as TorchDataset

from interp.data.draws import fixed_draws
from interp.data.found import Found
from interp.data.options import DataOptions
from interp.data.streams.batches import closing_batches, each_as_arrays, named, own_faults
from interp.data.streams.collect import collected
from interp.data.streams.workers import each_once

BATCH = 256
"""Number of samples that are read at once from a data set without a loader."""

GIVING = ("__iter__", "__getattribute__", "_get_iterator", "_index_sampler", "_auto_collation")
"""What a loader of torch makes batches by; a subclass that has another may give anything."""


def from_torch_dataset(dataset: TorchDataset[Any], options: DataOptions) -> Any:
    """Read every sample of a data set, in its own order."""
    if isinstance(dataset, TensorDataset):
        return named(dataset.tensors)
    return from_loader(DataLoader(dataset, batch_size=BATCH), options)


def from_loader(loader: DataLoader[Any], options: DataOptions) -> Found:
    """Read every batch of a loader; one that shuffles is read in the order of its data set, the last batch too.

    Random augmentations of a data set are drawn with seed 0, so that they are the same every time, and the states of
    all generators are restored.

    Parameters
    ----------
    loader
        Loader of samples, inputs alone or with targets.
    options
        Options of reading data; not used.

    Returns
    -------
    Found
        Name of an array -> values of all samples; inputs lie on disk where they would fill memory.

    Raises
    ------
    DataError
        If there is no batch, batches differ in their names or shapes, or the data set fails.
    """
    where = type(loader).__name__
    with own_faults(where), closing_batches(each_as_arrays(where, loader_batches(loader))) as batches:
        return collected(where, batches)


def loader_batches(loader: DataLoader[Any]) -> Iterator[Any]:
    """Yield the batches of a loader, in the order of its data set where torch shuffles them, with draws of seed 0.

    Parameters
    ----------
    loader
        Loader of samples.

    Raises
    ------
    DataError
        If every worker of an `IterableDataset` gave the same batches.
    """
    generators = [getattr(part, "generator", None) for part in (loader, loader.sampler)]
    with fixed_draws(0, generators):
        batches, workers = _in_order(loader), loader.num_workers
        is_in_turn = workers > 1 and gives_as_torch(loader) and getattr(loader, "in_order", True)
        if is_in_turn and isinstance(loader.dataset, IterableDataset):
            batches = each_once(type(loader).__name__, batches, workers)
        yield from batches


def is_shuffled(loader: DataLoader[Any]) -> bool:
    """Tell whether a loader draws each sample once, in random order, and gives it as torch's own loader does.

    Parameters
    ----------
    loader
        Loader of samples.
    """
    shuffles = type(loader.sampler) is RandomSampler and not loader.sampler.replacement and _draws_all(loader)
    return shuffles and type(loader.batch_sampler) is BatchSampler and gives_as_torch(loader)


def _draws_all(loader: DataLoader[Any]) -> bool:
    """Whether a random sampler draws as many as there are: ``num_samples`` may say fewer, or more in several rounds."""
    count = len(loader.dataset)  # type: ignore[arg-type]  # sampled by index: it has a length
    return loader.sampler.num_samples == len(loader.sampler.data_source) == count  # type: ignore[attr-defined,no-any-return]


def gives_as_torch(loader: DataLoader[Any]) -> bool:
    """Tell whether the batches of a loader are those of torch's own one, so that another one gives them too.

    A subclass may change them on their way, or give others: only it can be asked for them.

    Parameters
    ----------
    loader
        Loader of samples.
    """
    kind = type(loader)
    return not any(getattr(kind, name) is not getattr(DataLoader, name) or name in vars(loader) for name in GIVING)


def is_share(loader: DataLoader[Any]) -> bool:
    """Tell whether a loader gives each process of a job other samples.

    Parameters
    ----------
    loader
        Loader of samples.
    """
    samplers = (loader.sampler, loader.batch_sampler, getattr(loader.batch_sampler, "sampler", None))
    return any(isinstance(sampler, DistributedSampler) for sampler in samplers)


def _in_order(loader: DataLoader[Any]) -> Iterable[Any]:
    """Give a loader that does not shuffle; any other sampler is the user's choice of samples, and stays."""
    if not is_shuffled(loader):
        return loader
    return DataLoader(
        loader.dataset,
        loader.batch_size,
        sampler=SequentialSampler(loader.dataset),  # type: ignore[arg-type]  # shuffled before: it has a length
        num_workers=loader.num_workers,
        collate_fn=loader.collate_fn,
        worker_init_fn=loader.worker_init_fn,
        multiprocessing_context=loader.multiprocessing_context,
    )
