"""Damage to what HDF5 itself keeps of a file: headers of objects, trees, heaps, messages, the superblock."""

from __future__ import annotations

from random import Random

SIGNATURE = b"\x89HDF"
BLOCKS = (
    b"OHDR", b"OCHK", b"TREE", b"SNOD", b"HEAP", b"GCOL", b"FRHP", b"FHDB", b"FHIB", b"BTHD", b"BTLF", b"BTIN", b"FSHD",
)  # fmt: skip
"""Signatures of the blocks that the format names; objects of older kind have none, and begin with a version."""
REACH = 120
"""Number of bytes behind a signature, most of which are sizes, counts, addresses and types."""


def _places(data: bytes) -> list[int]:
    """List where a block begins, the superblock and headers of older objects among them."""
    found = [0]
    for signature in (*BLOCKS, b"\x01\x00\x05\x00\x01\x00\x00\x00", b"\x01\x00\x06\x00\x01\x00\x00\x00"):
        at = data.find(signature)
        while at >= 0:
            found.append(at)
            at = data.find(signature, at + 1)
    return found


def damaged_metadata(data: bytes, rng: Random) -> bytes | None:
    """Put another number in one to three places of such blocks: at edges, of another block, or off by a little."""
    if not data.startswith(SIGNATURE):
        return None
    out, places = bytearray(data), _places(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        size = rng.choice((1, 1, 2, 4, 8))
        at = min(rng.choice(places) + rng.randrange(4, REACH), len(out) - size)
        own, edge = int.from_bytes(out[at : at + size], "little"), 1 << (8 * size)
        near = (own + 1, own - 1, own * 2, own ^ (1 << rng.randrange(8 * size)))
        value = rng.choice((*near, 0, 1, edge - 1, edge // 2, rng.choice(places), len(data), rng.randrange(edge)))
        out[at : at + size] = (value % edge).to_bytes(size, "little")
    return bytes(out)
