"""HDF5's own handles, read and written without h5py's objects for them.

Those objects take several times as long, and a small file is many small data sets: most of the time that reading and
writing it takes. What is read and written is the same, byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

import h5py
import numpy as np
from h5py import h5a, h5d, h5g, h5i, h5o, h5p, h5s, h5t

from interp.types import Array

if TYPE_CHECKING:
    from h5py.h5d import DatasetID
    from h5py.h5g import GroupID

    Handle: TypeAlias = GroupID | DatasetID

TEXT = h5py.string_dtype()
TEXT_TYPE = h5t.py_create(TEXT)
LOGICAL_TEXT_TYPE = h5t.py_create(TEXT, logical=True)
VERSION_TYPE = h5t.py_create(np.dtype(np.int64))
SCALAR = h5s.create(h5s.SCALAR)
IN_ORDER = h5p.CRT_ORDER_TRACKED | h5p.CRT_ORDER_INDEXED


def _plain_dataset() -> Any:
    made = h5p.create(h5p.DATASET_CREATE)
    made.set_obj_track_times(False)
    made.set_attr_creation_order(0)
    return made


def _ordered_group() -> Any:
    made = h5p.create(h5p.GROUP_CREATE)
    made.set_link_creation_order(IN_ORDER)
    made.set_attr_creation_order(IN_ORDER)
    made.set_obj_track_times(False)
    return made


PLAIN_DATASET, ORDERED_GROUP = _plain_dataset(), _ordered_group()

# --------------------------------------------------------------------------- reading


def members(group: GroupID) -> Iterator[tuple[bytes, Handle]]:
    """Yield the name and handle of each member of a group, in order.

    Parameters
    ----------
    group
        Handle of the group.
    """
    for key in group:
        yield key, h5o.open(group, key)


def attribute(node: Handle, key: bytes) -> Any:
    """Read one attribute, as `h5py` does.

    Parameters
    ----------
    node
        Handle of a group or dataset.
    key
        Name of the attribute.

    Raises
    ------
    KeyError
        If there is none of that name.
    ValueError
        If its numbers are laid out as numpy has none.
    """
    found = h5a.open(node, key)
    kind = found.get_type()
    if found.shape == ():
        if isinstance(kind, h5t.TypeStringID) and kind.is_variable_str():
            text: Any = np.empty((), TEXT)
            found.read(text, mtype=TEXT_TYPE)
            return text[()].decode("utf8", "surrogateescape")
        if isinstance(kind, h5t.TypeIntegerID) and kind.equal(VERSION_TYPE):
            number = np.empty((), np.int64)
            found.read(number, mtype=VERSION_TYPE)
            return number[()]
    check_layout(kind)
    return _wrapped(node).attrs[key]


def attributes(node: Handle) -> list[tuple[str, Any]]:
    """Read all attributes: their names and values.

    Parameters
    ----------
    node
        Handle of a group or dataset.
    """
    keys: list[bytes] = []
    h5a.iterate(node, lambda key, *_: keys.append(key))
    return [(key.decode("utf8", "surrogateescape"), attribute(node, key)) for key in keys]


def check_layout(kind: h5t.TypeID) -> None:
    """Refuse numbers whose bits are laid out as numpy has none: HDF5 writes anywhere as it brings them to numpy's.

    Parameters
    ----------
    kind
        Type in the file, of numbers or of anything else.

    Raises
    ------
    ValueError
        If its numbers are laid out so.
    """
    if isinstance(kind, h5t.TypeEnumID):  # of booleans; numpy counts those of other names as the same type
        is_usual = kind.equal(h5t.py_create(kind.dtype, logical=True))
    else:
        is_usual = not isinstance(kind, (h5t.TypeIntegerID, h5t.TypeFloatID)) or kind.equal(_usual(kind.dtype))
    if not is_usual:
        raise ValueError(f"numbers laid out otherwise than {kind.dtype}")


@cache
def _usual(dtype: np.dtype) -> h5t.TypeID:
    return h5t.py_create(dtype)


def _wrapped(node: Handle) -> h5py.Group | h5py.Dataset:
    return h5py.Dataset(node) if isinstance(node, h5d.DatasetID) else h5py.Group(node)


def numbers(node: DatasetID) -> Array:
    """Read all numbers of a dataset that is stored as it is.

    Parameters
    ----------
    node
        Handle of the dataset.

    Examples
    --------
    >>> with h5py.File("numbers", "w", driver="core", backing_store=False) as file:
    ...     numbers(file.create_dataset("x", data=np.arange(3.0)).id)
    array([0., 1., 2.])
    """
    shape = node.shape
    if shape is None:  # HDF5 knows data sets without any space
        nothing: Array = h5py.Dataset(node)[()]
        return nothing
    found = np.zeros(shape, node.dtype)
    if found.size:
        node.read(h5s.ALL, h5s.ALL, found)
    plain: Array = found[()]  # a scalar, where there is no axis
    return plain


def strings(node: DatasetID) -> list[str]:
    """Read all texts of a dataset, of no axis or one.

    Parameters
    ----------
    node
        Handle of the dataset.

    Raises
    ------
    TypeError
        If it holds no texts.
    UnicodeDecodeError
        If they are not in the encoding that it states.
    """
    text = h5py.check_string_dtype(node.dtype)
    if text is None or text.length is not None:
        raise TypeError(f"texts of type {node.dtype}")
    found = np.empty(node.shape, node.dtype)
    if found.size:
        node.read(h5s.ALL, h5s.ALL, found)
    return [each.decode(text.encoding) for each in found.flat]


def file_size(node: DatasetID) -> int:
    """Give the size in bytes of the file that a dataset lies in.

    Parameters
    ----------
    node
        Handle of the dataset.
    """
    return int(h5i.get_file_id(node).get_filesize())


# --------------------------------------------------------------------------- writing


def new_group(above: GroupID, key: str) -> GroupID:
    """Make a group that keeps its members in the order in which they are written.

    Parameters
    ----------
    above
        Handle of the group that it is made in.
    key
        Name of the group.
    """
    return h5g.create(above, key.encode(), gcpl=ORDERED_GROUP)


def new_numbers(above: GroupID, key: str, values: Array) -> DatasetID:
    """Write an array of numbers as it is.

    Parameters
    ----------
    above
        Handle of the group that it is written into.
    key
        Name of the dataset.
    values
        Array of numbers.
    """
    whole = np.asarray(values, order="C")
    kind = h5t.py_create(whole.dtype, logical=True)
    made = h5d.create(above, key.encode(), kind, h5s.create_simple(whole.shape), dcpl=PLAIN_DATASET)
    made.write(h5s.ALL, h5s.ALL, whole)
    return made


def write_rows(node: DatasetID, first: int, rows: Array) -> None:
    """Write rows that follow each other into a dataset.

    Parameters
    ----------
    node
        Handle of a dataset (L, ...).
    first
        Index of the first of the rows.
    rows
        Rows (B, ...), of any type that HDF5 brings to that of the dataset.

    Raises
    ------
    ValueError
        If the dataset has no such rows.
    """
    where = node.get_space()
    if rows.shape[1:] != where.shape[1:] or not 0 <= first <= first + len(rows) <= where.shape[0]:
        raise ValueError(f"rows {first} to {first + len(rows)} of shape {rows.shape[1:]} into {where.shape}")
    if len(rows):
        where.select_hyperslab((first, *(0 for _ in rows.shape[1:])), rows.shape)
        node.write(h5s.create_simple(rows.shape), where, np.ascontiguousarray(rows))


def new_text(above: GroupID, key: str, text: str) -> DatasetID:
    """Write one text, of no axis.

    Parameters
    ----------
    above
        Handle of the group that it is written into.
    key
        Name of the dataset.
    text
        Text, written in UTF-8.
    """
    space = h5s.create_simple(())
    made = h5d.create(above, key.encode(), LOGICAL_TEXT_TYPE, space, dcpl=PLAIN_DATASET)
    made.write(h5s.ALL, h5s.ALL, _scalar(text))
    return made


def mark(node: Handle, encoding: str, version: int) -> None:
    """Write what an element is, and the version of the format, as attributes.

    Parameters
    ----------
    node
        Handle of a group or dataset.
    encoding
        Name of what it holds.
    version
        Version of the format.
    """
    kind = h5a.create(node, b"encoding-type", LOGICAL_TEXT_TYPE, SCALAR)
    kind.write(_scalar(encoding), mtype=TEXT_TYPE)
    h5a.create(node, b"encoding-version", VERSION_TYPE, SCALAR).write(np.asarray(version, np.int64))


def _scalar(text: str) -> Array:
    held = np.empty((), TEXT)
    held[()] = text
    return held
