"""What a user says of a data set."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DataOptions:
    """Where data may be looked for, and what of them is the target.

    Attributes
    ----------
    root
        Folder in which data sets are looked for; None for the environment's ``INTERP_DATA``, else a cache folder.
    offline
        Whether downloads are forbidden.
    target
        Column of a table to be predicted, or ``none``; None for a column of a usual name, else the last.
    """

    root: str | None = None
    offline: bool = False
    target: str | None = None
