"""Recordings on disk, read without loading.

Layout: ``/provenance``, ``/layers``, and for each split ``labels``, ``predictions`` and
``z/LAYER/{values, checksums, position, output_range, output_mean, active_share}``; no checksums before version 4; and
``z/LAYER/rounding`` where values are stored as another type than float32, and ``kept`` where samples are left out.
Values may be packed, a block of rows at a time (`interp.store.codec`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

import h5py
import numpy as np

from interp.errors import MismatchError, unknown_name
from interp.store.blocks import CheckedRows, block_count
from interp.store.codec.rows import CODEC, rows_on_disk
from interp.store.elements import read_element
from interp.store.files import RECORDING, opened, provenance_of
from interp.store.packed import is_packed
from interp.store.precision.forward import ForwardSums, merged_loss, read_forward
from interp.store.precision.kinds import KINDS, Kind
from interp.store.precision.rounding import ROUNDED, ROUNDING, SUMS
from interp.store.sampled.kept import read_kept
from interp.types import Array, NodeLayer, Recording, Rows
from interp.types.annotations.edge import checked
from interp.types.annotations.fields import field_types
from interp.types.annotations.held import check_value

ENCODING = RECORDING
REMEDY = "python -m interp record"
OUTPUT_STATISTICS = ("output_range", "output_mean", "active_share")
STORED_AS = "stored-as"
"""Attribute of a layer whose values are stored as another type than float32: the type's name."""

MOST_CLASSES = 2**20
"""Number of classes that no data have: moments are kept of each up to the last, so that one label fills memory."""


@checked
def open_recording(path: str | Path, split: str = "train") -> Recording:
    """Open one split of a recording; close it, or use it in a ``with`` block.

    Parameters
    ----------
    path
        Path of the file.
    split
        Name of the split.

    Returns
    -------
    Recording
        Pre-activations of all layers, read from the file as they are asked for.

    Raises
    ------
    MismatchError
        If the file is missing, damaged, or of another version; also from the recording's rows, where values that are
        read are not as they were written.
    UsageError
        If it has no such split.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from interp.store import RecordingWriter
    >>> from interp.types import Provenance
    >>> layers = (NodeLayer("fc1", "linear", 2, 4, "relu", "fc1"),)
    >>> z = np.arange(6).reshape(3, 2)
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "activations.h5")
    ...     made_of = Provenance("ab", "cd", 0, {}, {})
    ...     with RecordingWriter(path, layers, {"train": 3}, {"fc1": 1}, made_of, labelled=["train"]) as writer:
    ...         writer.write("train", 0, np.array([0, 1, 1]), {"fc1": (z, np.empty(0))})
    ...         writer.summarise("train", np.array([0, 1, 0]), {"fc1": (np.ones((2, 2)), np.ones(2), np.ones(2))})
    ...     with open_recording(path) as recording:
    ...         recording.z["fc1"][2:], recording.row_labels("fc1")
    (array([[4., 5.]], dtype=float32), array([0, 1, 0]))
    """
    path = Path(path)
    with opened(path, ENCODING, REMEDY) as file:
        layers, provenance = read_element(file["layers"]), provenance_of(file)
        if split not in file:
            raise unknown_name("split", split, _splits(file))
        known = _known_of_split(file[split], layers)
        _check_shapes(file[split], layers, known)
    file = h5py.File(path, "r")
    return Recording(
        split=split,
        layers=layers,
        z={layer.name: _rows(path, file[split], layer.name) for layer in layers},
        provenance=provenance,
        close=file.close,
        **known,
    )


def recorded_splits(path: str | Path) -> tuple[str, ...]:
    """Give the names of the splits that a recording holds, the training split first.

    Parameters
    ----------
    path
        Path of the file.

    Raises
    ------
    MismatchError
        If the file is missing, damaged, or of another version.

    Examples
    --------
    >>> recorded_splits("a.h5")
    Traceback (most recent call last):
    ...
    interp.errors.MismatchError: a.h5: found no such file; expected a file of results; run `python -m interp record`
    """
    with opened(Path(path), ENCODING, REMEDY, is_sealed=False) as file:
        return tuple(sorted(_splits(file), key=lambda name: (name != "train", name)))


