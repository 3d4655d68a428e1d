"""Protobuf's wire format, as far as writing and walking a message needs it."""

from __future__ import annotations

from collections.abc import Iterator


def varint(value: int) -> bytes:
    """Encode a whole number from 0 on, seven bits a byte."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def field(number: int, value: int | str | bytes) -> bytes:
    """Encode one field: a whole number, or text or bytes with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    content = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint_places(message: bytes) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of runs of bytes that read as one varint: some are lengths, keys and sizes, others chance."""
    start = 0
    for at, byte in enumerate(message):
        if byte < 128:
            if at - start < 10:
                yield start, at + 1
            start = at + 1
