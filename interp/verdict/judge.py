"""Results in, verdict out: what they say in plain words with their numbers; no claim that a null could explain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from interp.types import Attribution, Boundaries, Dataset, Effects, Limit, LoadedModel, Verdict
from interp.verdict.alerts import alerts
from interp.verdict.evidence import Evidence
from interp.verdict.findings import findings
from interp.verdict.headline import headline


def judge(
    model: LoadedModel,
    data: Dataset,
    boundaries: Mapping[str, Boundaries],
    effects: Effects,
    attribution: Mapping[str, Attribution],
    limits: Sequence[Limit] = (),
) -> Verdict:
    """Sum the results up.

    Parameters
    ----------
    model
        Network that was looked at.
    data
        Data set that it was looked at with.
    boundaries
        Layer name -> kinds of its boundaries.
    effects
        Cost of interventions on layers and nodes.
    attribution
        Layer name -> importance of its nodes.
    limits
        Parts of the network and of the data that were not looked at.
    """
    found = Evidence(model, data, boundaries, effects, attribution, limits)
    return Verdict(headline(found), findings(found), alerts(found))