def check_recording(path: Path) -> None:
    """Read all recorded values, and compare them with their checksums.

    Parameters
    ----------
    path
        Path of the file.

    Raises
    ------
    MismatchError
        If the file is missing, damaged, or of another version; it names the first block that is not as it was written.

    Examples
    --------
    >>> check_recording(Path("a.h5"))
    Traceback (most recent call last):
    ...
    interp.errors.MismatchError: a.h5: found no such file; expected a file of results; run `python -m interp record`
    """
    with opened(path, ENCODING, REMEDY) as file:
        for split in _splits(file):
            for layer in read_element(file["layers"]):
                rows = _rows(path, file[split], layer.name)
                if isinstance(rows, CheckedRows):
                    rows.check()


def read_rounding_sums(path: Path, split: str) -> dict[str, Array]:
    """Read the sums that what rounding has cost follows from.

    Parameters
    ----------
    path
        Path of a file whose values are stored as another type than float32.
    split
        Name of the split.

    Returns
    -------
    dict
        Layer name -> sums over the rows of the split, (4, N); see `interp.store.precision.rounding`.

    Raises
    ------
    MismatchError
        If the file is missing, damaged, or of another version.
    """
    with opened(path, ENCODING, REMEDY, is_sealed=False) as file:
        group = file[split]
        here = ROUNDED.place(group, len(group["predictions"]))
        return {layer.name: group["z"][layer.name][SUMS][here] for layer in read_element(file["layers"])}


def read_forward_sums(path: Path, split: str) -> tuple[str, ForwardSums] | None:
    """Read what the difference of forward passes from float32 follows from; None where they were computed in float32.

    Parameters
    ----------
    path
        Path of the file.
    split
        Name of the split.

    Raises
    ------
    MismatchError
        If the file is missing, damaged, or of another version.
    """
    with opened(path, ENCODING, REMEDY, is_sealed=False) as file:
        return read_forward(file[split], read_element(file["layers"]))


def _splits(file: h5py.File) -> list[str]:
    return [name for name in file if name not in ("layers", "provenance")]


def _rows(path: Path, group: h5py.Group, layer: str) -> Rows:
    """Give the rows of a layer, checked where their checksums are known: since version 4."""
    part, split = group["z"][layer], group.name.strip("/")

    def damaged(block: int, first: int, last: int) -> MismatchError:
        blocks = f"block {block:,} of {block_count(len(part['values'])):,}"
        found = f"damaged values of {layer}, {blocks}, rows {first:,} to {last:,} of {split}"
        return MismatchError(path, found=found, expected="what was recorded", do=f"run `{REMEDY}`")

    values = rows_on_disk(part["values"], damaged)
    return CheckedRows(values, part["checksums"], damaged, kind_of(part)) if "checksums" in part else values


def kind_of(part: h5py.Group) -> Kind:
    """Tell how the values of a layer are stored.

    Parameters
    ----------
    part
        HDF5 group of the layer.

    Raises
    ------
    ValueError
        If their type is not the one that is stated.
    """
    kind = KINDS[str(part.attrs.get(STORED_AS, "float32"))]
    if part["values"].dtype != kind.dtype:
        raise ValueError(f"{part['values'].dtype} where {kind.dtype} is stated")
    return kind


def codec_of(part: h5py.Group) -> str:
    """Tell how the values of a layer are packed.

    Parameters
    ----------
    part
        HDF5 group of the layer.

    Raises
    ------
    ValueError
        If they are packed in another way than is stated.
    """
    stated, found = str(part.attrs.get(CODEC, "none")), "gzip" if is_packed(part["values"].id) else "none"
    if stated != found:
        raise ValueError(f"{found} where {stated} is stated")
    return found


