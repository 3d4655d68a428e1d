"""Request -> Draft of files that hold metrics beside the weights, which are left out, and said to be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from interp.checkpoints.drafts.draft import Draft
from interp.checkpoints.drafts.request import Request
from interp.checkpoints.formats.contents import strip_wrappers
from interp.checkpoints.weights.metrics import metric_states, without_metrics

SKIPPED = "the state of a metric, counted beside the network; it computes nothing"
"""Reason for which metrics are left out."""


def draft_without_metrics(asked: Request, drafted: Callable[[Request], Draft]) -> Draft:
    """Draft a network of what the file holds but metrics, and name these as skipped.

    Parameters
    ----------
    asked
        Contents of the file, data and options.
    drafted
        Way to make a network of a request.

    Raises
    ------
    CheckpointError, DataError, UsageError
        As `drafted` does.
    """
    metrics = metric_states(asked.contents.state)
    if not metrics:
        return drafted(asked)
    found = drafted(asked if asked.options.model is not None else _without(asked))  # a user's class may have them
    skipped = {**found.structure.skipped, **dict.fromkeys(metrics, SKIPPED)}
    return replace(found, structure=found.structure._replace(skipped=skipped))


def _without(asked: Request) -> Request:
    """Leave out metrics, and then the prefix that all other names have."""
    state, prefix = strip_wrappers(without_metrics(asked.contents.state))
    notes = (f"prefix {prefix!r} taken off every name",) if prefix else ()
    return replace(asked, contents=replace(asked.contents, state=state, notes=(*asked.contents.notes, *notes)))
