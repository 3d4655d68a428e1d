"""What is stored of a network's run, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from interp.types.annotations.flags import Flag


@dataclass(frozen=True)
class StoreOptions:
    """What is stored of a network's run, and how.

    Attributes
    ----------
    dtype
        Type that pre-activations are stored as: float32, float16 or bfloat16; the last two take half the room, and what
        rounding costs is measured.
    predictions
        Whether the class that the network predicts for each sample is stored; where it is not, what follows the last
        layer that is looked at is not run while recording.

    Examples
    --------
    >>> StoreOptions().dtype
    'float32'
    """

    dtype: Annotated[str, Flag(name="store_dtype")] = "float32"
    predictions: Annotated[bool, Flag()] = True
