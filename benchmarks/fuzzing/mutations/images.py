"""Damage to what images and MNIST's arrays declare: sizes, depths and chunks whose checksums are right."""

from __future__ import annotations

import struct
import zlib
from random import Random

from fuzzing.mutations.plain_bytes import Mutator

PNG = b"\x89PNG\r\n\x1a\n"
SIZES = (0, 1, 2, 3, 4, 255, 5000, 20_000, 65_535, 2**20, 2**31 - 1, 2**31, 2**32 - 1)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(data: bytes, rng: Random) -> bytes | None:
    """Declare another size, depth or colour, add a chunk that unpacks to much or says odd things, or double one."""
    at = data.find(PNG)
    if at < 0 or len(data) < at + 33:
        return None
    head, rest = bytearray(data[at + 16 : at + 29]), data[at + 33 :]
    way = rng.random()
    if way < 0.5:
        place = rng.choice((0, 4, 8, 9, 10, 11, 12))
        if place < 8:
            head[place : place + 4] = struct.pack(">I", rng.choice(SIZES))
        else:
            head[place] = rng.choice((0, 1, 2, 3, 4, 6, 8, 16, 255))
    bomb = zlib.compress(bytes(rng.choice((1 << 20, 1 << 26))))
    odd = (
        _chunk(b"zTXt", b"a\0\0" + bomb), _chunk(b"iCCP", b"a\0\0" + bomb),
        _chunk(b"iTXt", b"a\0\1\0\0\0" + bomb),
        _chunk(b"tRNS", rng.randbytes(rng.choice((0, 2, 6, 300)))),
        _chunk(b"PLTE", rng.randbytes(rng.choice((3, 4, 768)))),
        _chunk(b"acTL", struct.pack(">II", rng.choice(SIZES), 0)), _chunk(b"eXIf", b"MM\0*" + rng.randbytes(40)),
        _chunk(b"IDAT", bomb), _chunk(b"IEND", b""), _chunk(b"tEXt", b"a\0" * 3), _chunk(b"gAMA", bytes(4)),
    )  # fmt: skip
    extra = b"" if way < 0.5 else b"".join(rng.choice(odd) for _ in range(rng.choice((1, 1, 200))))
    return data[: at + 8] + _chunk(b"IHDR", bytes(head)) + extra + rest


def sizes(data: bytes, rng: Random) -> bytes | None:
    """Declare another width, height, depth or offset in a BMP, GIF, JPEG or TIFF file."""
    out = bytearray(data)
    if data.startswith(b"BM") and len(data) > 54:
        place, size = rng.choice(((10, 4), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2), (30, 4), (34, 4), (46, 4)))
        order = "little"
    elif data.startswith(b"GIF8"):
        place, size, order = rng.choice((6, 8, 10, data.find(b",") + 5, data.find(b",") + 7)), 2, "little"
    elif data.startswith(b"\xff\xd8") and (start := data.find(b"\xff\xc0")) > 0:
        place, size, order = start + rng.choice((2, 5, 7)), 2, "big"
    elif data[:4] in (b"II*\0", b"MM\0*"):
        place, size, order = rng.randrange(4, len(data) - 4), rng.choice((2, 4)), "little"
    else:
        return None
    out[place : place + size] = (rng.choice(SIZES) % 256**size).to_bytes(size, order)
    return bytes(out)


def idx(data: bytes, rng: Random) -> bytes | None:
    """Declare another type, number of axes or length in one of MNIST's files."""
    if data[:3] != b"\0\0\x08" or len(data) < 16:
        return None
    out = bytearray(data)
    if rng.random() < 0.3:
        out[rng.choice((2, 3))] = rng.choice((0, 1, 2, 3, 4, 8, 9, 13, 14, 255))
    else:
        at = 4 + 4 * rng.randrange(max(data[3], 1))
        out[at : at + 4] = struct.pack(">I", rng.choice(SIZES))
    if rng.random() < 0.3:
        out += bytes(rng.choice((1, 6, 100)))
    return bytes(out)


IMAGES: dict[str, Mutator] = {"PNG chunks": png, "image sizes": sizes, "IDX header": idx}
