"""One archive of arrays, for numpy."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from zipfile import ZipFile, ZipInfo

import numpy as np

from interp.interchange.contents import Contents, Sheet, plain_name
from interp.types import Array


def write_npz(contents: Contents, path: Path) -> None:
    """Write one member an array, such as ``train/fc1/z``.

    Beside ``z`` of each layer are ``sample`` and ``position`` of its rows; ``label`` and ``prediction`` of each split's
    samples, and the columns of ``nodes``.

    Parameters
    ----------
    contents
        Recorded values and the table of nodes.
    path
        File that is written.
    """
    with ZipFile(path, "w", allowZip64=True) as archive:
        for recording in contents.recordings.values():
            split = plain_name(recording.split)
            if recording.labels is not None:
                _put(archive, f"{split}/label", recording.labels)
            _put(archive, f"{split}/prediction", recording.predictions)
        for sheet in contents.sheets():
            _put_sheet(archive, f"{plain_name(sheet.split)}/{plain_name(sheet.layer.name)}", sheet)
        for name, values in contents.node_columns.items():
            _put(archive, f"nodes/{plain_name(name)}", values)
        _put(archive, "provenance", np.array(contents.provenance))


def _put_sheet(archive: ZipFile, name: str, sheet: Sheet) -> None:
    for key, values in sheet.origin.items():
        _put(archive, f"{name}/{key}", values)
    blocks = (z for _, z in sheet.blocks())
    _put_blocks(archive, f"{name}/z", (sheet.rows, sheet.layer.nodes), np.dtype("<f4"), blocks)


def _put(archive: ZipFile, name: str, values: Array) -> None:
    _put_blocks(archive, name, values.shape, values.dtype, [values])


def _put_blocks(archive: ZipFile, name: str, shape: tuple[int, ...], kind: np.dtype, blocks: Iterable[Array]) -> None:
    """Write an array a block of rows at a time; members carry no time, so that the same values give the same bytes."""
    with archive.open(ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
        header = {"descr": np.lib.format.dtype_to_descr(kind), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(member, header)
        for block in blocks:
            member.write(np.ascontiguousarray(block, kind).tobytes())
