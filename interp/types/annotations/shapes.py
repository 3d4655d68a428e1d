"""Shapes of arrays and columns of tables, stated once: on the fields of the dataclasses that hold them.

A field is written ``Annotated[Array, Shape("N K")]`` or ``Annotated[pd.DataFrame, Columns(text="layer")]``. The checks
of files that are read, and the table of shapes in ``docs/format.md``, are made from these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Holds = Literal["numbers", "whole numbers", "text"]

AXES: Mapping[str, str] = {
    "S": "samples of a split",
    "L": "rows of a layer: the samples that are stored, or their recorded positions of a convolution, sample by sample",
    "G": "samples of a split whose pre-activations are stored",
    "N": "nodes of a layer",
    "M": "nodes of a layer that were drawn, all N of them where it is not large",
    "K": "components of a node's mixture, at most",
    "C": "classes",
    "D": "values that one node of the layer reads",
    "I": "values of one sample as the network reads it",
    "Y": "values to be predicted for one sample",
    "E": "thresholds of a curve over epsilon",
    "R": "repetitions of a null",
    "T": "exemplars of a node",
    "B": "bins of a histogram",
    "P": "leading principal components",
    "Q": "centroids of k-means",
    "A": "tenths of a node's outputs by their rank, the lowest first",
    "U": "quantiles at which nodes are cut",
    "V": "numbers of levels",
    "J": "copies of the network",
    "H": "copies of the network whose levels were counted",
    "W": "nodes of a layer that are most like one of them",
}
"""Letter of an axis -> what lies along it. Within one result a letter has one length."""


@dataclass(frozen=True)
class Shape:
    """Axes of an array, and what it holds.

    Attributes
    ----------
    axes
        Letters of `AXES` or fixed lengths, separated by blanks: ``"N K"``, ``"2 N"``.
    holds
        Kind of the values; whole numbers and booleans count as numbers.
    or_empty
        Whether the array may have the length 0 instead.

    Raises
    ------
    ValueError
        If a letter is not one of `AXES`.

    Examples
    --------
    >>> str(Shape("N K")), str(Shape("C"))
    ('(N, K)', '(C,)')
    """

    axes: str
    holds: Holds = "numbers"
    or_empty: bool = False

    def __post_init__(self) -> None:
        if unknown := [axis for axis in self.axes.split() if axis not in AXES and not axis.isdecimal()]:
            raise ValueError(f"unknown axes {', '.join(unknown)}; known are {', '.join(AXES)}")

    def __str__(self) -> str:
        axes = self.axes.split()
        return f"({', '.join(axes)}{',' if len(axes) == 1 else ''})"


@dataclass(frozen=True)
class Columns:
    """Columns of a table; a table without rows may lack them.

    Attributes
    ----------
    text, numbers
        Names of the columns that hold text, and of those that hold numbers, separated by blanks.
    """

    text: str = ""
    numbers: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns."""
        return (*self.text.split(), *self.numbers.split())
