"""Pickles put together opcode by opcode, and taken apart again."""

from __future__ import annotations

import io
import pickletools
import struct
from collections.abc import Callable

from fuzzing.mutations.archives import archive_of, members_of

LEGACY_MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
EMPTY_DICT, EMPTY_LIST, EMPTY_SET, EMPTY_TUPLE, MARK, STOP = b"}", b"]", b"\x8f", b")", b"(", b"."
REDUCE, NEWOBJ, BUILD, SETITEM, SETITEMS, APPEND, APPENDS = b"R", b"\x81", b"b", b"s", b"u", b"a", b"e"
TUPLE, TUPLE1, TUPLE2, TUPLE3, PERSISTENT, ADDITEMS = b"t", b"\x85", b"\x86", b"\x87", b"Q", b"\x90"


def text(value: str) -> bytes:
    """Push a text."""
    content = value.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(content)) + content


def number(value: int) -> bytes:
    """Push a whole number of any size up to 255 bytes."""
    if -(2**31) <= value < 2**31:
        return b"J" + struct.pack("<i", value)
    size = value.bit_length() // 8 + 1
    return b"\x8a" + bytes([size]) + value.to_bytes(size, "little", signed=True)


def name(module: str, attribute: str) -> bytes:
    """Push what a module calls by a name."""
    return f"c{module}\n{attribute}\n".encode()


def together(*values: bytes) -> bytes:
    """Push a tuple."""
    return MARK + b"".join(values) + TUPLE


def listed(*values: bytes) -> bytes:
    """Push a list."""
    return EMPTY_LIST + MARK + b"".join(values) + APPENDS


def keyed(*pairs: tuple[bytes, bytes]) -> bytes:
    """Push a dict."""
    return EMPTY_DICT + MARK + b"".join(key + value for key, value in pairs) + SETITEMS


def call(module: str, attribute: str, *arguments: bytes) -> bytes:
    """Push what a call returns."""
    return name(module, attribute) + together(*arguments) + REDUCE


def put(index: int) -> bytes:
    """Keep the top of the stack in the memo, far from where a pickle's own entries are."""
    return b"r" + struct.pack("<I", 50_000 + index)


def get(index: int) -> bytes:
    """Push what `put` kept."""
    return b"j" + struct.pack("<I", 50_000 + index)


# --------------------------------------------------------------------------- taking apart


def split(pickled: bytes) -> list[bytes]:
    """Cut the first pickle in some bytes into opcodes with their arguments."""
    starts = [place for _, _, place in pickletools.genops(pickled)]
    ends = [*starts[1:], starts[-1] + 1]
    return [pickled[start:end] for start, end in zip(starts, ends, strict=True)]


def edit_pickle(data: bytes, edit: Callable[[bytes], bytes]) -> bytes | None:
    """Edit the pickle that holds a torch file's objects; None where there is none."""
    if data.startswith(LEGACY_MAGIC):
        return _edit_legacy(data, edit)
    members = members_of(data)
    where = [i for i, (member, _) in enumerate(members or []) if member.endswith("data.pkl")]
    if not members or not where:
        return None
    member, content = members[where[0]]
    members[where[0]] = (member, edit(content))
    return archive_of(members)


def _edit_legacy(data: bytes, edit: Callable[[bytes], bytes]) -> bytes:
    """Edit the fourth pickle of a stream: magic number, protocol and machine stand before it."""
    stream = io.BytesIO(data)
    ends = []
    for _ in range(4):
        for _ in pickletools.genops(stream):
            pass
        ends.append(stream.tell())
    return data[: ends[2]] + edit(data[ends[2] : ends[3]]) + data[ends[3] :]
