"""What keeps a network from learning its training rows by heart, as far as slopes can show it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

DROPOUTS = (0.0, 0.1, 0.2, 0.3, 0.5)
"""Shares of values left out that are tried."""

SMOOTHINGS = (0.0, 0.1, 0.2)
"""Shares of a label spread over all classes that are tried."""

SHIFTS = (0, 1, 2, 3)
"""Largest shifts of images that are tried, in pixels."""


@dataclass(frozen=True)
class Regularisation:
    """How training rows are changed while a network is trained.

    Attributes
    ----------
    dropout
        Share of the values that each dense layer reads which is left out, but of a network's inputs; from 0 to 1.
    smoothing
        Share of each label that is spread evenly over all classes, from 0 to 1.
    shift
        Largest number of pixels by which images are shifted, each way.

    Examples
    --------
    >>> str(Regularisation(dropout=0.5, shift=2))
    'dropout of about 0.5, images shifted by up to 2 pixels'
    """

    dropout: float = 0.0
    smoothing: float = 0.0
    shift: int = 0

    @property
    def kinds(self) -> int:
        """Number of ways in which rows are changed."""
        return sum(value > 0 for value in (self.dropout, self.smoothing, self.shift))

    def __str__(self) -> str:
        """Say it in words."""
        parts = {
            f"dropout of about {self.dropout:g}": self.dropout,
            f"labels smoothed by about {self.smoothing:g}": self.smoothing,
            f"images shifted by up to {self.shift} pixel{'s' if self.shift > 1 else ''}": self.shift,
        }
        return ", ".join(said for said, value in parts.items() if value) or "none"


NONE = Regularisation()
"""Training on rows as they are."""


def far_apart(smooths: bool, shifts: bool) -> list[Regularisation]:
    """List regularisations that stand for all others, `NONE` first.

    Parameters
    ----------
    smooths, shifts
        Whether labels can be smoothed, and inputs be shifted.

    Examples
    --------
    >>> len(far_apart(smooths=True, shifts=False))
    6
    """
    of_labels, of_images = SMOOTHINGS[: 1 + smooths], SHIFTS[: 1 + 2 * shifts]
    # images are shifted anew for each shift, so that comes first
    each = product(of_images, DROPOUTS[::2], of_labels)
    return [Regularisation(dropout, smoothing, shift) for shift, dropout, smoothing in each]


def neighbours(of: Regularisation, smooths: bool, shifts: bool) -> Iterator[Regularisation]:
    """Yield regularisations that are one step away.

    Parameters
    ----------
    of
        Regularisation to start from.
    smooths, shifts
        Whether labels can be smoothed, and inputs be shifted.

    Examples
    --------
    >>> [str(one) for one in neighbours(NONE, smooths=True, shifts=False)]
    ['dropout of about 0.1', 'labels smoothed by about 0.1']
    """
    yield from (replace(of, dropout=one) for one in _beside(of.dropout, DROPOUTS))
    yield from (replace(of, smoothing=one) for one in _beside(of.smoothing, SMOOTHINGS) if smooths)
    yield from (replace(of, shift=int(one)) for one in _beside(of.shift, SHIFTS) if shifts)


def _beside(value: float, values: Sequence[float]) -> Sequence[float]:
    place = values.index(value)
    return [*values[max(place - 1, 0) : place], *values[place + 1 : place + 2]]
