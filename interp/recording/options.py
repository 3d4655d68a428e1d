"""How activations are stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from interp.types.annotations.flags import Flag


@dataclass(frozen=True)
class StoreOptions:
    """How activations are stored.

    Attributes
    ----------
    dtype
        Type that pre-activations are stored as: float32, float16 or bfloat16; the last two take half the room, and what
        rounding costs is measured.

    Examples
    --------
    >>> StoreOptions().dtype
    'float32'
    """

    dtype: Annotated[str, Flag(name="store_dtype")] = "float32"
