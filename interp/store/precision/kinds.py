"""Numbers as they are stored: values of fewer bits take less room, and are read back as float32."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from interp.errors import unknown_name
from interp.types import Array, Rows


@dataclass(frozen=True)
class Kind:
    """A way to store pre-activations.

    Attributes
    ----------
    name
        Name of the type.
    dtype
        Type of the numbers in the file: bfloat16, which HDF5 does not know, is stored as the whole numbers that its 16
        bits stand for.
    encode
        Function from float32 to what is stored, rounded to the nearest, ties to even.
    decode
        Function from what is stored to float32.
    largest
        Largest number that can be stored.

    Examples
    --------
    >>> kind = find_kind("bfloat16")
    >>> kind.decode(kind.encode(np.float32([1, 1.005, -3e38])))
    array([ 1.0000000e+00,  1.0078125e+00, -3.0040553e+38], dtype=float32)
    """

    name: str
    dtype: np.dtype
    encode: Callable[[Array], Array]
    decode: Callable[[Array], Array]
    largest: float

    @property
    def is_exact(self) -> bool:
        """Whether nothing is rounded."""
        return self.name == "float32"


def find_kind(name: str, where: str = "--store-dtype") -> Kind:
    """Find a way to store numbers by its name.

    Parameters
    ----------
    name
        Name of the type: ``float32``, ``float16`` or ``bfloat16``.
    where
        Name of the option, for the error.

    Raises
    ------
    UsageError
        If there is none of that name.

    Examples
    --------
    >>> find_kind("float16").largest
    65504.0
    """
    if name not in KINDS:
        raise unknown_name(where, name, KINDS)
    return KINDS[name]


def _to_float16(values: Array) -> Array:
    with np.errstate(over="ignore"):  # what is too large is refused by whoever asked
        return values.astype(np.float16)


def _to_bfloat16(values: Array) -> Array:
    """Round the bits of float32 to the upper 16; what is not a number stays so."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    rounded = (bits + (np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1)))) >> np.uint32(16)
    return np.where(np.isnan(values), np.uint32(0x7FC0), rounded).astype(np.uint16)


def _from_bfloat16(stored: Array) -> Array:
    found: Array = (np.asarray(stored).astype(np.uint32) << np.uint32(16)).view(np.float32)
    return found


def _as_float32(stored: Array) -> Array:
    return np.asarray(stored, np.float32)


KINDS = {
    kind.name: kind
    for kind in (
        Kind("float32", np.dtype(np.float32), _as_float32, _as_float32, float(np.finfo(np.float32).max)),
        Kind("float16", np.dtype(np.float16), _to_float16, _as_float32, float(np.finfo(np.float16).max)),
        Kind("bfloat16", np.dtype(np.uint16), _to_bfloat16, _from_bfloat16, 255 * 2.0**120),
    )
}
"""Name of a way to store numbers -> the way."""


class DecodedRows:
    """Rows on disk, read as float32 whatever they are stored as.

    Parameters
    ----------
    values
        Rows on disk as they are stored, (L, N).
    kind
        Way in which they are stored.
    """

    def __init__(self, values: Rows, kind: Kind) -> None:
        self._values, self._kind = values, kind
        self.shape, self.dtype = values.shape, np.dtype(np.float32)

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getitem__(self, key: Any) -> Array:
        """Read some rows as numpy would."""
        return self._kind.decode(self._values[key])
