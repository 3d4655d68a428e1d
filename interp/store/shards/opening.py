"""Recordings opened as one, whether one file holds them or each rank of a job wrote its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import reduce
from pathlib import Path

import numpy as np

from interp.errors import MismatchError, unknown_name
from interp.store import files, recordings
from interp.store.precision.forward import merged_loss
from interp.store.precision.rounding import merged, relative
from interp.store.shards.manifest import Shard, manifest_path, read_manifest
from interp.store.shards.rows import JoinedRows
from interp.types import Array, Provenance, Recording
from interp.types.annotations.edge import checked

SHARD = "shard"
"""Setting in the provenance of a rank's file that says which rows it holds."""


@checked
def open_recording(path: str | Path, split: str = "train") -> Recording:
    """Open one split of a recording; close it, or use it in a ``with`` block.

    Parameters
    ----------
    path
        Path of the file; where each rank of a job wrote its own, the manifest, or the path that one file would have.
    split
        Name of the split.

    Returns
    -------
    Recording
        Pre-activations of all layers, read from the file, or files, as they are asked for.

    Raises
    ------
    MismatchError
        If a file is missing, damaged, of another version or of another recording; also from the recording's rows,
        where values that are read are not as they were written.
    UsageError
        If it has no such split.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from interp.store import RecordingWriter
    >>> from interp.types import NodeLayer
    >>> layers = (NodeLayer("fc1", "linear", 2, 4, "relu", "fc1"),)
    >>> made_of = Provenance("ab", "cd", 0, {}, {})
    >>> z = np.arange(6).reshape(3, 2)
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "activations.h5")
    ...     with RecordingWriter(path, layers, {"train": 3}, {"fc1": 1}, made_of, ("train",)) as writer:
    ...         writer.write("train", 0, np.array([0, 1, 1]), {"fc1": (z, np.empty(0))})
    ...         writer.summarise("train", np.array([0, 1, 0]), {"fc1": (np.ones((2, 2)), np.ones(2), np.ones(2))})
    ...     with open_recording(path) as recording:
    ...         recording.z["fc1"][2:], recording.row_labels("fc1")
    (array([[4., 5.]], dtype=float32), array([0, 1, 0]))
    """
    path = _of_manifest(Path(path))
    if not is_sharded(path):
        return recordings.open_recording(path, split)
    shards = read_manifest(path)
    known = dict.fromkeys(name for shard in shards for name in shard.rows)
    if split not in known:
        raise unknown_name("split", split, list(known))
    return _opened(path, [shard for shard in shards if split in shard.rows], split)


def _of_manifest(path: Path) -> Path:
    """Give the path that one file would have for that of a manifest; any other as it is."""
    whole = path.with_suffix(".h5") if path.suffix == ".json" else path
    return whole if is_sharded(whole) else path


def recorded_splits(path: str | Path) -> tuple[str, ...]:
    """Give the names of the splits that a recording holds, the training split first.

    Parameters
    ----------
    path
        Path of the file; where each rank of a job wrote its own, the path that one file would have.

    Raises
    ------
    MismatchError
        If a file is missing, damaged, of another version or of another recording.

    Examples
    --------
    >>> recorded_splits("a.h5")
    Traceback (most recent call last):
    ...
    interp.errors.MismatchError: a.h5: found no such file; expected a file of results; run `python -m interp record`
    """
    found = dict.fromkeys(name for one in _files(Path(path)) for name in recordings.recorded_splits(one))
    return tuple(sorted(found, key=lambda name: (name != "train", name)))


def is_recorded(path: Path) -> bool:
    """Whether there is a recording: a file, or the manifest of several.

    Parameters
    ----------
    path
        Path that a recording of one file has, or would have.
    """
    return files.is_there(path) or files.is_there(manifest_path(path))


def is_sharded(path: Path) -> bool:
    """Whether a recording is in several files: there is none of its name, but a manifest.

    Parameters
    ----------
    path
        Path that a recording of one file would have.
    """
    return not files.is_there(path) and files.is_there(manifest_path(path))


