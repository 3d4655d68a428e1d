"""How prototypes are compared with k-means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from interp.types.annotations.flags import Seed, Within


@dataclass(frozen=True)
class ClusterOptions:
    """How prototypes are compared with k-means.

    Attributes
    ----------
    rows
        Largest number of rows that k-means is fitted to, drawn at random.
    repetitions
        Number of repetitions of each null, R.
    seed
        Seed of the random number generators of k-means and of the nulls.

    Examples
    --------
    >>> ClusterOptions(repetitions=5)
    ClusterOptions(rows=10000, repetitions=5, seed=0)
    """

    rows: Annotated[int, Within(low=1)] = 10_000
    repetitions: Annotated[int, Within(low=1)] = 39
    seed: Seed = 0
