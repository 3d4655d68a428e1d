"""Checks of a file's structure, whoever wrote it: plain data of its own, no more than it holds, as it was sealed.

HDF5 files can point to other files, hold one object under many names, and declare far more than they store. None of
ours does, so all of it is refused before anything is read; arrays packed as `interp.store.packed` does it are held
against what they may declare.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING

import h5py
import numpy as np

from interp.store.packed import check_packed, is_packed, read_array

if TYPE_CHECKING:
    from h5py.h5d import DatasetID
    from h5py.h5g import GroupID

SEAL = "digest"
UNSEALED = b""
SEAL_TYPE = "S64"
UNHASHED = "values"  # pre-activations: too many to be read at every stage
TEXT_AT_ONCE = 50_000_000  # bytes that texts read in one go may take, were each as long as the file


def check_sound(file: h5py.File, part: str | None = None, may_pack: bool = False) -> None:
    """Walk all links and headers.

    Parameters
    ----------
    file
        Open HDF5 file.
    part
        Name of the only element that is going to be read; None for the whole file.
    may_pack
        Whether arrays may be packed, as those of results may.

    Raises
    ------
    ValueError
        For links to other places, objects of two names, storage that is foreign or packed in another way than ours,
        types that are not ours, and data that are declared larger than the file.
    """
    declared, seen = 0, set()
    for name, node in _walk(file.id, part=part):
        address = h5py.h5o.get_info(node).addr
        if address in seen:
            raise ValueError(f"{name} is another name of what came before")
        seen.add(address)
        if isinstance(node, h5py.h5d.DatasetID):
            declared += _check_storage(name, node, may_pack)
    if declared > file.id.get_filesize():
        raise ValueError(f"{declared:,} bytes declared in {file.id.get_filesize():,}")


def _walk(
    group: GroupID, above: str = "", depth: int = 0, part: str | None = None
) -> Iterator[tuple[str, GroupID | DatasetID]]:
    """Yield every object below a group by its path, in order, following plain links only.

    They are HDF5's own handles: h5py's objects for them take several times as long, which is most of the time that
    reading a small file takes.
    """
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


def _check_storage(name: str, node: DatasetID, may_pack: bool) -> int:
    """Give the number of bytes that a dataset takes, or raise `ValueError`."""
    made = node.get_create_plist()
    if may_pack and is_packed(node):
        return check_packed(name, node)
    if made.get_layout() not in (h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT) or made.get_external_count():
        raise ValueError(f"{name} is packed, or stored elsewhere")
    if node.dtype.kind not in "biuf" and not _is_text(node):
        raise ValueError(f"{name} of type {node.dtype}")
    return prod(node.shape or ()) * int(node.dtype.itemsize)


def _is_text(node: DatasetID) -> bool:
    text = h5py.check_string_dtype(node.dtype)
    return text is not None and text.length is None


def texts(node: h5py.Dataset) -> list[str]:
    """Read texts, few at a time, since any number of them may share one long one.

    Parameters
    ----------
    node
        HDF5 dataset of texts, of no axis or one.

    Raises
    ------
    ValueError
        If they are longer together than the file.
    """
    if node.shape == ():
        return [node.asstr()[()]]
    if node.ndim != 1:
        raise ValueError(f"texts of shape {node.shape}")
    size = node.file.id.get_filesize()
    found: list[str] = []
    total, step = 0, max(1, TEXT_AT_ONCE // max(size, 1))
    for start in range(0, len(node), step):
        part = node.asstr()[start : start + step]
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
    file.attrs.modify(SEAL, np.array(_digest(file).encode(), SEAL_TYPE))


def check_seal(file: h5py.File) -> None:
    """Compare a file with its digest; files of older versions have none.

    Parameters
    ----------
    file
        Open HDF5 file.

    Raises
    ------
    ValueError
        If the content is not as it was sealed.
    """
    if SEAL in file.attrs and bytes(file.attrs[SEAL]).decode() != _digest(file):
        raise ValueError("its content is not as it was written")


def _digest(file: h5py.File) -> str:
    """SHA-256 over the names, kinds and content of all but pre-activations, in hexadecimal."""
    digest = hashlib.sha256()
    for name, handle in _walk(file.id):
        is_data = isinstance(handle, h5py.h5d.DatasetID)
        node = h5py.Dataset(handle) if is_data else h5py.Group(handle)
        marks = sorted((key, str(value)) for key, value in node.attrs.items())
        digest.update(f"{name}{marks}".encode())
        if not is_data:
            continue
        digest.update(f"{node.shape}{node.dtype}".encode())
        if _is_text(handle):
            digest.update("\0".join(texts(node)).encode())
        elif name.rpartition("/")[2] != UNHASHED:
            digest.update(np.ascontiguousarray(read_array(node)).data)
    return digest.hexdigest()
