"""A folder of parquet files: one a layer and split, and one of nodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from interp.interchange.contents import Contents, Sheet, plain_name


def write_parquet(contents: Contents, path: Path) -> None:
    """Write ``SPLIT.LAYER.parquet``, with a column a node, and ``nodes.parquet``.

    Columns are named by the node's address (``fc1:17``), behind ``sample``, ``position``, ``label`` and ``prediction``.

    Parameters
    ----------
    contents
        Recorded values and the table of nodes.
    path
        Folder that is written into.
    """
    import pyarrow as pa
    from pyarrow import parquet

    about = {"interp": contents.provenance}
    parquet.write_table(pa.table(contents.node_columns, metadata=about), path / "nodes.parquet")
    for sheet in contents.sheets():
        schema = _schema(pa, sheet).with_metadata(about)
        name = f"{plain_name(sheet.split)}.{plain_name(sheet.layer.name)}.parquet"
        with parquet.ParquetWriter(path / name, schema) as writer:
            for rows, z in sheet.blocks():
                columns = [*sheet.columns(rows).values(), *z.T.copy()]
                writer.write_table(pa.Table.from_arrays([pa.array(one) for one in columns], schema=schema))


def _schema(pa: Any, sheet: Sheet) -> Any:
    known = [(name, pa.from_numpy_dtype(values.dtype)) for name, values in sheet.columns(slice(0, 0)).items()]
    return pa.schema([*known, *((address, pa.float32()) for address in sheet.addresses)])
