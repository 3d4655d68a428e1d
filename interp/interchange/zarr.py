"""A folder of chunked arrays, for zarr."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from interp.interchange.contents import BLOCK, Contents, plain_name
from interp.types import Array


def write_zarr(contents: Contents, path: Path) -> None:
    """Write a group a layer, ``SPLIT/layers/LAYER``, with ``z``, ``sample`` and ``position``; and a group ``nodes``.

    Text of the nodes, which version 3 of the format has no settled type for, is in the attributes of ``nodes``.

    Parameters
    ----------
    contents
        Recorded values and the table of nodes.
    path
        Folder that is written into.
    """
    import zarr

    root = zarr.open_group(store=str(path), mode="w", attributes={"interp": contents.provenance})
    for recording in contents.recordings.values():
        split = root.create_group(plain_name(recording.split))
        if recording.labels is not None:
            _put(split, "label", recording.labels)
        _put(split, "prediction", recording.predictions)
    for sheet in contents.sheets():
        group = root.require_group(f"{plain_name(sheet.split)}/layers").create_group(plain_name(sheet.layer.name))
        for name, known in sheet.origin.items():
            _put(group, name, known)
        shape = (sheet.rows, sheet.layer.nodes)
        values = group.create_array("z", shape=shape, dtype="float32", chunks=_chunks(shape))
        for rows, z in sheet.blocks():
            values[rows] = z
    nodes = root.create_group("nodes")
    for name, column in contents.node_columns.items():
        if column.dtype.kind == "U":
            nodes.attrs[name] = column.tolist()
        else:
            _put(nodes, name, column)


def _put(group: Any, name: str, values: Array) -> None:
    group.create_array(plain_name(name), data=values)


def _chunks(shape: tuple[int, int]) -> tuple[int, int]:
    """Give chunks of the blocks that are written, so that none is written twice."""
    return min(BLOCK, max(1, shape[0])), max(1, shape[1])
