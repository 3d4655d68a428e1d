"""A network beside an earlier one: conditions that an equivalent training passes and a worse one does not.

A retraining from another seed gives other figures. A condition fails where a figure is worse than the baseline's by
more than sampling explains, and by more than a little: how often that happens to equivalent trainings is measured in
`benchmarks/gate.py` (docs/gate.md).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from interp.errors import InterpError, MismatchError
from interp.gate.conditions import FOR_ALERTS, Condition
from interp.gate.facts import Facts, Scored, facts_in
from interp.safety import LONGEST_PAGE, read_json

BEYOND = 2.576
"""Standard errors of the difference beyond which a figure is worse: one in 200 by chance."""

LITTLE_SCORE, LITTLE_R2, LITTLE_SHARE = 0.01, 0.05, 0.1
"""Falls of a share of right samples and of R², and rises of a share of nodes, that pass whatever the samples."""

WORSE_IF_MORE = ("dead", "one_sided", "duplicate", "saturated")
"""What is counted of nodes and is worse where there is more of it."""


def read_baseline(path: str | Path, task: str | None = None) -> Facts:
    """Read the facts of an earlier run.

    Parameters
    ----------
    path
        A ``report.json`` of this version.
    task
        Task that the user names, needed where it is code: the report must not choose what is run.

    Returns
    -------
    Facts
        Scores, counts of nodes, and alerts.

    Raises
    ------
    MismatchError
        If the file is missing, or no report of this schema.
    UsageError
        If the report is of a task that is code, and the user does not name it.

    Examples
    --------
    >>> read_baseline("missing.json")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    interp.errors.MismatchError: missing.json: found no such file; expected the report.json of an earlier run; ...
    """
    expected, do = "the report.json of an earlier run", "make one with `interp report`"
    where = str(path) or "against"
    try:
        return facts_in(read_json(Path(path), LONGEST_PAGE), task)
    except FileNotFoundError as error:
        raise MismatchError(where, found="no such file", expected=expected, do=do) from error
    except InterpError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError) as error:
        raise MismatchError(where, found="something else, or an older schema", expected=expected, do=do) from error


def conditions_against(baseline: Facts, path: str | Path) -> list[Condition]:
    """Give the conditions that a network must pass beside an earlier one.

    Parameters
    ----------
    baseline
        Facts of the earlier run.
    path
        File that they were read from, for the error.

    Returns
    -------
    list of Condition
        Scores that fall, nodes that do less, and alerts of severity ``error`` that are new.

    Examples
    --------
    >>> baseline = Facts("accuracy", True, "", {"test": Scored(0.9, 400)}, 40, {"dead": 2}, ())
    >>> [condition.text for condition in conditions_against(baseline, "report.json")]
    ['test score does not fall', 'no more dead nodes', 'no new alert that is an error']
    """

    def same_data(facts: Facts) -> None:
        if facts.data_digest != baseline.data_digest:
            raise MismatchError(
                path,
                found="a report on other data",
                expected="one on the data of this check",
                do="make the baseline anew with these data",
            )

    splits = [name for name in ("test",) if name in baseline.scores] or list(baseline.scores)
    scores = [_no_fall(split, baseline, same_data) for split in splits]
    counts = [_no_rise(name, baseline) for name in WORSE_IF_MORE if name in baseline.counts]
    return [*scores, *counts, _no_new_error(baseline)]


def _no_fall(split: str, baseline: Facts, same_data: Any) -> Condition:
    before = baseline.scores[split]

    def judge(facts: Facts) -> tuple[bool, str]:
        same_data(facts)
        if split not in facts.scores:
            return False, f"there is no score on the {split} split"
        now = facts.scores[split]
        allowed = score_margin(before, now) if baseline.is_share else LITTLE_R2
        said = f"{facts.score_name} {now.value:.4f} against {before.value:.4f}; a fall of {allowed:.4f} is allowed"
        return before.value - now.value <= allowed, said

    return Condition(f"{split} score does not fall", judge)


def score_margin(before: Scored, now: Scored) -> float:
    """Give the fall of a share of right samples that equivalent trainings may show.

    Parameters
    ----------
    before, now
        Scores of the baseline and of the network.

    Returns
    -------
    float
        `BEYOND` standard errors of the difference of two shares, at least `LITTLE_SCORE`.

    Examples
    --------
    >>> round(score_margin(Scored(0.9, 1000), Scored(0.9, 1000)), 4)
    0.0346
    """
    hits = before.value * before.samples + now.value * now.samples + 1
    share = hits / (before.samples + now.samples + 2)  # never 0 or 1, which would allow nothing
    error = np.sqrt(share * (1 - share) * (1 / before.samples + 1 / now.samples))
    return float(max(BEYOND * error, LITTLE_SCORE))


def _no_rise(name: str, baseline: Facts) -> Condition:
    before = baseline.share(name)

    def judge(facts: Facts) -> tuple[bool, str]:
        now = facts.share(name)
        allowed = share_margin(before, baseline.nodes, now, facts.nodes)
        said = f"{now:.1%} of hidden nodes against {before:.1%}; a rise of {allowed:.1%} is allowed"
        return bool(now - before <= allowed), said

    return Condition(f"no more {name.replace('_', '-')} nodes", judge, ("boundaries", "screen"))


def share_margin(before: float, nodes_before: int, now: float, nodes: int) -> float:
    """Give the rise of a share of nodes that equivalent trainings may show.

    Parameters
    ----------
    before, now
        Shares of the baseline's and of the network's hidden nodes.
    nodes_before, nodes
        Numbers of those nodes.

    Returns
    -------
    float
        `BEYOND` standard errors of the difference of two shares, at least `LITTLE_SHARE`.
    """
    share = (before * nodes_before + now * nodes + 1) / (nodes_before + nodes + 2)
    error = np.sqrt(share * (1 - share) * (1 / max(nodes_before, 1) + 1 / max(nodes, 1)))
    return float(max(BEYOND * error, LITTLE_SHARE))


def _no_new_error(baseline: Facts) -> Condition:
    known = {alert.name for alert in baseline.alerts}

    def judge(facts: Facts) -> tuple[bool, str]:
        new = [alert for alert in facts.alerts if alert.severity == "error" and alert.name not in known]
        return not new, "; ".join(f"{alert.name}: {alert.evidence}" for alert in new) or "none"

    return Condition("no new alert that is an error", judge, FOR_ALERTS)
