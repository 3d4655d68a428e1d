"""Alerts: what a reader must know before trusting what was found of a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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
