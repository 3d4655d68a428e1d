"""Protocol buffers, as far as reading takes: messages as (field number, value) pairs."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


def fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """Yield (field number, value): an integer, or the bytes of anything else.

    Raises
    ------
    ValueError
        Where the bytes are no message.
    """
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        wire = key & 7
        if wire == VARINT:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        sizes = {FIXED64: 8, FIXED32: 4}
        if wire == BYTES:
            size, at = _varint(message, at)
        elif wire in sizes:
            size = sizes[wire]
        else:
            raise ValueError(f"wire type {wire} at byte {at}")
        if at + size > len(message):
            raise ValueError(f"{size:,} bytes declared at byte {at} of {len(message):,}")
        yield key >> 3, message[at : at + size]
        at += size


def integers(value: int | bytes) -> list[int]:
    """Read whole numbers, one a field or all packed in one; those beyond 63 bits are negative."""
    if isinstance(value, int):
        return [signed(value)]
    numbers, at = [], 0
    while at < len(value):
        number, at = _varint(value, at)
        numbers.append(signed(number))
    return numbers


def signed(number: int) -> int:
    """Read 64 bits as two's complement."""
    return number - (1 << 64) if number >= 1 << 63 else number


def single(value: bytes) -> float:
    """Read one float of 32 bits."""
    return float(struct.unpack("<f", value)[0])


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError(f"a number of over 64 bits at byte {at}")
