"""Damage that knows nothing of formats."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

Mutator = Callable[[bytes, Random], bytes | None]
"""What was damaged, or None where a file has nothing to be damaged in this way."""


def bit_flips(data: bytes, rng: Random) -> bytes:
    """Turn over 1 to 32 bits."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 8, 32))):
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


def byte_runs(data: bytes, rng: Random) -> bytes:
    """Overwrite a run with zeros, ones, noise or another part of the file."""
    size = min(rng.choice((1, 2, 4, 8, 64, 512)), len(data))
    at, other = rng.randrange(len(data) - size + 1), rng.randrange(len(data) - size + 1)
    run = rng.choice((bytes(size), b"\xff" * size, rng.randbytes(size), data[other : other + size]))
    return data[:at] + run + data[at + size :]


def near_the_start(data: bytes, rng: Random) -> bytes:
    """Change one of the first 64 bytes, where most formats state what they are."""
    at = rng.randrange(min(64, len(data)))
    return data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]


def cut_short(data: bytes, rng: Random) -> bytes:
    """Keep the beginning only, at times all but a few bytes, at times none."""
    return data[: rng.choice((0, rng.randrange(1, 30), rng.randrange(len(data)), len(data) - rng.randrange(1, 30)))]


def start_missing(data: bytes, rng: Random) -> bytes:
    """Leave the first bytes out."""
    return data[rng.choice((1, 4, rng.randrange(1, len(data)))) :]


def insertion(data: bytes, rng: Random) -> bytes:
    """Put bytes in, of the file's own or of none."""
    at, size = rng.randrange(len(data) + 1), rng.choice((1, 3, 16, 200, 4096))
    return data[:at] + rng.choice((rng.randbytes(size), bytes(size), data[:size])) + data[at:]


def deletion(data: bytes, rng: Random) -> bytes:
    """Take bytes out of the middle."""
    at, size = rng.randrange(len(data)), rng.choice((1, 2, 8, 100))
    return data[:at] + data[at + size :]


def whole_numbers(data: bytes, rng: Random) -> bytes:
    """Overwrite 1, 2, 4 or 8 bytes with a number that a length might overflow at."""
    size = rng.choice((1, 2, 4, 8))
    edge = 1 << (8 * size)
    value = rng.choice((0, 1, edge - 1, edge // 2, edge // 2 - 1, edge - 8, rng.randrange(edge)))
    at = rng.randrange(max(len(data) - size, 1))
    return data[:at] + value.to_bytes(size, rng.choice(("little", "big"))) + data[at + size :]


def twice(data: bytes, rng: Random) -> bytes:
    """Put the file behind itself, whole or in part."""
    return data + data[: rng.choice((len(data), rng.randrange(len(data))))]


def padded(data: bytes, rng: Random) -> bytes:
    """Add much that is not the file's, before or behind."""
    padding = rng.choice((bytes(1 << 20), rng.randbytes(4096), b"\n" * 100))
    return rng.choice((padding + data, data + padding))


PLAIN: dict[str, Mutator] = {
    "bit flips": bit_flips,
    "byte runs": byte_runs,
    "near the start": near_the_start,
    "cut short": cut_short,
    "start missing": start_missing,
    "insertion": insertion,
    "deletion": deletion,
    "whole numbers": whole_numbers,
    "twice": twice,
    "padded": padded,
}
