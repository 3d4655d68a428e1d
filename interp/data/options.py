"""What a user says of a data set."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DataOptions:
    """Where data may be looked for.

    Attributes
    ----------
    root
        Folder given by the user; else the environment's ``INTERP_DATA``; else a cache folder.
    offline
        Never download.
    target
        Column of a ``.csv`` to be predicted, or ``none``; else a column of a usual name, else the last.
    """

    root: str | None = None
    offline: bool = False
    target: str | None = None
