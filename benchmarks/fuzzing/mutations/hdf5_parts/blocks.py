"""Damage to the recorded values of an HDF5 file, packed or not: a block of rows in a place, or as it should not be."""

from __future__ import annotations

import zlib
from random import Random

import h5py

AS_IT_IS = 0b11
"""Mark of a chunk that no filter was applied to."""


def damaged_blocks(file: h5py.File, rng: Random) -> None:
    """Change values of a layer, exchange blocks of them, or give a packed one other bytes or another mark."""
    tables: list[str] = []
    file.visit(lambda name: tables.append(name) if name.endswith(("/values", "/checksums")) else None)
    values = file[rng.choice(tables)]
    if not values.chunks:
        flat = values[()]
        flat.reshape(-1).view("u1")[rng.randrange(flat.nbytes)] ^= 1 << rng.randrange(8)
        values[...] = flat if rng.random() < 0.7 else flat[::-1]
        return
    step = values.chunks[0]
    firsts = range(0, len(values), step)
    at = (rng.choice(firsts), 0)
    mark, chunk = values.id.read_direct_chunk(at)
    plain = chunk if mark == AS_IT_IS else zlib.decompress(chunk)
    changed = bytearray(plain)
    changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    others = (
        (mark, values.id.read_direct_chunk((rng.choice(firsts), 0))[1]),
        (0, zlib.compress(bytes(changed))),
        (AS_IT_IS, bytes(changed)),
        (AS_IT_IS, plain),
        (AS_IT_IS, plain[:-1]),
        (0, zlib.compress(plain[:-4])),
        (0, zlib.compress(plain + bytes(10_000_000))),
        (0, zlib.compress(plain) + b"behind"),
        (0, chunk[: rng.randrange(len(chunk))]),
        (rng.choice((1, 2, 4, 7, 2**31)), chunk),
    )
    mark, chunk = rng.choice(others)
    values.id.write_direct_chunk(at, chunk, mark)
