"""What a killed run left of a recording: whether it is laid out as the run that goes on with it would have done.

Blocks of rows have checksums once they are whole. One more, written with each block of samples, covers the rest of what
later samples do not change: predictions, positions, the rows of the last block, and sums over all rows so far.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import h5py
import numpy as np

from interp.errors import UsageError
from interp.store.blocks import ChecksumWriter, block_count, checksum
from interp.store.precision.rounding import ROUNDED
from interp.store.precision.rounding import SUMS as ROUNDING_SUMS
from interp.store.recordings import OUTPUT_STATISTICS
from interp.store.sampled.outputs import SUMMED
from interp.store.sampled.outputs import SUMS as OUTPUT_SUMS
from interp.types import Array, NodeLayer

WRITTEN = "written"
NOWHERE = -1
"""Number of samples that a place is of which holds no checksum yet."""


class Written:
    """Checksum over what no block's checksum covers of the first samples of a split.

    It is in one of two places in turn, with the number of these samples: a kill between two writes leaves the one that
    belongs to the samples that are on disk.

    Parameters
    ----------
    group
        HDF5 group of the split.
    samples
        Number of samples that are on disk.
    rows
        Layer name -> number of rows that are on disk.
    sums
        Layer name -> checksums of the rows.
    """

    def __init__(
        self, group: h5py.Group, samples: int, rows: Mapping[str, int], sums: Mapping[str, ChecksumWriter]
    ) -> None:
        self._group, self._samples, self._rows, self._sums = group, samples, dict(rows), sums
        self._predictions = checksum(group["predictions"][:samples])
        placed = {name: group["z"][name] for name in rows if "position" in group["z"][name]}
        self._positions = {name: checksum(part["position"][: rows[name]]) for name, part in placed.items()}

    def add(self, predictions: Array, rows: Mapping[str, int], positions: Mapping[str, Array]) -> None:
        """Add samples whose rows were just written, and write the checksum; nothing of it counts before `progress`.

        Parameters
        ----------
        predictions
            Class that the network predicts for each of these samples, (B,).
        rows
            Layer name -> number of rows that are on disk with these.
        positions
            Layer name -> positions of the rows of these samples; none where there is one a sample.
        """
        here = self._place()
        self._samples += len(predictions)
        self._predictions = checksum(np.asarray(predictions, np.int64), self._predictions)
        for name, before in self._positions.items():
            given = positions.get(name, ())
            given = given if len(given) else np.zeros(rows[name] - self._rows[name])
            self._positions[name] = checksum(np.asarray(given, np.int32), before)
        self._rows = dict(rows)
        self._group[WRITTEN][1 - here] = self._samples, self._value()

    def prepare(self) -> None:
        """Take room for the checksum, and write that of no samples."""
        self._group.create_dataset(WRITTEN, data=np.array([[self._samples, self._value()], [NOWHERE, 0]]))

    def finish(self) -> None:
        """Write the checksum into both places, so that the file does not tell in how many blocks it was written."""
        self._group[WRITTEN][...] = self._samples, self._value()

    def check(self) -> None:
        """Raise `ValueError` where the samples that are on disk are not as they were written."""
        if int(self._group[WRITTEN][self._place(), 1]) != self._value():
            raise ValueError(f"the first {self._samples:,} samples are not as they were written")

    def _place(self) -> int:
        found: list[int] = self._group[WRITTEN][:, 0].tolist()
        return found.index(self._samples)

    def _value(self) -> int:
        rest = [self._sums[name].unfinished(rows) for name, rows in self._rows.items()]
        found = checksum(np.array([self._predictions, *self._positions.values(), *rest], np.uint32))
        for turns, name in ((ROUNDED, ROUNDING_SUMS), (SUMMED, OUTPUT_SUMS)):
            if turns.is_in(self._group):
                here = turns.place(self._group, self._samples)
                for layer in self._rows:
                    found = checksum(self._group["z"][layer][name][here], found)
        return found


def is_laid_out(
    group: h5py.Group,
    samples: int,
    rows: Mapping[str, int],
    layers: Sequence[NodeLayer],
    dtype: np.dtype[Any],
    labelled: bool,
    placed: Collection[str],
) -> bool:
    """Tell whether a split of a file has every array of a recording, each of its shape and type.

    Parameters
    ----------
    group
        HDF5 group of the split.
    samples
        Number of samples of the split, S.
    rows
        Layer name -> number of its rows that are stored, L.
    layers
        Layers that are recorded.
    dtype
        Type of the values in the file.
    labelled
        Whether the split has labels.
    placed
        Names of the layers whose rows come with their positions.
    """
    whole, real = np.dtype(np.int64), np.dtype(np.float64)
    wanted: dict[str, tuple[tuple[int, ...], np.dtype[Any]]] = {
        "progress": ((1,), whole),
        WRITTEN: ((2, 2), whole),
        **dict.fromkeys(("predictions", *(["labels"] * labelled)), ((samples,), whole)),
    }
    for layer in layers:
        stored, nodes, above = rows[layer.name], layer.nodes, f"z/{layer.name}"
        wanted[f"{above}/values"] = (stored, nodes), dtype
        wanted[f"{above}/checksums"] = (block_count(stored),), np.dtype(np.uint32)
        wanted |= {f"{above}/position": ((stored,), np.dtype(np.int32))} if layer.name in placed else {}
        for name in OUTPUT_STATISTICS:
            wanted[f"{above}/{name}"] = (2, nodes) if name == "output_range" else (nodes,), real
    return (
        all(_is_of(group, name, *shape_and_type) for name, shape_and_type in wanted.items())
        and ("labels" in group) == labelled
        and 0 <= int(group["progress"][0]) <= samples
    )


def _is_of(group: h5py.Group, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> bool:
    found = group.get(name)
    return isinstance(found, h5py.Dataset) and (found.shape, found.dtype) == (shape, dtype)


def damaged(where: object) -> UsageError:
    """Build the error for damage that shows as a recording is gone on with, which is then removed.

    Parameters
    ----------
    where
        File of the recording.
    """
    return UsageError(
        where,
        found="what an earlier run had recorded, damaged",
        expected="a recording as it was begun",
        do="run the same command again, which begins it anew",
    )
