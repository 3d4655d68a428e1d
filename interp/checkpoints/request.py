"""What a network is to be made of."""

from __future__ import annotations

from dataclasses import dataclass

from interp.checkpoints.contents import Contents
from interp.checkpoints.options import LoadOptions
from interp.types import Dataset


@dataclass(frozen=True)
class Request:
    """What was read from a file, beside what the user gave.

    Attributes
    ----------
    path
        For errors, and to name the model by.
    data
        None if neither user nor file names any.
    """

    path: object
    contents: Contents
    data: Dataset | None
    options: LoadOptions
