"""What is stored of a network's run, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from interp.types.annotations.flags import Flag

FORWARD = ("float32", "bfloat16")
"""Types that a network's products may have while it is recorded."""


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
    forward
        Type of the network's products while it is recorded: float32, or bfloat16, which is quicker; on samples drawn at
        random the difference is measured. Other stages run the network in float32.
    positions
        Number of positions of each sample that are recorded of convolutions, or of time steps of a sequence, drawn at
        random where there are more; None: as many as make 262,144 rows of a layer and split, of a layer that runs a
        time step at a time 65,536.
    codec
        Codec that stored pre-activations are packed with, without loss, once all are recorded: none or gzip, which
        takes less room where values repeat or were rounded, and more time; until then they take their whole room.

    Examples
    --------
    >>> StoreOptions().dtype
    'float32'
    """

    dtype: Annotated[str, Flag(name="store_dtype")] = "float32"
    predictions: Annotated[bool, Flag()] = True
    forward: Annotated[str, Flag(name="forward_dtype")] = "float32"
    positions: Annotated[int | None, Flag(low=1, high=10**9, default="all, up to 262,144 rows of a layer")] = None
    codec: Annotated[str, Flag()] = "none"
