"""Damage to what data files declare and hold: headers of numpy's arrays, cells of tables."""

from __future__ import annotations

import pickle
import struct
from collections.abc import Callable
from random import Random

from fuzzing.mutations.archives import archive_of, members_of
from fuzzing.mutations.payloads import SIDE_EFFECT
from fuzzing.mutations.plain_bytes import Mutator

NUMPY = b"\x93NUMPY"
SHAPES = (
    "()", "(0, 6)", "(40,)", "(1000000000, 6)", "(-1, 6)", "(10**9, 10**9)", "(2**63, 2)", "(True, 240)", "('a',)",
)  # fmt: skip
TYPES = (
    "'|O'", "'<U60'", "'<c16'", "'<M8[s]'", "'>f4'", "'<f2'", "'<i8'", "'|b1'", "[('a', '<f4')]", "'<f16'", "'none'",
)  # fmt: skip
CELLS = (
    "", "nan", "inf", "-inf", "1e400", "1e39", "text", '"', '""', "\0", "=cmd|' /C calc'!A0", "<b>x</b>", "9" * 400,
    "0x10", "\u0661\u0662", "\ufeff", "1,5", " 1 ", "None", "-1", "1e308",
)  # fmt: skip


class Runs:
    """Pickled, it imports the module that stands for the user's code."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return __import__, (SIDE_EFFECT,)


def _on_arrays(edit: Callable[[bytes, Random], bytes]) -> Mutator:
    """Edit an array, alone or one of those in an archive."""

    def mutate(data: bytes, rng: Random) -> bytes | None:
        if data.startswith(NUMPY):
            return edit(data, rng)
        members = members_of(data)
        own = [place for place, (_, content) in enumerate(members or ()) if content.startswith(NUMPY)]
        if not members or not own:
            return None
        at = rng.choice(own)
        members[at] = (members[at][0], edit(members[at][1], rng))
        return archive_of(members)

    return mutate


def _header(content: bytes, rng: Random) -> bytes:
    """Declare another shape, type or order, or what no reader should evaluate."""
    (length,) = struct.unpack_from("<H", content, 8)
    text, values = content[10 : 10 + length].decode("latin1"), content[10 + length :]
    own = eval(text, {"__builtins__": {}})
    shape, kind = rng.choice((str(own["shape"]), *SHAPES)), rng.choice((repr(own["descr"]), *TYPES))
    order = rng.choice(("False", "True"))
    said = rng.choice(
        (
            f"{{'descr': {kind}, 'fortran_order': {order}, 'shape': {shape}}}",
            f"{{'descr': {kind}, 'shape': {shape}}}",
            f"__import__('{SIDE_EFFECT}')",
            "(" * 3000,
            "{" * 50,
            "",
        )
    ).encode()
    return NUMPY + b"\x01\x00" + struct.pack("<H", len(said)) + said + values


def _objects(content: bytes, rng: Random) -> bytes:
    """Hold pickled objects, whose reading would run code."""
    said = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,)}"
    return NUMPY + b"\x01\x00" + struct.pack("<H", len(said)) + said + pickle.dumps([Runs()])


def _lines(data: bytes) -> list[str] | None:
    text = data.decode("utf-8", "replace")
    return text.split("\n") if text.count(",") > 20 and not data.startswith((b"PK", NUMPY)) else None


def cells(data: bytes, rng: Random) -> bytes | None:
    """Write odd values into one to five cells."""
    lines = _lines(data)
    if lines is None:
        return None
    for _ in range(rng.choice((1, 1, 2, 5))):
        at = rng.randrange(len(lines))
        row = lines[at].split(",")
        row[rng.randrange(len(row))] = rng.choice(CELLS)
        lines[at] = ",".join(row)
    return "\n".join(lines).encode()


def layout(data: bytes, rng: Random) -> bytes | None:
    """Leave out a header or a column, double names, add thousands of columns, or use other separators and encodings."""
    lines = _lines(data)
    if lines is None:
        return None
    text = "\n".join(lines)
    wide = ",".join("a" for _ in range(rng.choice((2000, 20_000))))
    return rng.choice(
        (
            "\n".join(lines[1:]).encode(),
            lines[0].encode(),
            text.replace(",", rng.choice((";", "\t", ",,"))).encode(),
            text.encode("utf-16"),
            ("\ufeff" + text).encode(),
            f"{wide}\n{wide}\n".encode(),
            text.replace("feature 1", "feature 2").encode(),
            text.replace("\n", "\r").encode(),
            (text + '"' + "x" * rng.choice((10, 1_000_000))).encode(),
            ("\n" * 1000 + text).encode(),
            ("x\n" + "1\n" * 50_000).encode(),
        )
    )


TABLES: dict[str, Mutator] = {
    "array header": _on_arrays(_header),
    "array of objects": _on_arrays(_objects),
    "cells": cells,
    "table layout": layout,
}
