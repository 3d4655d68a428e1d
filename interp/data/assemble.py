"""Arrays by name -> Dataset, checked."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from interp.data.several import check_alike, joined, other_arrays
from interp.data.targets import read_targets
from interp.errors import DataError
from interp.types import Array, Dataset, InputPart, Split

_INPUT_KEYS = ("x", "X", "inputs", "data", "images", "features")
_LABEL_KEYS = ("y", "Y", "labels", "targets", "target", "label")


def from_mapping(
    spec: str, arrays: Mapping[str, Array], classes: tuple[str, ...] = (), features: tuple[str, ...] = ()
) -> Dataset:
    """Make a data set of arrays under the usual names: ``x_train``, ``y_train``, ``x_test``, ``y_test``; ``x``, ``y``.

    Where no array has a usual name of inputs, but several stand beside the targets, they are the several inputs
    of a network.

    Raises
    ------
    DataError
        If inputs are missing, no numbers or not finite, or targets do not belong to them.
    """
    splits = {}
    shape: tuple[int, ...] = ()
    parts: tuple[InputPart, ...] = ()
    for split, ends in (("train", ("_train", "")), ("test", ("_test",))):
        inputs = _pick(arrays, _INPUT_KEYS, ends)
        labels = _pick(arrays, _LABEL_KEYS, ends)
        if inputs is None and len(several := other_arrays(arrays, _INPUT_KEYS + _LABEL_KEYS, ends)) > 1:
            inputs, found = joined(f"{spec} ({split})", several)
            check_alike(spec, parts, found)
            parts = found
        if inputs is None:
            continue
        splits[split] = _split(f"{spec} ({split})", inputs, labels)
        shape = inputs.shape[1:]
    if "train" not in splits:
        raise DataError(
            spec,
            found=f"arrays {', '.join(arrays) or 'none'}",
            expected="x_train, y_train, x_test, y_test, or x and y",
            do="rename them",
        )
    widths = {part.inputs.shape[1] for part in splits.values()}
    if len(widths) > 1:
        raise DataError(
            spec, found=f"inputs of {sorted(widths)} values", expected="one width", do="make the splits alike"
        )
    splits = _alike(spec, splits)
    labels = splits["train"].labels
    if labels is None:
        classes = ()
    elif not classes:
        classes = tuple(str(i) for i in range(int(labels.max()) + 1))
    return dataset_of(spec, splits, image_shape=_image_shape(shape), classes=classes, features=features, parts=parts)


def _pick(arrays: Mapping[str, Array], stems: tuple[str, ...], ends: tuple[str, ...]) -> Array | None:
    return next((arrays[stem + end] for end in ends for stem in stems if stem + end in arrays), None)


def _split(where: str, inputs: Array, labels: Array | None) -> Split:
    if inputs.dtype.kind not in "biuf" or inputs.ndim < 2 or inputs.size == 0:
        raise DataError(
            where,
            found=f"inputs of shape {inputs.shape} and type {inputs.dtype}",
            expected="numbers, one row a sample",
            do="give an array of at least two dimensions",
        )
    flat = inputs.reshape(len(inputs), -1)
    usable = np.abs(flat) < np.finfo(np.float32).max if flat.dtype.kind == "f" else np.ones((), bool)
    if not usable.all():
        row = int(np.argwhere(~usable)[0, 0])
        raise DataError(
            where,
            found=f"a value that is not finite in 32 bits in row {row}",
            expected="finite inputs",
            do="clean the data",
        )
    return Split(flat, *((None, None) if labels is None else read_targets(where, labels, len(flat))))


def _alike(spec: str, splits: dict[str, Split]) -> dict[str, Split]:
    """Read all splits' targets as one where they differ in kind: a few rows of several labels may look one-hot."""
    tables = {name: split.targets for name, split in splits.items() if split.targets is not None}
    columns = max((table.shape[1] for table in tables.values()), default=1)
    labels = {name: _table(split.labels, columns) for name, split in splits.items() if split.labels is not None}
    if not (tables and labels):
        return splits
    known = tables | labels
    _, targets = read_targets(spec, np.concatenate(list(known.values())), sum(map(len, known.values())))
    assert targets is not None
    parts = dict(zip(known, np.split(targets, np.cumsum([len(table) for table in known.values()])), strict=False))
    return {name: Split(split.inputs, None, parts.get(name)) for name, split in splits.items()}


def _table(labels: Array, columns: int) -> Array:
    """Turn class indices back into what they were read from: one column, or one-hot rows."""
    return labels[:, None] if columns == 1 else np.eye(columns)[labels]


def _image_shape(shape: tuple[int, ...]) -> tuple[int, int, int] | None:
    """Read (H, W) or (C, H, W) of one or three channels; anything else, channels last too, is no image."""
    if len(shape) == 2:
        return (1, shape[0], shape[1])
    if len(shape) == 3 and shape[0] in (1, 3):
        return (shape[0], shape[1], shape[2])
    return None


def dataset_of(
    name: str,
    splits: Mapping[str, Split],
    *,
    image_shape: tuple[int, int, int] | None,
    classes: tuple[str, ...],
    features: tuple[str, ...] = (),
    root: str | None = None,
    parts: tuple[InputPart, ...] = (),
) -> Dataset:
    """Put splits together with what is known of them, and take their digest."""
    digest = hashlib.sha256()
    for part in splits.values():
        for array in (part.inputs, part.labels, part.targets):
            if array is not None:
                digest.update(f"{array.shape}{array.dtype}".encode())
                digest.update(np.ascontiguousarray(array).data)
    if parts:
        digest.update(repr(parts).encode())
    return Dataset(name, dict(splits), image_shape, classes, features, digest.hexdigest(), root, parts)


def existing(spec: str) -> Path:
    """Give the path of a file that is there."""
    path = Path(spec)
    if not path.is_file():
        raise DataError(path, found="no such file", expected="a data file", do="check the path")
    return path
