"""Checks of a file's structure, whoever wrote it: plain data of its own, no more than it holds, as it was sealed.

HDF5 files can point to other files, hold one object under many names, and declare far more than they store. None of
ours does, so all of it is refused before anything is read; packed arrays are held against what they may declare
(`interp.store.packed`, `interp.store.codec`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import h5py
import numpy as np

from interp.store.checks.heaps import reading
from interp.store.handles import attributes, check_layout, file_size, strings
from interp.store.packed import is_packed, read_array
from interp.types import Array

if TYPE_CHECKING:
    from h5py.h5d import DatasetID
    from h5py.h5g import GroupID

    Named: TypeAlias = tuple[str, GroupID | DatasetID]
    Packing: TypeAlias = Callable[[str, DatasetID], int]

SEAL = "digest"
UNSEALED = b""
SEAL_TYPE = "S64"
UNHASHED = "values"  # pre-activations: too many to be read at every stage, and with checksums of their own
RECORDED = "interp-recording"
ALL_HASHED = 11  # version from which every other array of that name is part of the digest
MOST_ROWS = 2**18  # rows of one dataset that are digested at once
TEXT_AT_ONCE = 50_000_000  # bytes that texts read in one go may take, were each as long as the file


def check_sound(file: h5py.File, part: str | None = None, packing: Packing | None = None) -> list[Named]:
    """Walk all links and headers.

    Parameters
    ----------
    file
        Open HDF5 file.
    part
        Name of the only element that is going to be read; None for the whole file.
    packing
        Function of the path and handle of a dataset that is stored in chunks, which gives the number of bytes that it
        takes and raises `ValueError` where it is not packed as it may be; None where nothing may be packed.

    Returns
    -------
    list
        Path and handle of every group and dataset, in order.

    Raises
    ------
    ValueError
        For links to other places, objects of two names, storage that is foreign or packed in another way than ours,
        types that are not ours or laid out as numpy has none, and data that are declared larger than the file.
    """
    declared, seen, nodes = 0, set(), []
    for name, node in _walk(file.id, part=part):
        address = h5py.h5o.get_info(node).addr
        if address in seen:
            raise ValueError(f"{name} is another name of what came before")
        seen.add(address)
        nodes.append((name, node))
        if isinstance(node, h5py.h5d.DatasetID):
            declared += _check_storage(name, node, packing)
    if declared > file.id.get_filesize():
        raise ValueError(f"{declared:,} bytes declared in {file.id.get_filesize():,}")
    return nodes


def check_texts(path: Path, packing: Packing | None = None) -> None:
    """Read all texts and attributes of a file once, before it is opened to be written into.

    Parameters
    ----------
    path
        Path of the file.
    packing
        Check of packed arrays, as `check_sound` takes it.

    Raises
    ------
    OSError
        If it is no such file.
    ValueError
        For what `check_sound` finds, and texts that HDF5 would not come to the end of.
    """
    with reading(path) as file:
        for _, node in check_sound(file, packing=packing):
            attributes(node)
            if isinstance(node, h5py.h5d.DatasetID) and _is_text(node.dtype):
                texts(node)


def _walk(group: GroupID, above: str = "", depth: int = 0, part: str | None = None) -> Iterator[Named]:
    """Yield every object below a group by its path, in order, following plain links only."""
    if depth > 50:
        raise ValueError(f"groups nested over 50 deep at {above}")
    for key in group if part is None else [part.encode()]:
        name = f"{above}/{key.decode('utf8', 'surrogateescape')}"
        if group.links.get_info(key).type != h5py.h5l.TYPE_HARD:
            raise ValueError(f"{name} is a link to another place")
        node = h5py.h5o.open(group, key)
        if not isinstance(node, (h5py.h5g.GroupID, h5py.h5d.DatasetID)):
            raise ValueError(f"{name} is no group or data set")
        yield name, node
        if isinstance(node, h5py.h5g.GroupID):
            yield from _walk(node, name, depth + 1)


def _check_storage(name: str, node: DatasetID, packing: Packing | None) -> int:
    """Give the number of bytes that a dataset takes, or raise `ValueError`."""
    check_layout(node.get_type())
    made = node.get_create_plist()
    layout = made.get_layout()
    if packing is not None and layout == h5py.h5d.CHUNKED:
        return packing(name, node)
    if layout not in (h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT) or made.get_external_count():
        raise ValueError(f"{name} is packed, or stored elsewhere")
    kind = node.dtype
    if kind.kind not in "biuf" and not _is_text(kind):
        raise ValueError(f"{name} of type {kind}")
    return prod(node.shape or ()) * int(kind.itemsize)


def _is_text(kind: np.dtype) -> bool:
    text = h5py.check_string_dtype(kind)
    return text is not None and text.length is None


def texts(node: DatasetID) -> list[str]:
    """Read texts, few at a time, since any number of them may share one long one.

    Parameters
    ----------
    node
        Handle of a dataset of texts, of no axis or one.

    Raises
    ------
    ValueError
        If they are longer together than the file.
    """
    shape = node.shape
    if shape == ():
        return strings(node)
    if shape is None or len(shape) != 1:
        raise ValueError(f"texts of shape {shape}")
    size = file_size(node)
    found: list[str] = []
    total, step = 0, max(1, TEXT_AT_ONCE // max(size, 1))
    for start in range(0, shape[0], step):
        part = strings(node) if step >= shape[0] else h5py.Dataset(node).asstr()[start : start + step]
        total += sum(map(len, part))
        if total > size:
            raise ValueError(f"texts of over {total:,} characters in {size:,} bytes")
        found += list(part)
    return found


# --------------------------------------------------------------------------- seals


def prepare_seal(file: h5py.File) -> None:
    """Make room for the digest, so that writing it changes no metadata.

    Parameters
    ----------
    file
        HDF5 file that is being written.
    """
    file.attrs.create(SEAL, UNSEALED, dtype=SEAL_TYPE)


def seal(file: h5py.File) -> None:
    """Write the digest of a whole file.

    Parameters
    ----------
    file
        HDF5 file, written but for its digest.
    """
    file.attrs.modify(SEAL, np.array(_digest(file, _walk(file.id)).encode(), SEAL_TYPE))


def check_seal(file: h5py.File, nodes: Iterable[Named]) -> None:
    """Compare a file with its digest; files of older versions have none.

    Parameters
    ----------
    file
        Open HDF5 file.
    nodes
        Path and handle of every group and dataset, as `check_sound` gives them.

    Raises
    ------
    ValueError
        If the content is not as it was sealed.
    """
    if SEAL in file.attrs and bytes(file.attrs[SEAL]).decode() != _digest(file, nodes):
        raise ValueError("its content is not as it was written")


def _parts_of(node: DatasetID) -> Iterator[Array]:
    """Yield the numbers of a dataset in order, some rows at a time: of millions of samples they are not held whole."""
    rows = (node.shape or (0,))[0]
    if is_packed(node) or rows <= MOST_ROWS:
        yield read_array(node)
        return
    table = h5py.Dataset(node)
    for start in range(0, rows, MOST_ROWS):
        yield table[start : start + MOST_ROWS]


def _is_hashed(name: str, is_recording: bool, is_old: bool) -> bool:
    """Whether the content of a dataset is part of the digest: all but the pre-activations of a recording."""
    *above, own = name.split("/")
    return own != UNHASHED or not (is_old or (is_recording and above[2:3] == ["z"]))


def _digest(file: h5py.File, nodes: Iterable[Named]) -> str:
    """SHA-256 over the names, kinds and content of all but pre-activations, in hexadecimal."""
    digest = hashlib.sha256()
    is_recording = file.attrs["encoding-type"] == RECORDED
    is_old = int(file.attrs["encoding-version"]) < ALL_HASHED
    for name, node in nodes:
        marks = sorted((key, str(value)) for key, value in attributes(node))
        digest.update(f"{name}{marks}".encode())
        if not isinstance(node, h5py.h5d.DatasetID):
            continue
        kind = node.dtype
        digest.update(f"{node.shape}{kind}".encode())
        if _is_text(kind):
            digest.update("\0".join(texts(node)).encode())
        elif _is_hashed(name, is_recording, is_old):
            for part in _parts_of(node):
                digest.update(np.ascontiguousarray(part).data)
    return digest.hexdigest()
