"""Which planted networks are measured."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle, islice

TUNING, FRESH = range(30_000), 30_000
"""Seeds that the rule may have been fixed on, and the first of those that it is measured on."""

KINDS = {
    "distances": (
        "l1-mahalanobis",
        "relu-pairs",
        "kmeans-centres",
        "offset-l2",
        "negative-read-out",
        "clamped-above",
    ),
    "intensities": ("templates", "positive-read-out", "clamped-below"),
    "neither": ("untrained", "shuffled", "batch-norm"),
    "open": ("both", "random-labels", "trained"),
}
"""What is planted -> families, dealt out in turn."""

PLANTED = {*KINDS["distances"], *KINDS["intensities"], "both"}
"""Families whose networks must have a truth."""

SHARES = {"distances": 0.3, "intensities": 0.3, "neither": 0.3, "open": 0.1}


@dataclass(frozen=True)
class Item:
    """One network to make.

    Attributes
    ----------
    family
        Name of its family.
    seed
        Seed of everything that is drawn for it.
    """

    family: str
    seed: int

    @property
    def key(self) -> str:
        """Name in the file of results."""
        return f"{self.family}:{self.seed}"


def plan(networks: int, first: int = FRESH) -> list[Item]:
    """List networks, seed after seed, the kinds mixed so that an unfinished run holds some of each.

    Examples
    --------
    >>> len({item.key for item in plan(40)})
    40
    """
    counts = {kind: round(share * networks) for kind, share in SHARES.items()}
    counts["open"] += networks - sum(counts.values())
    kinds = {kind: list(islice(cycle(KINDS[kind]), count)) for kind, count in counts.items()}
    placed = [(index / len(families), family) for families in kinds.values() for index, family in enumerate(families)]
    return [Item(family, first + index) for index, (_, family) in enumerate(sorted(placed))]
