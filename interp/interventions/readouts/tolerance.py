"""How far a layer can be pushed before it matters: ranges around the no-op, of a network and of its control."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from interp.analysis import paired_bootstrap, percentile_interval
from interp.types import Array
from interp.types.annotations.frames import pd

TOLERATED = 0.01  # accuracy or agreement that an intervention may cost and still count as harmless
CENTRES = {"scale": 1.0, "offset": 0.0}


LEAST_SAMPLES = 500
"""Number of samples from which a tolerance has an interval: with fewer, hardly one is lost before 1 % is."""


@dataclass(frozen=True)
class Tolerance:
    """Widest connected ranges of levels around the no-op that cost less than `TOLERATED`.

    Attributes
    ----------
    scale
        Lowest and highest factor on z.
    offset
        Lowest and highest shift of z, in fractions of each node's output range.
    """

    scale: tuple[float, float]
    offset: tuple[float, float]

    @property
    def width(self) -> float:
        """Tolerated shift of boundaries: half the width of the tolerated range."""
        return (self.offset[1] - self.offset[0]) / 2

    @property
    def ratio(self) -> float:
        """Tolerated weakening of activations over tolerated shift of boundaries, both in fractions.

        Above 1, a layer bears less movement of its boundaries than loss of intensity. Infinite where it bears no shift,
        NaN where it bears no weakening either.
        """
        weakening = 1 - self.scale[0]
        if self.width > 0:
            return weakening / self.width
        return float("inf") if weakening > 0 else float("nan")


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


def tolerance(levels: Mapping[str, Array], share: Mapping[str, Array]) -> Tolerance:
    """Read a tolerance off two sweeps: ``scale`` and ``offset`` -> levels, and the share that stays right at each."""
    ends = {kind: connected(levels[kind], 1 - share[kind], centre) for kind, centre in CENTRES.items()}
    return Tolerance(**ends)


def tolerance_row(
    levels: Mapping[str, Array], right: Mapping[str, Array], seed: int, repetitions: int
) -> dict[str, float]:
    """Give a network's tolerance for one layer with 95 % intervals, as a row of `Effects.tolerance`.

    Parameters
    ----------
    levels
        Levels of ``scale`` and of ``offset``, (E,) each.
    right
        Whether each sample keeps the unperturbed prediction at each level of ``scale`` and of ``offset``, (E, S)
        booleans each.
    seed
        Seed of the bootstrap.
    repetitions
        Number of bootstrap draws over samples; 0 leaves the intervals NaN.
    """
    found = tolerance(levels, {kind: flags.mean(1) for kind, flags in right.items()})
    row = {
        "scale_low": found.scale[0],
        "scale_high": found.scale[1],
        "offset_low": found.offset[0],
        "offset_high": found.offset[1],
        "width": found.width,
        "ratio": found.ratio,
    }
    ends = _intervals(levels, right, seed, repetitions) if repetitions else np.full((2, 2), np.nan)
    for name, low, high in zip(("scale_low", "width"), *ends, strict=True):
        row |= {f"{name}_from": float(low), f"{name}_to": float(high)}
    return row


def _intervals(levels: Mapping[str, Array], right: Mapping[str, Array], seed: int, repetitions: int) -> Array:
    """Bootstrap (low, high) of the lowest factor and the tolerated shift, (2, 2); NaN of few samples.

    Their ratio has no interval: of what a draw bears, 0 / 0 included, its bootstrap holds 98 to 99 %.
    """
    if right["scale"].shape[1] < LEAST_SAMPLES:
        return np.full((2, 2), np.nan)
    both = np.concatenate([right[kind] for kind in CENTRES])  # one draw of samples serves both sweeps
    cut = len(right["scale"])
    drawn = [
        tolerance(levels, {"scale": share[:cut], "offset": share[cut:]})
        for share in paired_bootstrap(both, repetitions, seed)
    ]
    low, high = percentile_interval(np.array([(one.scale[0], one.width) for one in drawn]))
    return np.stack([low, high])


@dataclass(frozen=True)
class Compared:
    """Tolerance of a layer beside that of shuffled copies of its network.

    Attributes
    ----------
    given
        Row of `Effects.tolerance` of the network itself, by column.
    shuffled
        Rows of `Effects.tolerance` of the copies.
    """

    given: Mapping[str, float]
    shuffled: pd.DataFrame

    def middle(self, column: str) -> float:
        """Give the median of a column over the copies."""
        return float(self.shuffled[column].median())


def compared(found: pd.DataFrame, layer: str) -> Compared | None:
    """Find a layer's tolerance and its controls in `Effects.tolerance`; None where either is missing."""
    rows = found[found["layer"] == layer] if len(found) else found
    if rows.empty or set(rows["network"]) != {"given", "shuffled"}:
        return None
    given = {str(name): value for name, value in rows[rows["network"] == "given"].iloc[0].items()}
    return Compared(given, rows[rows["network"] == "shuffled"])
