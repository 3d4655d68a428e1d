"""Protocol buffers, as far as reading takes: messages as (field number, value) pairs."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

VARINT, BYTES = 0, 2
SIZES = {1: 8, 5: 4}
"""Wire types of one size -> their bytes."""


def fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """Yield (field number, value): an integer, or the bytes of anything else.

    Raises
    ------
    ValueError
        If the bytes are no message.
    """
    for number, wire, start, end in spans(message):
        if end > len(message):
            raise ValueError(f"{end - start:,} bytes declared at byte {start} of {len(message):,}")
        yield number, _varint(message, start)[0] if wire == VARINT else message[start:end]


def spans(message: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Yield where the values of fields are, (field number, wire type, start, end); the last may end beyond the bytes.

    Raises
    ------
    ValueError
        If the bytes are no message.
    """
    at = 0
    while at < len(message):
        key, start = _varint(message, at)
        wire = key & 7
        if wire == VARINT:
            at = _varint(message, start)[1]
        elif wire == BYTES:
            size, start = _varint(message, start)
            at = start + size
        elif wire in SIZES:
            at = start + SIZES[wire]
        else:
            raise ValueError(f"wire type {wire} at byte {start}")
        yield key >> 3, wire, start, at


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
        if at >= len(message):
            raise ValueError("a number cut short")
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError(f"a number of over 64 bits at byte {at}")
