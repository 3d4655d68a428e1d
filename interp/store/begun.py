"""What a killed run left of a recording: whether it is laid out as the run that goes on with it would have done."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import h5py
import numpy as np

from interp.errors import UsageError
from interp.store.blocks import block_count
from interp.store.recordings import OUTPUT_STATISTICS
from interp.types import NodeLayer


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
