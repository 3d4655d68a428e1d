"""Arrays by name -> Dataset, checked."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from interp.data.arrays import as_array
from interp.data.finite import check_finite
from interp.data.found import facts_of
from interp.data.images.orders import LAST, is_channels_last
from interp.data.lengths import checked_lengths, padded, same_steps
from interp.data.several import check_alike, joined, other_arrays
from interp.data.targets import read_targets
from interp.data.words import LABEL_KEYS, numbered_labels
from interp.errors import DataError
from interp.streams import RowsOnDisk, flat_rows, row_blocks
from interp.types import Array, Dataset, Inference, InputPart, Split
from interp.types.data import LENGTHS

INPUT_KEYS = ("x", "X", "inputs", "data", "images", "features")
LENGTH_KEYS = (LENGTHS, "length", "lens")
NAMES = ("target_names", "feature_names")


def from_mapping(spec: str, content: Mapping[str, Any]) -> Dataset:
    """Make a data set of arrays under the usual names: ``x_train``, ``y_train``, ``x_test``, ``y_test``; ``x``, ``y``.

    Sequences that are padded to one length are described by ``lengths_train``, ``lengths_test`` or ``lengths``, the
    number of each sample's own time steps. Where no array has a usual name of inputs, but there are several others
    beside the targets, these are the several inputs of a network. Names of classes and of columns go by scikit-learn's
    names, ``target_names`` and ``feature_names``.

    Parameters
    ----------
    spec
        Name of the data, on the page and in errors.
    content
        Arrays, tensors or lists by name; entries that are None are left out.

    Returns
    -------
    Dataset
        Splits with inputs of one row a sample, and what is known of them.

    Raises
    ------
    DataError
        If inputs are missing, no numbers or not finite, or there is not one target for each of them.

    Examples
    --------
    >>> from_mapping("mine", {"x": [[0.5, 1.0], [1.5, 0.0]], "y": [0, 1]}).classes
    ('0', '1')
    """
    given = {str(name): values for name, values in content.items() if values is not None}
    given, worded = numbered_labels(spec, same_steps(given))
    facts = facts_of(content) | worded
    splits = {}
    shape: tuple[int, ...] = ()
    parts: tuple[InputPart, ...] = ()
    for split, ends in (("train", ("_train", "")), ("test", ("_test",))):
        where = f"{spec} ({split})"
        inputs, found = _inputs(where, given, ends)
        if inputs is None:
            continue
        if not found and is_channels_last(inputs.shape[1:]):
            inputs, facts = np.moveaxis(inputs, -1, 1), facts | LAST
        check_alike(spec, parts, found)
        parts = found
        one = _split(where, inputs, _pick(where, given, LABEL_KEYS, ends))
        splits[split] = replace(one, lengths=inputs[:, -1].astype(np.int64)) if padded(parts) else one
        shape = inputs.shape[1:]
    if "train" not in splits:
        raise DataError(
            spec,
            found=f"arrays {', '.join(given) or 'none'}",
            expected="x_train, y_train, x_test, y_test, or x and y",
            do="rename them",
        )
    widths = {part.inputs.shape[1] for part in splits.values()}
    if len(widths) > 1:
        raise DataError(
            spec, found=f"inputs of {sorted(widths)} values", expected="one width", do="make the splits alike"
        )
    splits = _alike(spec, splits)
    image_shape = _image_shape(shape)
    whole = dataset_of(
        spec,
        splits,
        image_shape=image_shape,
        classes=_classes(spec, splits, _names(spec, given, "target_names")),
        features=_features(spec, _names(spec, given, "feature_names"), splits["train"].inputs.shape[1]),
        parts=parts,
        facts=facts,
    )
    return replace(whole, sample_shape=shape if image_shape is None and len(shape) > 1 else None)


def _inputs(where: str, given: Mapping[str, Any], ends: tuple[str, ...]) -> tuple[Array | None, tuple[InputPart, ...]]:
    """Find the inputs of a split: one array, or several side by side with a description of each; None without any."""
    inputs = _pick(where, given, INPUT_KEYS, ends)
    lengths = None if inputs is None else _pick(where, given, LENGTH_KEYS, ends)
    if inputs is not None and lengths is not None:
        return joined(where, {"x": inputs, LENGTHS: checked_lengths(where, lengths, inputs)})
    several = other_arrays(given, (*INPUT_KEYS, *LABEL_KEYS, *NAMES), ends) if inputs is None else {}
    if len(several) < 2:
        return inputs, ()
    return joined(where, {name: as_array(f"{where}, {name}", values) for name, values in several.items()})


def _pick(where: str, given: Mapping[str, Any], stems: tuple[str, ...], ends: tuple[str, ...]) -> Array | None:
    name = next((stem + end for end in ends for stem in stems if stem + end in given), None)
    return None if name is None else as_array(f"{where}, {name}", given[name])


def _names(spec: str, given: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Read names of classes or columns; gives none where there are none."""
    names = given.get(key, ())
    if isinstance(names, str) or not isinstance(names, Sequence | np.ndarray) or np.ndim(names) != 1:
        raise DataError(spec, found=f"{key} {names!r}", expected="a list of names", do="give one, or leave it out")
    return tuple(str(name) for name in names)