def file_of(path: Path) -> Path:
    """Give the file that stands for a recording: its own, or the manifest of several.

    Parameters
    ----------
    path
        Path that a recording of one file has, or would have; also of any other file.
    """
    return manifest_path(path) if is_sharded(path) else path


def check_recording(path: Path) -> None:
    """Read all recorded values, and compare them with their checksums.

    Parameters
    ----------
    path
        Path of the file; where each rank of a job wrote its own, the path that one file would have.

    Raises
    ------
    MismatchError
        If a file is missing, damaged, of another version or of another recording; it names the first block that is not
        as it was written.

    Examples
    --------
    >>> check_recording(Path("a.h5"))
    Traceback (most recent call last):
    ...
    interp.errors.MismatchError: a.h5: found no such file; expected a file of results; run `python -m interp record`
    """
    for one in _files(path):
        recordings.check_recording(one)


def read_provenance(path: Path, remedy: str) -> Provenance:
    """Read the provenance of a file of results or a recording, and nothing else of it.

    Parameters
    ----------
    path
        Path of the file; where each rank of a job wrote its own, the path that one file would have.
    remedy
        Command that makes the file anew, for the error.

    Raises
    ------
    MismatchError
        If the file is missing, damaged, or of another kind or version.

    Examples
    --------
    >>> read_provenance(Path("a.h5"), "interp fit")
    Traceback (most recent call last):
    ...
    interp.errors.MismatchError: a.h5: found no such file; expected a file of results; run `interp fit`
    """
    return _of_all(files.read_provenance(_files(path)[0], remedy))


def _files(path: Path) -> list[Path]:
    """Give the files of a recording."""
    return [path.with_name(shard.name) for shard in read_manifest(path)] if is_sharded(path) else [path]


def _of_all(provenance: Provenance) -> Provenance:
    """Give the provenance of a recording of that of one of its files."""
    settings = {name: value for name, value in provenance.settings.items() if name != SHARD}
    return replace(provenance, settings=settings)


def _opened(path: Path, shards: Sequence[Shard], split: str) -> Recording:
    """Open the files that hold samples of a split."""
    with ExitStack() as stack:
        parts: list[Recording] = []
        for shard in shards:
            part = recordings.open_recording(path.with_name(shard.name), split)
            stack.callback(part.close)
            _check_part(path.with_name(shard.name), part, shard, parts[0] if parts else part)
            parts.append(part)
        rounding = _rounding([path.with_name(shard.name) for shard in shards], parts) if parts[0].rounding else {}
        sums = [recordings.read_forward_sums(path.with_name(shard.name), split) for shard in shards]
        whole = replace(_joined(parts, shards), rounding=rounding, forward=merged_loss(sums))
        return replace(whole, close=stack.pop_all().close)
    raise AssertionError  # an exit stack suppresses nothing


def _check_part(path: Path, part: Recording, shard: Shard, first: Recording) -> None:
    """Refuse a file that is not of the same recording, or holds other samples than its manifest says."""
    start, stop = shard.rows[part.split]
    same = part.layers == first.layers and _of_all(part.provenance) == _of_all(first.provenance)
    same = same and (part.kept is None) == (first.kept is None)
    if not same or len(part.predictions) != stop - start or (part.labels is None) != (first.labels is None):
        found = f"{len(part.predictions):,} samples of {part.split}, or another network's"
        do = f"run `{recordings.REMEDY}`"
        raise MismatchError(path, found=found, expected=f"{stop - start:,} of one recording", do=do)
    if part.provenance.settings.get(SHARD) != {name: list(ends) for name, ends in shard.rows.items()}:
        do, expected = f"run `{recordings.REMEDY}`", f"those from {start:,} to {stop:,} of {part.split}"
        raise MismatchError(path, found="other samples than its manifest names", expected=expected, do=do)


