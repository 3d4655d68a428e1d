"""What a gate decides on: scores, counts of nodes and alerts, of a run or of the report of an earlier one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from interp.errors import UsageError
from interp.tasks import TASKS, Task, find_task
from interp.types import Alert, Array
from interp.verdict.alerts.nodes import SATURATED, spare_nodes
from interp.verdict.evidence import Evidence


class Scored(NamedTuple):
    """A score with the number of samples behind it.

    Attributes
    ----------
    value
        Score of the task.
    samples
        Number of samples.
    """

    value: float
    samples: int


@dataclass(frozen=True)
class Facts:
    """What a gate decides on.

    Attributes
    ----------
    score_name
        Key of the score, such as ``accuracy``.
    is_share
        Whether the score is a share of right samples.
    data_digest
        SHA-256 of the data set.
    scores
        Split -> score.
    nodes
        Number of nodes of the hidden layers; of all layers where there is only one.
    counts
        Fault or kind of nodes (``dead``, ``one_sided``, ``coherent``, ``duplicate``, ``saturated``) -> number of those
        nodes; without what was not looked at.
    alerts
        Alerts that were raised.
    """

    score_name: str
    is_share: bool
    data_digest: str
    scores: Mapping[str, Scored]
    nodes: int
    counts: Mapping[str, int]
    alerts: tuple[Alert, ...]

    def share(self, name: str) -> float:
        """Give the share of the nodes of which something was found; NaN where it was not looked at."""
        return self.counts[name] / max(self.nodes, 1) if name in self.counts else float("nan")


KINDS = {"dead": "dead", "one_sided": "one-sided", "coherent": "coherent"}
"""What is counted -> the kind of node that it is."""


def facts_of(found: Evidence, alerts: tuple[Alert, ...]) -> Facts:
    """Gather the facts of a run.

    Parameters
    ----------
    found
        Results of the run, of all stages or of some.
    alerts
        Alerts that they raise.
    """
    layers = {layer.name: layer.nodes for layer in found.model.layers if layer.name in found.hidden}
    kinds = {name: np.asarray(found.boundaries[name].kind) for name in layers if name in found.boundaries}
    screened = [found.screening[name] for name in layers if name in found.screening]
    score = found.task.score
    return Facts(
        score.key,
        bool(score.share),
        found.data.digest,
        {name: Scored(value, len(found.data.splits[name])) for name, value in found.model.scores.items()},
        sum(layers.values()),
        {
            **({} if not kinds else {key: _count(kinds.values(), kind) for key, kind in KINDS.items()}),
            **_screened([(part.twin, part.correlation, part.saturated) for part in screened]),
        },
        alerts,
    )


def _count(kinds: Any, kind: str) -> int:
    return sum(int((part == kind).sum()) for part in kinds)


def _screened(parts: list[tuple[Array, Array, Array]]) -> dict[str, int]:
    if not parts:
        return {}
    return {
        "duplicate": sum(int(spare_nodes(twin, correlation).sum()) for twin, correlation, _ in parts),
        "saturated": sum(int((np.nan_to_num(share) >= SATURATED).sum()) for *_, share in parts),
    }


def facts_in(report: Mapping[str, Any], task: str | None = None) -> Facts:
    """Gather the facts of an earlier run from its report.

    Parameters
    ----------
    report
        Content of a ``report.json`` of schema 4.
    task
        Task that the user names, needed where it is code of the user's own: a report is a file like any other and must
        not choose what is run.

    Raises
    ------
    KeyError, TypeError, ValueError, OverflowError
        If something is missing, of another kind, or a number that no report has.
    UsageError
        If the report is of a task that is code, and the user does not name it.
    """
    names = [layer["name"] for layer in report["layers"]]
    hidden = names[:-1] or names
    nodes = [node for node in report["nodes"] if node["layer"] in hidden]
    model, splits = report["model"], report["data"]["splits"]
    counts = {key: sum(node["kind"] == kind for node in nodes) for key, kind in KINDS.items() if _all(nodes, "kind")}
    if _all(nodes, "twin"):
        parts = [[node for node in nodes if node["layer"] == name] for name in hidden]
        counts |= _screened([_arrays(part) for part in parts])
    is_share = bool(_task_of(str(model["task"]), task).score.share)
    return Facts(
        str(model["score_name"]),
        is_share,
        str(report["data"]["digest"]),
        {name: _scored(value, splits[name], is_share) for name, value in model["score"].items()},
        len(nodes),
        counts,
        tuple(Alert(**{**alert, "nodes": tuple(alert["nodes"])}) for alert in report["alerts"]),
    )


def _task_of(found: str, named: str | None) -> Task:
    """Find the task of a report, which is code of the user's own only where the user names it."""
    if found not in TASKS and found != named:
        raise UsageError(
            "the earlier report",
            found=f"one of the task {found}",
            expected=f"one of {', '.join(TASKS)}, or the same --task on this command, since it runs code",
            do="add it if you trust it",
        )
    return find_task(found)


def _scored(value: Any, samples: Any, is_share: bool) -> Scored:
    """Read a score, a share from 0 to 1 or R², of at least one sample."""
    found = Scored(float(value), int(samples))
    if not -np.inf < found.value <= 1 or (is_share and found.value < 0) or found.samples < 1:
        raise ValueError(f"a score of {value} on {samples} samples")
    return found


def _all(nodes: list[Mapping[str, Any]], key: str) -> bool:
    return all(key in node for node in nodes)


def _arrays(nodes: list[Mapping[str, Any]]) -> tuple[Array, Array, Array]:
    keys = ("twin", "twin_correlation", "saturated")
    twin, correlation, share = (
        np.array([np.nan if node[key] is None else node[key] for node in nodes], float) for key in keys
    )
    return np.nan_to_num(twin, nan=-1).astype(int), correlation, share
