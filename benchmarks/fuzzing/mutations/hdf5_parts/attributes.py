"""Hostile attributes of HDF5 objects: of types that nobody wrote, of great sizes, of odd names, of great number."""

from __future__ import annotations

from random import Random
from typing import Any

import h5py
import numpy as np

NAMES = ("digest", "encoding-type", "encoding-version", "positions", "codec", "stored-as", "computed-in", "rule")
ODD_NAMES = ("", "a\nb", "\u202e", "x" * 60_000, "encoding-type ", "a" * 300)


def _values(file: h5py.File, rng: Random) -> tuple[Any, ...]:
    """Give values of all types that an attribute may have, but h5py's writers never give one of ours."""
    texts = h5py.string_dtype()
    ragged = np.empty(3, h5py.vlen_dtype(np.int64))
    ragged[:] = [np.arange(n) for n in (1, 0, 1000)]
    nested = np.zeros((), [("a", "f4"), ("b", texts), ("c", "i8", (2, 2))])
    nested["b"] = "text"
    some = [name for name in _names(file) if isinstance(file[name], h5py.Dataset) and file[name].ndim]
    region = file[rng.choice(some)].regionref[:1] if some else h5py.RegionReference()
    texts_of_one = np.empty(1, texts)
    texts_of_one[0] = "gzip"
    return (
        region,
        np.array(region, h5py.regionref_dtype),
        np.array([b"array"], "S5"),
        np.array(b"\xff\xfearray", "S9"),
        texts_of_one,
        np.empty((0,), texts),
        np.zeros((0, 2**31)),
        np.array([1, 2], np.dtype(("i4", (3,)))) if rng.random() < 0.5 else np.zeros(2, [("a", "i4", (3,))]),
        np.zeros(2, [("ref", h5py.ref_dtype), ("text", texts)]),
        np.float64("inf"),
        -(2**63),
        np.array([[3]]),
        "",
        "inf",
        "1" * 5000,
        file.ref,
        np.array([file.ref, h5py.Reference()], h5py.ref_dtype),
        file[rng.choice(list(file))].ref,
        h5py.Empty("f8"),
        h5py.Empty(texts),
        np.array(["a"] * 1000, object),
        ragged,
        nested,
        np.void(b"opaque\0bytes"),
        np.array(1, h5py.enum_dtype({"GOOD": 0, "BAD": 1}, basetype="i1")),
        np.zeros(8000, "u1"),
        np.zeros((1,) * 30),
        np.float16(1),
        np.longdouble(1),
        np.complex64(1),
        np.array(5, ">i4"),
        np.uint64(2**64 - 1),
        b"\xff\xfe not UTF-8",
        "gzip\0",
        "x" * 60_000,
        "\u202egzip",
        "float16",
        "bfloat16",
        "gzip",
        "none",
        10**6,
        -1,
        float("nan"),
        True,
    )


def _names(file: h5py.File) -> list[str]:
    found: list[str] = []
    file.visit(found.append)
    return found


def hostile_attributes(file: h5py.File, rng: Random) -> None:
    """Give one to three objects such an attribute, or one of them thousands."""
    names = ["/", *_names(file)]
    for _ in range(rng.choice((1, 1, 3))):
        marks, values = file[rng.choice(names)].attrs, _values(file, rng)
        if rng.random() < 0.1:
            for number in range(rng.choice((20, 3000))):  # over eight are stored in another way
                marks.create(f"a{number}", rng.choice(values[-6:]))
            continue
        if len(marks) and rng.random() < 0.1:
            del marks[rng.choice(list(marks))]
            continue
        name = rng.choice((*NAMES, *marks, *marks, rng.choice(ODD_NAMES)))
        value = values[rng.randrange(len(values))]
        if rng.random() < 0.1 and "kind" not in file:
            file["kind"] = np.dtype("i8")  # a type that attributes share
            marks.create(name, 5, dtype=file["kind"])
        else:
            marks.create(name, value)
