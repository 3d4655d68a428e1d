"""Damage to zip archives: their members, and what their headers declare."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
from collections.abc import Callable
from random import Random

from fuzzing.mutations.plain_bytes import Mutator

Members = list[tuple[str, bytes]]
LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
FIELDS: dict[bytes, dict[str, tuple[int, int]]] = {
    LOCAL: {"flags": (6, 2), "method": (8, 2), "crc": (14, 4), "packed": (18, 4), "size": (22, 4), "name": (26, 2)},
    CENTRAL: {
        "flags": (8, 2),
        "method": (10, 2),
        "crc": (16, 4),
        "packed": (20, 4),
        "size": (24, 4),
        "name": (28, 2),
        "extra": (30, 2),
        "comment": (32, 2),
        "disk": (34, 2),
        "offset": (42, 4),
    },
    END: {"disk": (4, 2), "entries": (8, 2), "all entries": (10, 2), "size": (12, 4), "offset": (16, 4)},
}
"""Record's signature -> field -> (offset in the record, bytes)."""

NAMES = ("../../escaped", "/absolute", "archive/../../escaped", "", "archive/", "a" * 5000, "archive/data/\n", "C:\\x")


def members_of(data: bytes) -> Members | None:
    """List (name, content), or None for what is no archive."""
    if not data.startswith(b"PK"):
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return [(member.filename, archive.read(member)) for member in archive.infolist()]
    except Exception:  # one damaged before
        return None


def archive_of(members: Members, compression: int = zipfile.ZIP_STORED) -> bytes:
    """Write an archive, doubled names and all."""
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", compression) as archive:
        warnings.simplefilter("ignore")  # doubled names are the point
        for name, content in members:
            member = zipfile.ZipInfo(name)
            member.compress_type = compression
            archive.writestr(member, content)
    return file.getvalue()


def _on_members(edit: Callable[[Members, Random], Members]) -> Mutator:
    def mutate(data: bytes, rng: Random) -> bytes | None:
        members = members_of(data)
        return None if not members else archive_of(edit(members, rng))

    return mutate


def _removed(members: Members, rng: Random) -> Members:
    at = rng.randrange(len(members))
    return members[:at] + members[at + 1 :]


def _doubled(members: Members, rng: Random) -> Members:
    name, content = rng.choice(members)
    other = rng.choice((content, bytes(len(content)), rng.choice(members)[1]))
    return [*members, *([(name, other)] * rng.choice((1, 1, 50)))]


def _swapped(members: Members, rng: Random) -> Members:
    """Exchange the contents of two members."""
    out = list(members)
    i, j = rng.randrange(len(out)), rng.randrange(len(out))
    out[i], out[j] = (out[i][0], out[j][1]), (out[j][0], out[i][1])
    return out


def _renamed(members: Members, rng: Random) -> Members:
    out = list(members)
    at = rng.randrange(len(out))
    root = out[at][0].partition("/")[0]
    others = (*NAMES, f"{root}/../data.pkl", f"{root}/data/../../x", out[at][0].upper(), rng.choice(out)[0])
    out[at] = (rng.choice(others), out[at][1])
    return out


def _resized(members: Members, rng: Random) -> Members:
    """Give a member fewer or more bytes than the others say that it has."""
    out = list(members)
    at = rng.randrange(len(out))
    name, content = out[at]
    out[at] = (name, rng.choice((b"", content[: len(content) // 2], content + bytes(1000), content * 3)))
    return out


def _rewritten(members: Members, rng: Random) -> Members:
    """Put something else in place of a small member such as ``version`` or ``byteorder``."""
    out = list(members)
    at = min(rng.sample(range(len(out)), min(3, len(out))), key=lambda i: len(out[i][1]))
    texts = (b"", b"big", b"middle", b"-1", b"9" * 500, b"\xff\xfe", b"3\n" * 1000, b"\x00", b"{" * 1000)
    out[at] = (out[at][0], rng.choice(texts))
    return out


def _many(members: Members, rng: Random) -> Members:
    """Add thousands of members."""
    root = members[0][0].partition("/")[0]
    return [*members, *((f"{root}/data/{i + 1000}", b"x") for i in range(rng.choice((1000, 20_000))))]


def headers(data: bytes, rng: Random) -> bytes | None:
    """Declare other sizes, methods, flags, places or numbers in one to three records."""
    out = bytearray(data)
    if not members_of(data):
        return None
    for _ in range(rng.choice((1, 1, 2, 3))):
        signature = rng.choice((LOCAL, CENTRAL, CENTRAL, END))
        start = rng.choice(_found(out, signature) or [0])
        offset, size = FIELDS[signature][rng.choice(list(FIELDS[signature]))]
        edge = 1 << (8 * size)
        small = (0, 1, 2, 8, 9, 12, 14, 93, 99, edge - 1, edge // 2, edge - 2)
        value = rng.choice((*small, rng.randrange(edge)))
        out[start + offset : start + offset + size] = value.to_bytes(size, "little")
    return bytes(out)


def _found(data: bytes | bytearray, signature: bytes) -> list[int]:
    places, at = [], data.find(signature)
    while at >= 0:
        places.append(at)
        at = data.find(signature, at + 1)
    return places


def bomb(data: bytes, rng: Random) -> bytes | None:
    """Compress members that unpack to much more."""
    members = members_of(data)
    if not members:
        return None
    at = rng.randrange(len(members))
    name, content = members[at]
    members[at] = (name, rng.choice((content + bytes(rng.choice((1 << 20, 1 << 26))), b"(" * (1 << 24))))
    method = rng.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
    return archive_of(members, method)


def lying_bomb(data: bytes, rng: Random) -> bytes | None:
    """Compress a member that unpacks to much more than its headers declare."""
    packed = bomb(data, rng)
    if packed is None:
        return None
    out = bytearray(packed)
    for signature in (LOCAL, CENTRAL):
        offset = FIELDS[signature]["size"][0]
        for start in _found(out, signature):
            (size,) = struct.unpack_from("<I", out, start + offset)
            struct.pack_into("<I", out, start + offset, min(size, 1000))
    return bytes(out)


def overlapping(data: bytes, rng: Random) -> bytes | None:
    """List one member's bytes under many names."""
    members = members_of(data)
    central = _found(data, CENTRAL)
    end = data.rfind(END)
    if not members or not central or end < central[0]:
        return None
    copies = rng.choice((10, 1000, 30_000))
    record = data[central[-1] : end]
    out = data[:end] + record * copies + data[end:]
    end += len(record) * copies
    count = min(len(members) + copies, 65_535)
    size = end - central[0]
    return out[: end + 8] + struct.pack("<HHI", count, count, size) + out[end + 16 :]


def compressed(data: bytes, rng: Random) -> bytes | None:
    """Pack an archive anew with compression, which torch itself never uses."""
    members = members_of(data)
    return None if not members else archive_of(members, rng.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA)))


ARCHIVES: dict[str, Mutator] = {
    "zip member removed": _on_members(_removed),
    "zip member doubled": _on_members(_doubled),
    "zip members swapped": _on_members(_swapped),
    "zip member renamed": _on_members(_renamed),
    "zip member resized": _on_members(_resized),
    "zip member rewritten": _on_members(_rewritten),
    "zip of many members": _on_members(_many),
    "zip headers": headers,
    "zip bomb": bomb,
    "zip bomb that lies": lying_bomb,
    "zip members overlapping": overlapping,
    "zip compressed": compressed,
}
