"""Damage to parquet and Arrow files that stays well formed: other types, names, metadata, rows, and much in little."""

from __future__ import annotations

import io
import json
from random import Random
from typing import Any

from fuzzing.mutations.plain_bytes import Mutator

PARQUET, STREAM = b"PAR1", b"\xff\xff\xff\xff"
NAMES = ("", "label", "a\nb", "\u202e", "x" * 100_000, "image", "bytes", "target", "<b>")
METADATA: tuple[Any, ...] = (
    "{", "[" * 100_000, "null", {"info": None}, {"info": {"features": []}},
    {"info": {"features": {"label": {"names": "abc"}}}}, {"info": {"features": {"label": {"names": [None, 1]}}}},
    {"info": {"features": {"label": {"names": ["a"] * 50_000}}}}, {"info": {"features": {"label": None}}},
    {"info": {"features": {"label": {"names": []}}}}, {"info": {"features": {"label": {"names": {"a": 1}}}}},
)  # fmt: skip


def _columns(rows: int, rng: Random) -> Any:
    """Make a column of a type that no sound file here has."""
    import pyarrow as pa

    cells: tuple[Any, ...] = (
        pa.nulls(rows), pa.array([None, *range(rows - 1)]), pa.array([float("nan")] * rows), pa.array(["a"] * rows),
        pa.array([b"\x89PNG"] * rows), pa.array([[]] * rows, pa.list_(pa.float64())),
        pa.array([list(range(i % 4)) for i in range(rows)]), pa.array([[[1.0, None]]] * rows),
        pa.array([{"bytes": None, "path": "/etc/hostname"}] * rows), pa.array([{"bytes": b"x"}] * rows),
        pa.array([{"bytes": 5}] * rows), pa.array([{"a": 1}] * rows), pa.array([[{"a": 1}]] * rows),
        pa.array(range(rows), pa.timestamp("us")), pa.array(range(rows), pa.duration("s")),
        pa.array(range(rows), pa.decimal128(38)), pa.array([1e308] * rows), pa.array([2**63 - 1] * rows),
        pa.array(["a", *["b"] * (rows - 1)]).dictionary_encode(), pa.array([True] * rows),
        pa.array([[("k", 1)]] * rows, pa.map_(pa.string(), pa.int8())), pa.array([b"\xff\xfe"] * rows),
        pa.array([[1.0] * 6] * rows, pa.list_(pa.float64(), 6)), pa.array(range(rows), pa.date32()),
        pa.array([2**64 - 1] * rows, pa.uint64()), pa.array([0.5] * rows, pa.float16()),
    )  # fmt: skip
    return cells[rng.randrange(len(cells))]


def _deep(rows: int) -> Any:
    import pyarrow as pa

    value: Any = 1.0
    for _ in range(60):
        value = [value]
    return pa.array([value] * rows)


def _edited(table: Any, rng: Random) -> Any:
    import pyarrow as pa

    at, way, name = rng.randrange(table.num_columns), rng.randrange(9), rng.choice((*table.column_names, *NAMES))
    if way < 3:
        return table.set_column(at, table.column_names[at], _columns(table.num_rows, rng))
    if way == 3:
        return table.append_column(name, _columns(table.num_rows, rng))
    if way == 4:
        return table.rename_columns([name if i == at else own for i, own in enumerate(table.column_names)])
    if way == 5:
        said = rng.choice(METADATA)
        return table.replace_schema_metadata({"huggingface": said if isinstance(said, str) else json.dumps(said)})
    if way == 6:
        return rng.choice((table.slice(0, 0), table.slice(0, 1), table.select([]), table.select([at])))
    if way == 7:
        return table.append_column("deep", _deep(table.num_rows))
    rows = rng.choice((10**6, 2 * 10**7))  # one value, so often, is a few bytes of a file
    return pa.table(
        {key: pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int8()), pa.array([1.0])) for key in "ab"}
    )


def arrow_tables(data: bytes, rng: Random) -> bytes | None:
    """Write a table anew with a column, its metadata or its rows changed, or of one value millions of times."""
    if not data.startswith((PARQUET, STREAM)):
        return None
    import pyarrow as pa
    from pyarrow import parquet

    out = io.BytesIO()
    if data.startswith(PARQUET):
        parquet.write_table(_edited(parquet.read_table(io.BytesIO(data)), rng), out, compression="zstd")
        return out.getvalue()
    table = _edited(pa.ipc.open_stream(data).read_all(), rng)
    packed = rng.choice((None, "zstd", "lz4"))
    make = rng.choice((pa.ipc.new_stream, pa.ipc.new_stream, pa.ipc.new_file))
    with make(out, table.schema, options=pa.ipc.IpcWriteOptions(compression=packed)) as writer:
        writer.write_table(table)
    return out.getvalue() if len(out.getvalue()) < 30_000_000 else None


ARROW_TABLES: dict[str, Mutator] = {"Arrow tables": arrow_tables}
