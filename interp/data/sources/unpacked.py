"""Parquet and Arrow files: held against what they unpack to, since one value millions of times takes a few bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from interp.data.sources.files import MOST_RATIO, MOST_UNPACKED

WIDTHS = {"BOOLEAN": 1, "INT32": 4, "FLOAT": 4}
"""Type of a parquet file's values -> bytes of one in memory, where these are not 8."""

TEXT = "BYTE_ARRAY"
AT_ONCE = 256
"""Number of rows read at once where texts or images may be as long as the file each, and one stand for many."""

BATCH, DICTIONARY = "record batch", "dictionary"
AS_IT_IS = -1
"""Length that a buffer states which is not packed, though others may be."""


def read_parquet(file: Any, path: Path) -> Any:
    """Read a parquet file whole, unless it takes far more room than its size.

    Parameters
    ----------
    file
        File as pyarrow opens it.
    path
        Path of the file.

    Raises
    ------
    ValueError
        If it would take over a hundred times its size, and over 100 MB.
    """
    groups = [file.metadata.row_group(i) for i in range(file.num_row_groups)]
    columns = [group.column(i) for group in groups for i in range(group.num_columns)]
    check_room(path, sum(one.num_values * WIDTHS.get(one.physical_type, 8) for one in columns))
    texts = (one.num_values * one.total_uncompressed_size for one in columns if one.physical_type == TEXT)
    if sum(texts) <= MOST_UNPACKED:
        return file.read()
    import pyarrow as pa

    parts, taken = [], 0
    for part in file.iter_batches(AT_ONCE):
        taken += part.nbytes
        check_room(path, taken)
        parts.append(part)
    return pa.Table.from_batches(parts, file.schema_arrow)


def read_arrow(ipc: Any, path: Path) -> Any:
    """Read a stream, as the datasets library writes it, or a file of Arrow's, which is a stream between two marks.

    Parameters
    ----------
    ipc
        Module ``pyarrow.ipc``.
    path
        Path of the file.

    Raises
    ------
    ValueError
        If it would take over a hundred times its size, and over 100 MB, or its parts do not belong together.
    """
    with path.open("rb") as file:
        begin = 8 if file.read(6) == b"ARROW1" else 0
        file.seek(begin)
        taken = 0
        for message in ipc.MessageReader.open_stream(file):
            taken += _unpacked_size(message)
            check_room(path, taken)
        file.seek(begin)
        table = ipc.open_stream(file).read_all()
    check_room(path, 8 * table.num_rows * table.num_columns)
    table.validate(full=True)  # places within buffers, which pyarrow follows without looking
    return table


def check_room(path: Path, taken: int) -> None:
    """Raise `ValueError` where a file takes far more room than its size.

    Parameters
    ----------
    path
        Path of the file.
    taken
        Number of bytes that it takes in memory.
    """
    size = path.stat().st_size
    if taken > max(MOST_RATIO * size, MOST_UNPACKED):
        raise ValueError(f"a file of {size:,} bytes that unpacks to {taken:,}")


# --------------------------------------------------------------------------- Arrow's messages


def _unpacked_size(message: Any) -> int:
    """Give the bytes that the packed buffers of a message take unpacked, each of which begins with that number."""
    data, body = memoryview(message.metadata), memoryview(message.body)
    batch = _table(data, _field(data, _number(data, 0, 4), 2))
    if message.type == DICTIONARY:
        batch = _table(data, _field(data, batch, 1))
    if message.type not in (BATCH, DICTIONARY) or not _field(data, batch, 3):
        return 0
    first = _table(data, _field(data, batch, 2))
    places = [first + 4 + 16 * place for place in range(_number(data, first, 4))]
    starts = [_number(data, place, 8) for place in places if _number(data, place + 8, 8)]
    return sum(size for size in (_number(body, start, 8) for start in starts) if size != AS_IT_IS)


def _number(data: memoryview, place: int, size: int) -> int:
    """Read a whole number of so many bytes, which has a sign."""
    return int.from_bytes(data[place : place + size], "little", signed=True)


def _field(data: memoryview, table: int, index: int) -> int:
    """Give the place of a field of a FlatBuffers table; 0 where it has none (format: flatbuffers.dev/internals)."""
    listed = table - _number(data, table, 4)
    offset = _number(data, listed + 4 + 2 * index, 2) if 4 + 2 * index < _number(data, listed, 2) else 0
    return table + offset if offset else 0


def _table(data: memoryview, place: int) -> int:
    """Give the place that a field points to."""
    return place + _number(data, place, 4)
