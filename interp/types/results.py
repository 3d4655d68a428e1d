"""Results of one run, all together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from interp.types.boundaries import Boundaries, Screening
from interp.types.data import Dataset
from interp.types.effects import Attribution, Effects, RunEffects
from interp.types.gaussians import GaussianFit
from interp.types.networks import LoadedModel
from interp.types.prototypes import ClusterMatch, Prototypes
from interp.types.reading import LayerVerdict, ReadingProfile
from interp.types.recordings import Provenance
from interp.types.shown import ShortRepr

Severity = Literal["error", "warning", "note"]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""Severities, the worst first."""


@dataclass(frozen=True, repr=False)
class Alert(ShortRepr):
    """One thing that a reader must know before trusting what was found.

    Attributes
    ----------
    name
        Name of the alert, a key of `interp.verdict.alerts.ALERTS`.
    severity
        Severity: ``error`` where the results do not describe what the network learned, ``warning`` where some of them
        mislead or something can be mended, ``note`` where something was left out.
    evidence
        Sentence with the numbers that it rests on.
    do
        Sentence that says what to do about it.
    place
        Section of the page that shows more, a key of `interp.report.SECTIONS`; empty where none does.
    nodes
        Addresses of the nodes concerned, such as ``fc1:17``, in network order; empty where it is about no single nodes.
    command
        Command to type for it, in which words in capitals are for the reader to fill in; empty where there is none.

    Examples
    --------
    >>> alert = Alert("dead", "warning", "3 of 8 nodes of fc1 are dead.", "Prune them.", "nodes", ("fc1:0", "fc1:2"))
    >>> alert.severity, alert.nodes[0]
    ('warning', 'fc1:0')
    """

    name: str
    severity: Severity
    evidence: str
    do: str
    place: str = ""
    nodes: tuple[str, ...] = ()
    command: str = ""


@dataclass(frozen=True, repr=False)
class Answer(ShortRepr):
    """One answer to what a reader asks first.

    Attributes
    ----------
    question
        Question in a few words.
    answer
        Answer in plain sentences, of which the first is the result.
    place
        Place of the page that shows more: a key of `interp.report.SECTIONS`, ``all-nodes``, or the address of a node;
        empty where none does.
    layers
        Names of the layers whose reading profiles stand beside the answer.
    command
        Command to type, in which words in capitals are for the reader to fill in; empty where there is none.

    Examples
    --------
    >>> Answer("Which outputs decide", "fc1: large outputs decide.", "reading", ("fc1",)).layers
    ('fc1',)
    """

    question: str
    answer: str
    place: str = ""
    layers: tuple[str, ...] = ()
    command: str = ""


@dataclass(frozen=True, repr=False)
class Verdict(ShortRepr):
    """Verdict on a network, in plain words.

    Attributes
    ----------
    headline
        Main finding in one sentence.
    findings
        Findings in sentences with their numbers, most important first.
    alerts
        Alerts that the reader needs before trusting the page, the worst first.
    layers
        Verdict on each hidden layer, in network order.
    answers
        Answers to what a reader asks first, in the order of the first screen.
    """

    headline: str
    findings: tuple[str, ...]
    alerts: tuple[Alert, ...]
    layers: tuple[LayerVerdict, ...] = ()
    answers: tuple[Answer, ...] = ()


@dataclass(frozen=True, repr=False)
class Limit(ShortRepr):
    """One part of a network or of the options that was left out.

    Attributes
    ----------
    what
        Things that are counted, such as ``layers swept``.
    looked_at, of
        Number of things looked at, and number of all of them.
    rule
        Rule by which those were chosen.
    lift
        Option of the command line that changes it.

    Examples
    --------
    >>> Limit("layers swept", 6, 20, "evenly over depth", "--swept-layers").looked_at
    6
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
        Description of the stage in one line.
    file
        Name of the stage's file in the folder of the run.
    found
        Summary of the results in one line.
    fingerprint
        SHA-256 over all that the results depend on: model, data, the stage's options, the stages that it needs, code
        and versions.
    """

    stage: str
    does: str
    file: str
    found: str
    fingerprint: str


@dataclass(frozen=True, repr=False)
class Timing(ShortRepr):
    """Time that one step of a run took.

    Attributes
    ----------
    step
        Name of a stage, or ``imports``, ``load`` or ``page``.
    seconds
        Time that it took in this run, by the clock, in seconds.
    made_in
        Time that the stage took when it was run, in seconds, where it was not run again; NaN where that is not known,
        None of a step of this run.

    Examples
    --------
    >>> Timing("fit", 4.0).made_in is None
    True
    """

    step: str
    seconds: float
    made_in: float | None = None


@dataclass(frozen=True, repr=False)
class Results(ShortRepr):
    """Everything one run found; per-layer results are keyed by layer name, in network order.

    Attributes
    ----------
    model
        Network that was looked at.
    data
        Data set that the network was looked at with.
    fits
        Layer name -> Gaussians and mixtures of its nodes.
    boundaries
        Layer name -> kinds of its nodes' boundaries.
    prototypes
        Layer name -> mean inputs that its nodes stand for.
    clusters
        Layer name -> its prototypes beside k-means, for one number of centroids or two.
    effects
        Costs of interventions.
    attribution
        Layer name -> importance of its nodes.
    reading
        Layer name -> what of its nodes' outputs the decision hangs on.
    verdict
        Verdict on the network, in plain words.
    provenance
        Model, data, versions and all options.
    runs
        Costs of interventions over several networks; None of one network.
    limits
        Parts of the network that were left out.
    extra
        Name of a further stage -> its results.
    made
        Stages that these results come from, in order.
    timings
        Steps that led to these results with the time that each took, in order; may be empty.
    screening
        Layer name -> nodes that do the same, and nodes that are saturated.
    not_run
        Names of the stages that were left out, of which there are no results.
    """

    model: LoadedModel
    data: Dataset
    fits: Mapping[str, GaussianFit]
    boundaries: Mapping[str, Boundaries]
    prototypes: Mapping[str, Prototypes]
    clusters: Mapping[str, tuple[ClusterMatch, ...]]
    effects: Effects
    attribution: Mapping[str, Attribution]
    reading: Mapping[str, ReadingProfile]
    verdict: Verdict
    provenance: Provenance
    runs: RunEffects | None = None
    limits: tuple[Limit, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    made: tuple[Made, ...] = ()
    screening: Mapping[str, Screening] = field(default_factory=dict)
    timings: tuple[Timing, ...] = ()
    not_run: tuple[str, ...] = ()
