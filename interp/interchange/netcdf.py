"""One netCDF file of named dimensions, for xarray."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from interp.interchange.contents import BLOCK, Contents, Sheet, plain_name
from interp.types import Array

STORED = "stored"
"""Axis of the samples whose values are recorded, and variable of their indices, where others are left out."""


def write_netcdf(contents: Contents, path: Path) -> None:
    """Write a group a split, with a variable a layer in ``layers`` over samples, positions and nodes; and ``nodes``.

    ``xarray.open_datatree(path, engine="h5netcdf")`` reads all of it, `xarray.open_dataset` one group.

    Parameters
    ----------
    contents
        Recorded values and the table of nodes.
    path
        File that is written.
    """
    import h5netcdf

    with h5netcdf.File(path, "w") as file:
        file.attrs["interp"] = contents.provenance
        for recording in contents.recordings.values():
            group = file.create_group(plain_name(recording.split))
            group.dimensions = {"sample": len(recording.predictions)}
            if recording.labels is not None:
                _put(group, "label", ("sample",), recording.labels)
            _put(group, "prediction", ("sample",), recording.predictions)
            if recording.kept is not None:
                group.dimensions[STORED] = len(recording.kept)
                _put(group, STORED, (STORED,), recording.kept)
        for sheet in contents.sheets():
            _put_sheet(_layers(file[plain_name(sheet.split)]), sheet)
        nodes = file.create_group("nodes")
        nodes.dimensions = {"name": len(contents.nodes)}
        for name, values in contents.node_columns.items():
            _put(nodes, plain_name(name), ("name",), values)


def _layers(split: Any) -> Any:
    """Give the group of a split's layers, whose names may be those of anything beside it."""
    return split["layers"] if "layers" in split.groups else split.create_group("layers")


def _put_sheet(group: Any, sheet: Sheet) -> None:
    """Write the values of one layer, with an axis of positions where samples have several."""
    name = plain_name(sheet.layer.name)
    samples = "sample" if sheet.recording.kept is None else STORED
    sizes = {samples: sheet.samples, f"{name}_node": sheet.layer.nodes}
    if len(sheet.place):
        sizes = {samples: sheet.samples, f"{name}_row": sheet.positions, f"{name}_node": sheet.layer.nodes}
        group.dimensions[f"{name}_row"] = sheet.positions
        places = sheet.place.reshape(sheet.samples, sheet.positions)
        _put(group, f"{name}_position", (samples, f"{name}_row"), places)
    group.dimensions[f"{name}_node"] = sheet.layer.nodes
    values = group.create_variable(name, tuple(sizes), "float32")
    for rows, z in sheet.blocks(max(1, BLOCK // sheet.positions) * sheet.positions):
        few = slice(rows.start // sheet.positions, rows.stop // sheet.positions)
        values[few] = z.reshape(-1, *list(sizes.values())[1:])


def _put(group: Any, name: str, axes: tuple[str, ...], values: Array) -> None:
    group.create_variable(
        name, axes, data=values.astype(np.dtypes.StringDType()) if values.dtype.kind == "U" else values
    )
