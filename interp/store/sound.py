"""Checks of a file's structure, whoever wrote it: plain data of its own, no more than it holds, as it was sealed.

HDF5 files can point to other files, hold one object under many names, and declare far more than they store. None of
ours does, so all of it is refused before anything is read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import h5py
import numpy as np

SEAL = "digest"
UNSEALED = b""
SEAL_TYPE = "S64"
UNHASHED = "values"  # pre-activations: too many to be read at every stage
TEXT_AT_ONCE = 50_000_000  # bytes that texts read in one go may take, were each as long as the file


def check_sound(file: h5py.File) -> None:
    """Walk all links and headers.

    Parameters
    ----------
    file
        Open HDF5 file.

    Raises
    ------
    ValueError
        For links to other places, objects of two names, packed or foreign storage, types that are not ours, and data
        that are declared larger than the file.
    """
    declared, seen = 0, set()
    for name, node in _walk(file):
        address = h5py.h5o.get_info(node.id).addr
        if address in seen:
            raise ValueError(f"{name} is another name of what came before")
        seen.add(address)
        if isinstance(node, h5py.Dataset):
            _check_storage(name, node)
            declared += node.size * node.dtype.itemsize
    if declared > file.id.get_filesize():
        raise ValueError(f"{declared:,} bytes declared in {file.id.get_filesize():,}")


def _walk(group: h5py.Group, above: str = "", depth: int = 0) -> Iterator[tuple[str, h5py.Group | h5py.Dataset]]:
    """Yield every object below a group by its path, in order, following plain links only."""
    if depth > 50:
        raise ValueError(f"groups nested over 50 deep at {above}")
    for key in group:
        name = f"{above}/{key}"
        if not isinstance(group.get(key, getlink=True), h5py.HardLink):
            raise ValueError(f"{name} is a link to another place")
        node = group[key]
        if not isinstance(node, (h5py.Group, h5py.Dataset)):
            raise ValueError(f"{name} is no group or data set")
        yield name, node
        if isinstance(node, h5py.Group):
            yield from _walk(node, name, depth + 1)


def _check_storage(name: str, node: h5py.Dataset) -> None:
    layout = node.id.get_create_plist().get_layout()
    if layout not in (h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT) or node.external:
        raise ValueError(f"{name} is packed, or stored elsewhere")
    if node.dtype.kind not in "biuf" and not _is_text(node):
        raise ValueError(f"{name} of type {node.dtype}")


def _is_text(node: h5py.Dataset) -> bool:
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
    for name, node in _walk(file):
        marks = sorted((key, str(value)) for key, value in node.attrs.items())
        digest.update(f"{name}{marks}".encode())
        if not isinstance(node, h5py.Dataset):
            continue
        digest.update(f"{node.shape}{node.dtype}".encode())
        if _is_text(node):
            digest.update("\0".join(texts(node)).encode())
        elif name.rpartition("/")[2] != UNHASHED:
            digest.update(np.ascontiguousarray(node[()]).data)
    return digest.hexdigest()
