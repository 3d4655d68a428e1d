"""Data sets of the datasets library (Hugging Face) as streams, those that it streams itself too."""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from interp.data.options import DataOptions
from interp.data.sources.split_names import named_splits
from interp.data.sources.tables.frames import target_column
from interp.data.sources.tables.tokens import padded_tokens, token_columns
from interp.errors import DataError
from interp.streams import Stream

BATCH = 256
"""Number of samples that are read at once."""

MODULES = ("datasets.arrow_dataset", "datasets.iterable_dataset", "datasets.dataset_dict")
"""Modules of the datasets library that its data sets are of: a user's own module may be called ``datasets`` too."""


class HuggingFace(ABC):  # noqa: B024  # it is asked what belongs to it, and has nothing of its own
    """Whatever is of a type of the datasets library, which need not be installed."""

    @classmethod
    def __subclasshook__(cls, kind: type, /) -> bool:
        return any(one.__module__ in MODULES for one in kind.__mro__)


def hugging_face_stream(source: Any, options: DataOptions) -> Stream | dict[str, Stream]:
    """Take the rows of a data set of the datasets library, which may itself be streamed; of several splits, each."""
    if isinstance(source, Mapping):
        return {split: _of_data_set(part, options) for split, part in named_splits(source.get).items()}
    return _of_data_set(source, options)


def _of_data_set(source: Any, options: DataOptions) -> Stream:
    where = f"{type(source).__name__} in memory"
    features = dict(source.features or {})
    names = {name: tuple(map(str, kind.names)) for name, kind in features.items() if hasattr(kind, "names")}
    samples = len(source) if hasattr(source, "__len__") else None

    def rows(of: Any = source) -> Iterator[Mapping[str, Any]]:
        yield from of.with_format("numpy").iter(batch_size=BATCH)

    columns = list(features) or list(next(rows(), {}))
    if not columns:
        raise DataError(where, found="no rows", expected="one row a sample", do="give the whole data set")
    target = target_column(columns, options.target or next((name for name in names if name in columns), None))
    others = [name for name in columns if name != target]
    tokens = token_columns(others)
    inputs = tokens if len(tokens) > 1 else others

    def arrays(batch: Mapping[str, Any]) -> dict[str, Any]:
        targets = {} if target is None else {"y": np.asarray(batch[target])}
        if inputs is tokens:
            return {**padded_tokens(where, {name: batch[name] for name in tokens}), **targets}
        return {"x": _inputs(where, batch, inputs), **targets}

    def part(ranges: Sequence[range]) -> Iterator[dict[str, Any]]:
        for one in ranges:
            yield from map(arrays, rows(source.select(one)))

    listed = {"feature_names": tuple(inputs)} if len(inputs) > 1 and inputs is not tokens else {}
    listed |= {"target_names": names[target]} if target in names else {}
    is_indexed = samples is not None and hasattr(source, "select")
    return Stream(where, lambda: map(arrays, rows()), samples, names=listed, part=part if is_indexed else None)


def _inputs(where: str, batch: Mapping[str, Any], columns: list[str]) -> Any:
    """Give one column of arrays or images as it is; several columns of numbers side by side."""
    if len(columns) == 1:
        return batch[columns[0]]
    parts = [np.asarray(batch[name]) for name in columns]
    fits = (part.ndim == 1 and part.dtype.kind in "biuf" for part in parts)
    odd = next((name for name, fit in zip(columns, fits, strict=True) if not fit), None)
    if odd is not None:
        raise DataError(
            where,
            found=f"columns {', '.join(columns)}, of which {odd!r} is no number a row",
            expected="one column of images or arrays, or several of numbers, beside the target",
            do="select_columns(...) of the inputs and the target",
        )
    return np.stack([part.astype(np.float64) for part in parts], axis=1)
