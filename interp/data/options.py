"""What a user says of a data set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from interp.types.annotations.flags import Flag


@dataclass(frozen=True)
class DataOptions:
    """Where data may be looked for, and what of them is the target.

    Attributes
    ----------
    root
        Folder in which data sets are looked for.
    offline
        Whether downloads are forbidden.
    target
        Column of a table to be predicted, or ``none``.
    """

    root: Annotated[str | None, Flag(name="data_root", default="INTERP_DATA of the environment, or a cache")] = None
    offline: Annotated[bool, Flag()] = False
    target: Annotated[str | None, Flag(default="target, label, class or y; else the last")] = None
