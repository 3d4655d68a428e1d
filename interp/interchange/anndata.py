"""A folder of annotated matrices, for anndata and what is built on it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
import pandas as pd

from interp.interchange.contents import Contents, Sheet, plain_name
from interp.types import Array, NodeLayer

SAMPLES = "samples.h5ad"


def write_anndata(contents: Contents, path: Path) -> None:
    """Write ``samples.h5ad``, a row a sample, and one ``LAYER.h5ad`` a layer of several positions, a row a position.

    Rows of all splits stand below each other. The table of nodes is ``var``.

    Parameters
    ----------
    contents
        Recorded values and the table of nodes.
    path
        Folder that is written into.
    """
    single: list[NodeLayer] = []
    several: list[NodeLayer] = []
    for layer in contents.layers:
        sheets = [Sheet(recording, layer) for recording in contents.recordings.values()]
        (several if any(len(sheet.place) for sheet in sheets) else single).append(layer)
    if single:
        _write(contents, single, path / SAMPLES)
    for layer in several:
        _write(contents, [layer], path / f"{plain_name(layer.name)}.h5ad")


def _write(contents: Contents, layers: Sequence[NodeLayer], path: Path) -> None:
    """Write layers of the same rows side by side; values wait in a file without a name: anndata wants all at once."""
    import anndata

    sheets = [[Sheet(recording, layer) for layer in layers] for recording in contents.recordings.values()]
    nodes = contents.nodes[contents.nodes["layer"].isin([layer.name for layer in layers])]
    about = {"interp": contents.provenance}
    with TemporaryFile(dir=path.parent) as file:
        values = _side_by_side(sheets, file)
        rows = pd.concat([_known(row[0]) for row in sheets])
        found = anndata.AnnData(X=values, obs=_plain(rows), var=_plain(_columns(contents, nodes)), uns=about)
        found.write_h5ad(path)


def _side_by_side(sheets: Sequence[Sequence[Sheet]], file: Any) -> Array:
    """Give one array of all values: splits below each other, layers beside each other."""
    shape = (sum(row[0].rows for row in sheets), sum(sheet.layer.nodes for sheet in sheets[0]))
    values = np.memmap(file, np.float32, "w+", shape=shape) if 0 not in shape else np.zeros(shape, np.float32)
    top = 0
    for row in sheets:
        left = 0
        for sheet in row:
            for rows, z in sheet.blocks():
                values[top + rows.start : top + rows.stop, left : left + sheet.layer.nodes] = z
            left += sheet.layer.nodes
        top += row[0].rows
    return values.view(np.ndarray)


def _known(sheet: Sheet) -> pd.DataFrame:
    """Give one row of `obs` a row of a sheet, named by split, sample and row of the sample: positions may repeat."""
    known = pd.DataFrame(sheet.columns(slice(None)))
    names = pd.Series(sheet.split, index=known.index).str.cat(known["sample"].astype(str), sep=":")
    if len(sheet.place):
        names = names.str.cat((known.index % sheet.positions).astype(str), sep=":")
    return known.assign(split=pd.Categorical([sheet.split] * len(known))).set_index(pd.Index(names, name=None))


def _columns(contents: Contents, nodes: pd.DataFrame) -> pd.DataFrame:
    """Give the table of some nodes, with plain values in its columns."""
    chosen = contents.nodes.index.isin(nodes.index)
    plain = {name: values[chosen] for name, values in contents.node_columns.items() if name != "name"}
    return pd.DataFrame(plain, index=pd.Index(nodes.index.astype(str)))


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """Give text as Python's own: anndata writes the text type of pandas 3 where it is told to alone."""
    text = [name for name, values in table.items() if isinstance(values.dtype, pd.StringDtype)]
    return table.astype(dict.fromkeys(text, object)).set_index(table.index.astype(object))