def _joined(parts: Sequence[Recording], shards: Sequence[Shard]) -> Recording:
    """Put the parts of a split together, in the order of the data."""
    first = parts[0]
    starts = [shard.rows[first.split][0] for shard in shards]
    names = [layer.name for layer in first.layers]
    labels = None if first.labels is None else np.concatenate([np.asarray(part.labels) for part in parts])
    kept = [_kept(part) + start for part, start in zip(parts, starts, strict=True)]
    ranges = {name: [part.output_range[name] for part in parts] for name in names}
    return Recording(
        split=first.split,
        layers=first.layers,
        z={name: JoinedRows([part.z[name] for part in parts]) for name in names},
        sample=_samples(parts, starts),
        kept=None if first.kept is None else np.concatenate(kept),
        kept_by=first.kept_by,
        position={name: np.concatenate([part.position[name] for part in parts]) for name in names},
        output_range={name: reduce(_wider, found) for name, found in ranges.items()},
        output_mean={name: _mean(parts, name) for name in names},
        active_share={name: _share(parts, name) for name in names},
        labels=labels,
        predictions=np.concatenate([part.predictions for part in parts]),
        provenance=_of_all(first.provenance),
        stored_as=first.stored_as,
        codec="gzip" if any(part.codec == "gzip" for part in parts) else "none",
    )


def _kept(part: Recording) -> Array:
    """Give the samples of a file whose values it holds, counted from its first."""
    return np.arange(len(part.predictions)) if part.kept is None else part.kept


def _samples(parts: Sequence[Recording], starts: Sequence[int]) -> Mapping[str, Array]:
    """Give the sample of each row; layers of one row a sample share one array, which may be as long as the data."""
    plain = np.arange(starts[-1] + len(parts[-1].predictions))
    return {
        layer.name: plain
        if parts[0].kept is None and len(parts[0].sample[layer.name]) == len(parts[0].predictions)
        else np.concatenate([part.sample[layer.name] + start for part, start in zip(parts, starts, strict=True)])
        for layer in parts[0].layers
    }


def _wider(one: Array, other: Array) -> Array:
    """Give the range (2, N) that holds two."""
    return np.stack([np.minimum(one[0], other[0]), np.maximum(one[1], other[1])])


def _rows(parts: Sequence[Recording], layer: str) -> list[int]:
    """Count the rows of the samples of each file, stored or not."""
    stored = sum(len(_kept(part)) for part in parts)
    positions = sum(len(part.sample[layer]) for part in parts) // max(1, stored)
    return [len(part.predictions) * positions for part in parts]


def _mean(parts: Sequence[Recording], layer: str) -> Array:
    """Give the mean output of each node over all rows."""
    rows = _rows(parts, layer)
    totals = [part.output_mean[layer] * count for part, count in zip(parts, rows, strict=True)]
    return np.asarray(np.sum(totals, axis=0) / sum(rows))


def _share(parts: Sequence[Recording], layer: str) -> Array:
    """Give the share of all rows where each node is active, from whole numbers of rows: exact."""
    rows = _rows(parts, layer)
    counts = [np.rint(part.active_share[layer] * count) for part, count in zip(parts, rows, strict=True)]
    return np.asarray(np.sum(counts, axis=0) / sum(rows))


def _rounding(paths: Sequence[Path], parts: Sequence[Recording]) -> dict[str, Array]:
    """Give what rounding has cost in each layer (2, N), in standard deviations over the rows of all files."""
    sums = [recordings.read_rounding_sums(path, parts[0].split) for path in paths]
    rows = {name: [len(part.sample[name]) for part in parts] for name in sums[0]}
    return {name: _cost([found[name] for found in sums], rows[name]) for name in rows}


def _cost(sums: Sequence[Array], rows: Sequence[int]) -> Array:
    """Give what rounding has cost (2, N), of sums over the rows of each file and the numbers of these rows."""
    found, count = sums[0], rows[0]
    for others, further in zip(sums[1:], rows[1:], strict=True):
        if count + further:
            found, count = merged(found, count, others, further), count + further
    return relative(found, count)
