"""How far a layer can be pushed before it matters: ranges around the no-op, of a network and of its control."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from interp.types import Array

TOLERATED = 0.01  # accuracy or agreement that an intervention may cost and still count as harmless


@dataclass(frozen=True)
class Tolerance:
    """Widest connected ranges of levels around the no-op that cost less than `TOLERATED`.

    Attributes
    ----------
    scale
        (lowest, highest) factor on z.
    offset
        (lowest, highest) shift, in fractions of each node's output range.
    """

    scale: tuple[float, float]
    offset: tuple[float, float]

    @property
    def ratio(self) -> float:
        """Tolerated weakening of activations over tolerated shift of boundaries, both in fractions; inf without shift.

        Above 1, a layer bears less movement of its boundaries than loss of intensity.
        """
        weakening, shift = 1 - self.scale[0], (self.offset[1] - self.offset[0]) / 2
        return weakening / shift if shift > 0 else float("inf")


def connected(level: Array, cost: Array, centre: float) -> tuple[float, float]:
    """Give the ends of the stretch of levels around `centre` whose cost stays below `TOLERATED`.

    Examples
    --------
    >>> connected(np.array([0.0, 0.5, 1.0, 2.0]), np.array([0.2, 0.001, 0.0, 0.0]), 1.0)
    (0.5, 2.0)
    """
    order = np.argsort(level)
    level, harmless = level[order], cost[order] < TOLERATED
    low = high = int(np.abs(level - centre).argmin())
    while low > 0 and harmless[low - 1]:
        low -= 1
    while high < len(level) - 1 and harmless[high + 1]:
        high += 1
    return float(level[low]), float(level[high])


def tolerances(control: pd.DataFrame, layer: str) -> dict[str, Tolerance]:
    """Read both networks' tolerances for one layer off `Effects.control`: ``given`` and ``shuffled``."""
    if control.empty:
        return {}
    found = {}
    for network, rows in control[control["layer"] == layer].groupby("network", sort=False):
        ends = {}
        for kind, centre in (("scale", 1.0), ("offset", 0.0)):
            part = rows[rows["intervention"] == kind]
            ends[kind] = connected(part["level"].to_numpy(float), 1 - part["agreement"].to_numpy(float), centre)
        found[str(network)] = Tolerance(**ends)
    return found
