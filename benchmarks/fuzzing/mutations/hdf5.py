"""Damage to HDF5 files of results: links, storage, shapes, kinds and texts, half of them sealed again."""

from __future__ import annotations

import json
import tempfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import h5py
import numpy as np

from fuzzing.mutations.hdf5_parts.attributes import hostile_attributes
from fuzzing.mutations.hdf5_parts.blocks import damaged_blocks
from fuzzing.mutations.hdf5_parts.metadata import damaged_metadata
from fuzzing.mutations.payloads import SIDE_EFFECT, VICTIM
from fuzzing.mutations.plain_bytes import Mutator
from interp.store.checks.sound import check_sound, seal
from interp.store.elements import CLASSES
from interp.store.files import PACKING

SIGNATURE = b"\x89HDF"
CODE = f"{SIDE_EFFECT}:run"


SEALED = ", sealed again"
"""End of the name of damage that is given a digest of its own, where its structure is sound."""


ENDS = {"": False, SEALED: True}


def _edited(edit: Callable[[h5py.File, Random], None], is_sealed: bool) -> Mutator:
    def mutate(data: bytes, rng: Random) -> bytes | None:
        if not data.startswith(SIGNATURE):
            return None
        with tempfile.TemporaryDirectory() as folder:  # many times faster than in memory
            path = Path(folder) / "file.h5"
            path.write_bytes(data)
            with h5py.File(path, "r+") as file:
                edit(file, rng)
                if is_sealed:
                    with suppress(Exception):  # what is not sound is refused before its seal is looked at
                        check_sound(file, packing=PACKING.get(file.attrs["encoding-type"]))
                        seal(file)
            return path.read_bytes()

    return mutate


def _objects(file: h5py.File) -> list[str]:
    found: list[str] = []
    file.visit(found.append)
    return found


def _datasets(file: h5py.File) -> list[str]:
    return [name for name in _objects(file) if isinstance(file[name], h5py.Dataset)]


def _put(file: h5py.File, name: str, value: Any, **said: Any) -> None:
    """Put a data set in another's place, with its marks."""
    marks = dict(file[name].attrs)
    del file[name]
    file.create_dataset(name, data=value, **said) if value is not None else file.create_dataset(name, **said)
    for key, mark in marks.items():
        file[name].attrs[key] = mark


def _links(file: h5py.File, rng: Random) -> None:
    """Point to another file, to another place, to itself, or twice to one place."""
    names = _objects(file)
    name = rng.choice(names)
    parent = name.rpartition("/")[0] or "/"
    links: list[Any] = [
        h5py.ExternalLink(str(VICTIM), "/"),
        h5py.ExternalLink("net.h5", "/results"),
        h5py.ExternalLink("activations.h5", f"/{name}"),
        h5py.SoftLink("/"),
        h5py.SoftLink(f"/{name}"),
        h5py.SoftLink("/nowhere"),
        h5py.SoftLink(f"/{rng.choice(names)}"),
        file[parent],
        file[rng.choice(names)],
    ]
    link = rng.choice(links)
    del file[name]
    file[name] = link


def _bomb_of_links(file: h5py.File, rng: Random) -> None:
    """Nest groups each of which holds the next one twice: two to the power of 40 ways through."""
    group = file.get("results", file)
    for level in range(rng.choice((3, 40))):
        inner = group.create_group(f"a{level}")
        inner.attrs["encoding-type"], inner.attrs["encoding-version"] = "mapping", 2
        group["b"] = inner
        group = inner


def _deep(file: h5py.File, rng: Random) -> None:
    group = file.get("results", file)
    for _ in range(rng.choice((60, 600))):
        group = group.create_group("a")
        group.attrs["encoding-type"], group.attrs["encoding-version"] = "mapping", 2


def _storage(file: h5py.File, rng: Random) -> None:
    """Store values in another file, in a view of another file, or packed to nearly nothing."""
    name = rng.choice(_datasets(file))
    shape = rng.choice(((1000,), (100_000, 100_000), (2**40,)))
    layout = h5py.VirtualLayout(shape=(40,), dtype="f4")
    layout[:] = h5py.VirtualSource("activations.h5", "train/predictions", shape=(40,))
    marks = dict(file[name].attrs)
    del file[name]
    if (way := rng.randrange(4)) == 0:
        file.create_dataset(name, (100,), "u1", external=[(str(VICTIM), 0, 100)])
    elif way == 1:
        file.create_virtual_dataset(name, layout)
    elif way == 2:
        file.create_dataset(name, shape, "f8", chunks=True, compression="gzip")
    else:
        file.create_dataset(name, (1 << 22,), "f8", data=np.zeros(1 << 22), chunks=(1 << 20,), compression="gzip")
    for key, mark in marks.items():
        file[name].attrs[key] = mark


