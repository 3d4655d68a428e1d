"""Torch data sets and loaders -> all of their samples, in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, SequentialSampler, TensorDataset
from torch.utils.data import Dataset as TorchDataset

from interp.data.arrays import as_array
from interp.data.draws import fixed_draws
from interp.data.options import DataOptions
from interp.data.sources.memory import named_inputs
from interp.errors import DataError, InterpError
from interp.safety import problem
from interp.types import Array
from interp.types.data import LENGTHS

BATCH = 256
"""Number of samples that are read at once from a data set without a loader."""


def from_torch_dataset(dataset: TorchDataset[Any], options: DataOptions) -> Any:
    """Read every sample of a data set, in its own order."""
    if isinstance(dataset, TensorDataset):
        return _named(dataset.tensors)
    return from_loader(DataLoader(dataset, batch_size=BATCH), options)


def from_loader(loader: DataLoader[Any], options: DataOptions) -> dict[str, Any]:
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
    dict
        Name of an array -> values of all samples.

    Raises
    ------
    DataError
        If there is no batch, batches differ in their names or shapes, or the data set fails.
    """
    where = type(loader).__name__
    generators = [getattr(part, "generator", None) for part in (loader, loader.sampler)]
    try:
        with fixed_draws(0, generators):
            batches = [_arrays(where, batch) for batch in _in_order(loader)]
    except InterpError:
        raise
    except Exception as error:  # the user's data set fails in its own way
        raise DataError(
            where,
            found=f"samples that cannot be read: {problem(error)}",
            expected="tensors, numbers or arrays, alike in every sample",
            do="give the data set a transform such as ToTensor, or the loader a collate_fn",
        ) from error
    if not batches:
        raise DataError(where, found="no samples", expected="at least one", do="give the whole data set")
    return _joined(where, _padded(batches))


def _padded(batches: list[dict[str, Array]]) -> list[dict[str, Array]]:
    """Pad sequences with zeros to one length where lengths are told, which may be the second of two inputs."""
    if all(_second_is_lengths(batch) for batch in batches):
        names = {"input0": "x", "input1": LENGTHS}
        batches = [{names.get(name, name): array for name, array in batch.items()} for batch in batches]
    if not all({"x", LENGTHS} <= batch.keys() and batch["x"].ndim > 1 for batch in batches):
        return batches
    longest = max(batch["x"].shape[1] for batch in batches)
    return [{**batch, "x": _longer(batch["x"], longest)} for batch in batches]


def _second_is_lengths(batch: dict[str, Array]) -> bool:
    """Whether whole numbers beside sequences go up to just the number of their steps."""
    if batch.keys() != {"input0", "input1", "y"}:
        return False
    x, lengths = batch["input0"], batch["input1"]
    is_one_each = x.ndim in (2, 3) and lengths.shape == x.shape[:1] and lengths.dtype.kind in "iu"
    return is_one_each and lengths.min() >= 1 and lengths.max() == x.shape[1]


def _longer(sequences: Array, steps: int) -> Array:
    after = [(0, 0), (0, steps - sequences.shape[1]), *((0, 0) for _ in sequences.shape[2:])]
    return np.pad(sequences, after)


def _in_order(loader: DataLoader[Any]) -> Iterable[Any]:
    """Give a loader that does not shuffle; any other sampler is the user's choice of samples, and stays."""
    shuffles = isinstance(loader.sampler, RandomSampler) and not loader.sampler.replacement
    if not shuffles or type(loader.batch_sampler) is not BatchSampler:
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


def _arrays(where: str, batch: Any) -> dict[str, Array]:
    return {name: as_array(f"{where}, {name}", values) for name, values in _named(batch).items()}


def _named(batch: Any) -> dict[str, Any]:
    """Name the parts of a batch: by its own keys; as inputs alone; or as one or several inputs with targets last."""
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


def _joined(where: str, batches: list[dict[str, Array]]) -> dict[str, Array]:
    """Concatenate batches."""
    kinds = {tuple((name, array.shape[1:]) for name, array in batch.items()) for batch in batches}
    if len(kinds) > 1 or any(array.ndim == 0 for array in batches[0].values()):
        raise DataError(
            where,
            found=f"batches of {len(kinds)} kinds" if len(kinds) > 1 else "batches of single numbers",
            expected="arrays with one row a sample, alike in every batch",
            do="give the loader a collate_fn that pads them",
        )
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}
