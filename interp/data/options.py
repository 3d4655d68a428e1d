"""Options of reading a data set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from interp.types.annotations.flags import Flag


@dataclass(frozen=True)
class DataOptions:
    """How a data set is found and read.

    Attributes
    ----------
    root
        Folder in which data sets are looked for.
    offline
        Whether downloads are forbidden.
    target
        Column of a table to be predicted, or ``none``.

    Examples
    --------
    >>> DataOptions(offline=True, target="price")
    DataOptions(root=None, offline=True, target='price')
    """

    root: Annotated[str | None, Flag(name="data_root", default="INTERP_DATA of the environment, or a cache")] = None
    offline: Annotated[bool, Flag()] = False
    target: Annotated[str | None, Flag(default="target, label, class or y; else the last")] = None
