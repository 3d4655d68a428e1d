"""All that one run found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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
class Made(ShortRepr):
    """One stage whose results are among those of a run.

    Attributes
    ----------
    stage
        Name of the stage.
    does
        What it does, in one line.
    file
        Name of its file in the folder of the run.
    found
        What it found, in one line.
    fingerprint
        SHA-256 over all that what it found depends on: model, data, its own options, the stages that it needs, code
        and versions.
    """

    stage: str
    does: str
    file: str
    found: str
    fingerprint: str


@dataclass(frozen=True, repr=False)
class Results(ShortRepr):
    """Everything one run found; per-layer results are keyed by layer name, in network order.

    Attributes
    ----------
    model
        Network that was looked at.
    data
        Data set that it was looked at with.
    fits
        Layer name -> Gaussians and mixtures of its nodes.
    boundaries
        Layer name -> kinds of its nodes' boundaries.
    prototypes
        Layer name -> mean inputs that its nodes stand for.
    clusters
        Layer name -> its prototypes beside k-means, for one number of centroids or two.
    effects
        What the network loses under interventions.
    attribution
        Layer name -> importance of its nodes.
    verdict
        What all this says.
    provenance
        Where the results come from, with all options.
    runs
        What several networks have in common; None of one network.
    limits
        What was not looked at.
    extra
        Name of a further stage -> what it found.
    made
        Stages that these results come from, in order.
    """

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
    extra: Mapping[str, Any] = field(default_factory=dict)
    made: tuple[Made, ...] = ()