def _check_shapes(group: h5py.Group, layers: tuple[NodeLayer, ...], known: Mapping[str, Any]) -> None:
    """Raise `ValueError` where what is recorded of a split does not belong together."""
    samples, labels = len(known["predictions"]), known["labels"]
    done = group["progress"][()]
    if not all(isinstance(layer, NodeLayer) for layer in layers) or not np.array_equal(done, [samples]):
        raise ValueError("layers or inputs are missing")
    values = {"z": {layer.name: group["z"][layer.name]["values"] for layer in layers}, **known}
    for field, expected in field_types(Recording).items():
        if field in ("labels", "predictions", "kept"):
            check_value(field, values[field], expected, {"S": samples})
    if labels is not None and labels.max(initial=0) >= MOST_CLASSES:
        raise ValueError(f"a label of {labels.max():,}")
    for layer in layers:
        _check_layer(layer, values)
        part = group["z"][layer.name]
        kind_of(part)
        codec_of(part)
        if "checksums" in part and part["checksums"].shape != (block_count(len(part["values"])),):
            raise ValueError(f"{len(part['checksums'])} checksums of {layer.name}")


def _check_layer(layer: NodeLayer, values: Mapping[str, Any]) -> None:
    """Hold what was recorded of one layer against the fields of `Recording`."""
    lengths = {"N": layer.nodes, "L": len(values["sample"][layer.name])}
    for field, expected in field_types(Recording).items():
        if field in values and get_origin(expected) is Mapping:
            check_value(f"{field} of {layer.name}", values[field][layer.name], get_args(expected)[1], lengths)


def _known_of_split(group: h5py.Group, layers: tuple[NodeLayer, ...]) -> dict[str, Any]:
    """Read all of a split but its values."""
    parts = {layer.name: group["z"][layer.name] for layer in layers}
    kept, rule = read_kept(group)
    samples = np.arange(len(group["predictions"])) if kept is None else kept
    return {
        "sample": {name: _repeated(samples, _positions(part, len(samples))) for name, part in parts.items()},
        "position": {
            name: part["position"][()] if "position" in part else np.empty(0, np.int32) for name, part in parts.items()
        },
        **{key: {name: part[key][()] for name, part in parts.items()} for key in OUTPUT_STATISTICS},
        **_rounding(parts),
        "codec": "gzip" if any(codec_of(part) == "gzip" for part in parts.values()) else "none",
        "forward": merged_loss([read_forward(group, layers)]),
        "labels": group["labels"][()] if "labels" in group else None,
        "predictions": group["predictions"][()],
        "kept": kept,
        "kept_by": rule,
    }


def _rounding(parts: Mapping[str, h5py.Group]) -> dict[str, Any]:
    """Give what storing values in fewer bits has cost; nothing where they are stored as they are."""
    kinds = {kind_of(part).name for part in parts.values()}
    if kinds <= {"float32"}:
        return {}
    if len(kinds) > 1:
        raise ValueError(f"layers stored as {' and '.join(sorted(kinds))}")
    return {"rounding": {name: part[ROUNDING][()] for name, part in parts.items()}, "stored_as": kinds.pop()}


def _repeated(samples: Array, positions: int) -> Array:
    """Give the sample of each row; layers of one row a sample share one array, which may be as long as the data."""
    return samples if positions == 1 else samples.repeat(positions)


def _positions(part: h5py.Group, samples: int) -> int:
    """Read how many positions of an input were recorded; more than there are rows for would fill memory."""
    stated = part.attrs["positions"]
    if not isinstance(stated, np.integer):
        raise ValueError(f"positions that are no whole number ({type(stated).__name__})")
    count = int(stated)
    if count * samples != len(part["values"]):
        raise ValueError(f"{count:,} positions of {samples:,} inputs in {len(part['values']):,} rows")
    return count
