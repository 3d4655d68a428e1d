"""What arrays are called in signatures."""

from __future__ import annotations

from typing import Any, Protocol

import numpy.typing as npt

Array = npt.NDArray[Any]


class Rows(Protocol):
    """A table of samples read a slice at a time: a numpy array or an HDF5 dataset."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows, then columns."""

    def __getitem__(self, rows: Any, /) -> Any:
        """Read some rows."""
