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


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield number and value of each field of a sound message: whole numbers, and bytes of all others."""
    at = 0
    while at < len(message):
        key, at = _varint_at(message, at)
        if key & 7 == 0:
            value, at = _varint_at(message, at)
            yield key >> 3, value
            continue
        size, at = _varint_at(message, at) if key & 7 == 2 else ({1: 8, 5: 4}[key & 7], at)
        yield key >> 3, message[at : at + size]
        at += size


def _varint_at(message: bytes, at: int) -> tuple[int, int]:
    """Give the whole number at a place, and the place behind it."""
    value = shift = 0
    while message[at] > 127:
        value, shift, at = value | (message[at] & 127) << shift, shift + 7, at + 1
    return value | message[at] << shift, at + 1


def varint_places(message: bytes) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of runs of bytes that read as one varint: some are lengths, keys and sizes, others chance."""
    start = 0
    for at, byte in enumerate(message):
        if byte < 128:
            if at - start < 10:
                yield start, at + 1
            start = at + 1