def _classes(spec: str, splits: Mapping[str, Split], names: tuple[str, ...]) -> tuple[str, ...]:
    """Name the classes, by their numbers where names are not given; gives none without class indices."""
    labels = splits["train"].labels
    if labels is None:
        return ()
    count = int(labels.max()) + 1
    if len(names) == count - 1 and labels.min() == 1:  # labels from 1
        return ("0", *names)
    if names and len(names) < count:
        raise DataError(
            spec,
            found=f"{len(names)} target_names and labels up to {count - 1}",
            expected="a name for each class",
            do="name them all, or leave target_names out",
        )
    return names or tuple(str(i) for i in range(count))


def _features(spec: str, names: tuple[str, ...], width: int) -> tuple[str, ...]:
    if names and len(names) != width:
        raise DataError(
            spec,
            found=f"{len(names)} feature_names of {width} columns",
            expected="one a column",
            do="name them all, or leave feature_names out",
        )
    return names


def _split(where: str, inputs: Array, labels: Array | None) -> Split:
    if inputs.dtype.kind not in "biuf" or inputs.ndim < 2 or inputs.size == 0:
        raise DataError(
            where,
            found=f"inputs of shape {inputs.shape} and type {inputs.dtype}",
            expected="numbers, one row a sample",
            do="give an array of at least two dimensions",
        )
    flat = flat_rows(inputs)
    if not (isinstance(flat, RowsOnDisk) and flat.is_as_written):  # those were seen before they were written
        check_finite(where, flat)
    return Split(flat, *((None, None) if labels is None else read_targets(where, labels, len(flat))))


def _alike(spec: str, splits: dict[str, Split]) -> dict[str, Split]:
    """Read the targets of all splits as one where their kinds differ: a few rows of several labels may look one-hot."""
    tables = {name: split.targets for name, split in splits.items() if split.targets is not None}
    columns = max((table.shape[1] for table in tables.values()), default=1)
    indices = {name: split.labels for name, split in splits.items() if split.labels is not None}
    if not (tables and indices):
        return splits
    if columns > 1 and (most := max(int(one.max()) for one in indices.values())) >= columns:
        raise DataError(
            spec,
            found=f"{columns} columns of targets in one split, and labels up to {most} in another",
            expected="targets of one kind",
            do="give the same columns to every split",
        )
    labels = {name: _table(one, columns) for name, one in indices.items()}
    known = tables | labels
    _, targets = read_targets(spec, np.concatenate(list(known.values())), sum(map(len, known.values())))
    assert targets is not None
    parts = dict(zip(known, np.split(targets, np.cumsum([len(table) for table in known.values()])), strict=False))
    return {name: replace(split, labels=None, targets=parts.get(name)) for name, split in splits.items()}


def _table(labels: Array, columns: int) -> Array:
    """Turn class indices back into the table they were read from: one column, or one-hot rows."""
    return labels[:, None] if columns == 1 else np.eye(columns)[labels]


def _image_shape(shape: tuple[int, ...]) -> tuple[int, int, int] | None:
    """Read (H, W), or (C, H, W) of one or three channels; any other shape is no image."""
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
    facts: Mapping[str, Inference] | None = None,
) -> Dataset:
    """Make a data set of splits, with its digest.

    Parameters
    ----------
    name
        Name of the data, on the page and in errors.
    splits
        Name of a split -> inputs, and labels or targets.
    image_shape
        Channels, height and width of an image; None where inputs are no images.
    classes
        Names of the classes; none without class indices.
    features
        Names of the input columns; none where they have none.
    root
        Folder that the data were read from; None where there is none.
    parts
        Name and shape of each of several inputs; none where there is one.
    facts
        Facts about how inputs and labels were read; None for none.

    Returns
    -------
    Dataset
        Data set whose digest is the SHA-256 of all arrays, with their shapes and types.

    Examples
    --------
    >>> rows = Split(np.zeros((2, 3)), np.array([0, 1]))
    >>> len(dataset_of("mine", {"train": rows}, image_shape=None, classes=("0", "1")).digest)
    64
    """
    digest = hashlib.sha256()
    for part in splits.values():
        for array in (part.inputs, part.labels, part.targets):
            if array is not None:
                digest.update(f"{array.shape}{array.dtype}".encode())
                for block in row_blocks(array):
                    digest.update(np.ascontiguousarray(block).data)
    if parts:
        digest.update(repr(parts).encode())  # the repr of an `InputPart` is that of a plain dataclass
    return Dataset(name, dict(splits), image_shape, classes, features, digest.hexdigest(), root, parts, facts or {})
