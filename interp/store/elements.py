"""Dataclasses, tables, arrays and plain values <-> HDF5 groups that say what they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import h5py
import numpy as np

from interp import types
from interp.store.checks.sound import texts
from interp.store.handles import attribute, mark, members, new_group, new_text
from interp.store.migrations import migrated
from interp.store.packed import read_array, write_array
from interp.types.annotations.frames import is_frame, pd
from interp.types.json_values import as_json

if TYPE_CHECKING:
    from h5py.h5g import GroupID

    from interp.store.handles import Handle

VERSION = 12
"""Version of the format, written into every file.

2 added `RunEffects`, and fields of `Effects` that read as empty from version 1; 3 the nodes that were drawn of a layer;
4 has columns `score`, `no_op` and `copy`, tables of whole layers and of single nodes, and checksums of recorded values;
5 prototypes beside untrained layers, what two halves of the samples say of mixtures and labels, and every null with its
p-values; 6 what silencing a node costs each class, kinds by the means of classes, and NaN in place of -1 where there is
no component or centroid; 7 packed arrays of results, the mean of z in place of the projection that follows from it, and
shares of few samples in place of means of the network's input; 8 recorded values in fewer bits; 9 those of some
samples; 10 packed ones; 11 a digest over all arrays of results, those called ``values`` too; 12 a checksum over what no
block's checksum covers of a recording that is begun.
"""

READABLE = tuple(range(1, VERSION + 1))
CLASSES = {
    cls.__name__: cls
    for cls in (
        types.Attribution,
        types.Boundaries,
        types.ClusterMatch,
        types.Coherence,
        types.Effects,
        types.GaussianFit,
        types.NodeLayer,
        types.Prototypes,
        types.Provenance,
        types.ReadingProfile,
        types.RunEffects,
        types.Screening,
        types.Thresholds,
    )
}
"""Classes that may stand in a file; fields keep their names, a new one has a default, and `VERSION` goes up."""


def write_element(group: h5py.Group, name: str, value: Any) -> None:
    """Write a dataclass, mapping, tuple, table, array or plain value.

    Parameters
    ----------
    group
        HDF5 group to write into.
    name
        Name of the element in the group.
    value
        Value to write.

    Raises
    ------
    TypeError
        If something has no JSON value and is no array, table or dataclass.
    """
    _write(group.id, name, value)


def _write(group: GroupID, name: str, value: Any) -> None:
    key = quote(name, safe=" .:()-_") or "%00"
    key = key if key.strip(".") else key.replace(".", "%2E")  # HDF5 reads "." as the group itself
    if is_frame(value):
        _write_parts(group, key, "dataframe", {str(c): value[c].to_numpy() for c in value.columns})
    elif is_dataclass(value) and not isinstance(value, type):
        _write_parts(group, key, type(value).__name__, {f.name: getattr(value, f.name) for f in fields(value)})
    elif isinstance(value, Mapping) and any(_is_compound(part) for part in value.values()):
        _write_parts(group, key, "mapping", {str(k): part for k, part in value.items()})
    elif isinstance(value, tuple) and any(_is_compound(part) for part in value):
        _write_parts(group, key, "tuple", {str(i): part for i, part in enumerate(value)})
    elif isinstance(value, np.ndarray):
        _write_array(group, key, value)
    else:
        mark(new_text(group, key, json.dumps(as_json(value, exact=True))), "json", VERSION)


def _is_compound(value: Any) -> bool:
    if isinstance(value, (Mapping, tuple)):
        return any(_is_compound(part) for part in (value.values() if isinstance(value, Mapping) else value))
    return isinstance(value, np.ndarray) or is_frame(value) or (is_dataclass(value) and not isinstance(value, type))


def _write_parts(group: GroupID, key: str, encoding: str, parts: Mapping[str, Any]) -> None:
    inner = new_group(group, key)
    mark(inner, encoding, VERSION)
    for name, part in parts.items():
        _write(inner, name, part)


def _write_array(group: GroupID, key: str, value: types.Array) -> None:
    if value.dtype.kind in "UO":
        data = h5py.Group(group).create_dataset(key, data=value.astype(object), dtype=h5py.string_dtype())
        mark(data.id, "string-array", VERSION)
    else:
        mark(write_array(group, key, value), "array", VERSION)


def read_element(node: Any, classes: Mapping[str, type] = CLASSES) -> Any:
    """Read back what `write_element` wrote.

    Parameters
    ----------
    node
        HDF5 group or dataset.
    classes
        Classes that may stand there, by name.
    """
    return _read(node.id, classes)


def _read(node: Handle, classes: Mapping[str, type]) -> Any:
    encoding = attribute(node, b"encoding-type")
    if encoding == "array":
        return read_array(node)
    if encoding == "string-array":
        return np.array(texts(node), dtype=str)
    if encoding == "json":
        return json.loads(texts(node)[0])
    found = {_name(key): _read(part, classes) for key, part in members(node)}
    if encoding == "mapping":
        return found
    if encoding == "tuple":
        return tuple(found.values())
    if encoding == "dataframe":
        return pd.DataFrame(found)
    return classes[encoding](**migrated(encoding, int(attribute(node, b"encoding-version")), found))


def _name(key: bytes) -> str:
    return "" if key == b"%00" else unquote(key.decode("utf8", "surrogateescape"))
