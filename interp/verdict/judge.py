"""Results in, verdict out: what they say in plain words with their numbers; no claim that a null could explain."""

from __future__ import annotations

from interp.types import Verdict
from interp.verdict.alerts import alerts
from interp.verdict.evidence import Evidence
from interp.verdict.findings import findings
from interp.verdict.headline import headline


def judge(evidence: Evidence) -> Verdict:
    """Sum the results of one run up."""
    return Verdict(headline(evidence), findings(evidence), alerts(evidence))