def _declared(file: h5py.File, rng: Random) -> None:
    """Declare a huge shape of which nothing is stored."""
    shape = rng.choice(((2**33,), (2**20, 2**20), (2**31, 4)))
    _put(file, rng.choice(_datasets(file)), None, shape=shape, dtype=rng.choice(("f4", "i8", "u1")))


def _kinds(file: h5py.File, rng: Random) -> None:
    """Hold values of another kind, shape or size."""
    name = rng.choice(_datasets(file))
    own = file[name]
    count = own.size
    number = own[()] if own.dtype.kind in "biuf" else np.arange(5.0)
    values = (
        np.full(np.shape(number), np.nan), np.full(np.shape(number), np.inf), np.full(np.shape(number), -7),
        np.full(np.shape(number), 2**62), np.ones(count + 1), np.ones((count, 1)), np.float64(3), np.empty((0, 3)),
        h5py.Empty("f4"), np.ones(count, "c8"), np.ones(count, [("a", "f4"), ("b", "i4")]), b"bytes", "text",
        np.array(["a", "b"], dtype=object), np.asarray(number).T, np.ones((1,) * 20), file.ref,
    )  # fmt: skip
    _put(file, name, values[rng.randrange(len(values))])


def _swapped(file: h5py.File, rng: Random) -> None:
    """Exchange two objects, or rename one."""
    first, second = rng.choice(_objects(file)), rng.choice(_objects(file))
    if first.startswith(second) or second.startswith(first):
        file.move(first, first + rng.choice(("x", " ", "\n", "<b>", "%00")))
        return
    file.move(first, "held")
    file.move(second, first)
    file.move("held", second)


def _removed(file: h5py.File, rng: Random) -> None:
    """Leave an object or a mark out."""
    name = rng.choice(_objects(file))
    if rng.random() < 0.5:
        del file[name]
    else:
        marks = file[name].attrs if rng.random() < 0.7 else file.attrs
        del marks[rng.choice(sorted(marks))]


def _marks(file: h5py.File, rng: Random) -> None:
    """Say another kind or version."""
    place = file[rng.choice(_objects(file))] if rng.random() < 0.7 else file
    kinds = (
        "array",
        "string-array",
        "json",
        "mapping",
        "tuple",
        "dataframe",
        *CLASSES,
        "nothing",
        "",
        "interp-results",
    )
    values: tuple[Any, ...] = (rng.choice(kinds), np.ones(3), 5, np.float64("nan"), h5py.Empty("f4"), b"array")
    if rng.random() < 0.6:
        place.attrs["encoding-type"] = values[rng.choice((0, 0, 0, 1, 2, 3, 4, 5))]
    elif rng.random() < 0.5:
        place.attrs["encoding-version"] = rng.choice((0, 1, 2, 3, 10**9, -1, "two", 2.5))
    else:
        place.attrs["positions"] = rng.choice((0, -1, 2, 10**12, 2**62, 1.5, "many"))


def _texts(file: h5py.File, rng: Random) -> None:
    """Change what a text says: paths, options, names; nothing of it may be run."""
    names = [name for name in _datasets(file) if h5py.check_string_dtype(file[name].dtype) and file[name].shape == ()]
    settings = [name for name in names if name.endswith("settings")]
    name = rng.choice(settings or names) if rng.random() < 0.7 else rng.choice(names)
    said = json.loads(file[name].asstr()[()])
    others = (
        None,
        [],
        {},
        "x",
        -1,
        1e400,
        [[1]],
        "<script>alert(1)</script>",
        "a" * 100_000,
        "\0",
        {"a": 1},
        CODE,
        True,
    )
    if isinstance(said, dict) and said:
        key = rng.choice(sorted(said))
        if rng.random() < 0.6 and isinstance(said[key], dict) and said[key]:
            said[key][rng.choice((*sorted(said[key]), "model", "allow_pickle"))] = rng.choice((*others, CODE, True))
        elif rng.random() < 0.3:
            del said[key]
        else:
            said[key] = rng.choice(others)
    else:
        said = rng.choice(others)
    text = rng.choice((json.dumps(said),) * 6 + ("", "{", "[" * 5000, "NaN", "1" * 5000))
    _put(file, name, text, dtype=h5py.string_dtype())


