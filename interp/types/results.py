"""All that one run found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from interp.types.boundaries import Boundaries
from interp.types.data import Dataset
from interp.types.effects import Attribution, Effects, RunEffects
from interp.types.gaussians import GaussianFit
from interp.types.networks import LoadedModel
from interp.types.prototypes import ClusterMatch, Prototypes
from interp.types.recordings import Provenance
from interp.types.shown import ShortRepr


@dataclass(frozen=True, repr=False)
class Verdict(ShortRepr):
    """What the results say, in plain words.

    Attributes
    ----------
    headline
        One sentence.
    findings
        Sentences with their numbers, most important first.
    alerts
        What the reader must know before trusting the page.
    """

    headline: str
    findings: tuple[str, ...]
    alerts: tuple[str, ...]


@dataclass(frozen=True, repr=False)
class Limit(ShortRepr):
    """One thing of which not all was looked at.

    Attributes
    ----------
    what
        Such as ``layers swept``.
    looked_at, of
        How many, of how many.
    rule
        Which these are.
    lift
        Option of the command line that changes it.
    """

    what: str
    looked_at: int
    of: int
    rule: str
    lift: str


@dataclass(frozen=True, repr=False)
class Results(ShortRepr):
    """Everything one run found; per-layer results are keyed by layer name, in network order."""

    model: LoadedModel
    data: Dataset
    fits: Mapping[str, GaussianFit]
    boundaries: Mapping[str, Boundaries]
    prototypes: Mapping[str, Prototypes]
    clusters: Mapping[str, tuple[ClusterMatch, ...]]
    effects: Effects
    attribution: Mapping[str, Attribution]
    verdict: Verdict
    provenance: Provenance
    runs: RunEffects | None = None
    limits: tuple[Limit, ...] = ()