def _packed(file: h5py.File, rng: Random) -> None:
    """Pack values in another way than ours, or put another chunk in the place of a packed array's."""
    numbers = [name for name in _datasets(file) if file[name].dtype.kind in "iuf" and file[name].ndim]
    name = rng.choice([name for name in numbers if file[name].chunks] or numbers)
    if rng.random() < 0.4:
        _packed_otherwise(file, name, rng)
        return
    values = file[name][()]
    shape = rng.choice((values.shape, values.shape, (values.size,), values.T.shape, (*values.shape, 1), (7, 11)))
    dtype = rng.choice((values.dtype, values.dtype, values.dtype.newbyteorder(), "f2", "u1", "i4", "f4"))
    marked = {"chunks": shape, "shuffle": True, "compression": "gzip"}
    _put(file, name, None, shape=shape, dtype=dtype, **marked if 0 not in shape else {})
    if 0 not in shape and rng.random() < 0.9:
        mask = rng.choice((0, 0, 0, 1, 2, 3))
        file[name].id.write_direct_chunk((0,) * len(shape), _chunk(values.tobytes(), rng), mask)


def _chunk(values: bytes, rng: Random) -> bytes:
    """Deflate some bytes, too few or too many of them, and damage what comes of it."""
    size = len(values)
    plain = rng.choice((values, values[:-1], values * 2, b"", b"\0" * size, b"\0" * (100 * size), rng.randbytes(size)))
    chunk = bytearray(zlib.compress(plain, rng.choice((0, 4, 9))))
    if (way := rng.randrange(6)) == 0:
        chunk[rng.randrange(len(chunk))] ^= 1 << rng.randrange(8)
    elif way == 1:
        del chunk[rng.randrange(len(chunk)) :]
    elif way == 2:
        chunk += rng.randbytes(rng.choice((1, 1000)))
    return bytes(chunk)


def _packed_otherwise(file: h5py.File, name: str, rng: Random) -> None:
    """Store values with other filters, in several chunks, or with room to grow."""
    values = file[name][()]
    shape, several = values.shape, tuple(max(1, one // 2) for one in values.shape)
    ways: tuple[dict[str, Any], ...] = (
        {"chunks": shape, "compression": "gzip"},
        {"chunks": shape, "shuffle": True},
        {"chunks": shape, "compression": "lzf", "shuffle": True},
        {"chunks": shape, "compression": "gzip", "shuffle": True, "fletcher32": True},
        {"chunks": several, "compression": "gzip", "shuffle": True},
        {"chunks": shape, "compression": "gzip", "shuffle": True, "maxshape": (None,) * len(shape)},
        {"chunks": shape, "compression": "gzip", "shuffle": True, "scaleoffset": 3 if values.dtype.kind == "f" else 0},
    )
    _put(file, name, values, **rng.choice(ways) if 0 not in shape else {})


EDITS: dict[str, Callable[[h5py.File, Random], None]] = {
    "h5 links": _links,
    "h5 bomb of links": _bomb_of_links,
    "h5 nested": _deep,
    "h5 storage": _storage,
    "h5 packed": _packed,
    "h5 blocks": damaged_blocks,
    "h5 declared size": _declared,
    "h5 kinds": _kinds,
    "h5 swapped": _swapped,
    "h5 removed": _removed,
    "h5 marks": _marks,
    "h5 attributes": hostile_attributes,
    "h5 texts": _texts,
}
METADATA: dict[str, Mutator] = {"h5 metadata": damaged_metadata}
HDF5: dict[str, Mutator] = METADATA | {
    f"{name}{end}": _edited(edit, is_sealed) for name, edit in EDITS.items() for end, is_sealed in ENDS.items()
}
ATTRIBUTES = tuple(name for name in HDF5 if name.startswith("h5 attributes"))
