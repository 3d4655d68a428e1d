"""Scores beside each other: paired tests, agreement, groups and classes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from interp.analysis import benjamini_hochberg, mcnemar, mean_interval, paired_difference, share_interval
from interp.analysis.ensembles import ensemble_errors
from interp.comparison.answers import Answers
from interp.comparison.members import Member
from interp.tasks import Task
from interp.types import Array


def network_rows(members: Sequence[Member], answers: Sequence[Answers], is_share: bool) -> pd.DataFrame:
    """Give one row a network, with its score on the compared split."""
    return pd.DataFrame([_network(member, found, is_share) for member, found in zip(members, answers, strict=True)])


def _network(member: Member, found: Answers, is_share: bool) -> dict[str, object]:
    model, score = member.run.model, float(found.scores.mean())
    if is_share:
        low, high = map(float, share_interval(int(found.scores.sum()), len(found.scores)))
    else:
        _, low, high = mean_interval(found.scores)
    return {
        "network": member.name,
        "group": member.group,
        "path": model.path,
        "digest": model.digest,
        "task": model.task,
        "nodes": sum(layer.nodes for layer in model.layers),
        "score": score,
        "low": low,
        "high": high,
    }


def pair_rows(members: Sequence[Member], answers: Sequence[Answers], task: Task) -> pd.DataFrame:
    """Give one row a pair of networks: the difference of their scores with its test, and how far they agree."""
    rows = pd.DataFrame(
        [
            {"first": a.name, "second": b.name, **_difference(x.scores, y.scores, bool(task.score.share))}
            | {"agreement": agreement(x, y)}
            for (a, x), (b, y) in combinations(zip(members, answers, strict=True), 2)
        ]
    )
    return rows.assign(q_value=benjamini_hochberg(rows["p_value"].to_numpy(float)))


def _difference(first: Array, second: Array, is_share: bool) -> dict[str, object]:
    if not is_share:
        changes = second - first
        mean, start, end = mean_interval(changes)
        p_value = 1.0 if not np.ptp(changes) and not changes.any() else float(stats.ttest_rel(second, first).pvalue)
        only = {"only_first": np.nan, "only_second": np.nan}
        return {"difference": mean, "low": start, "high": end, "test": "paired t", "p_value": p_value, **only}
    gained, lost = int((second > first).sum()), int((second < first).sum())
    difference, low, high = paired_difference(np.array(gained), np.array(lost), len(first))
    return {
        "difference": float(difference),
        "low": float(low),
        "high": float(high),
        "test": "exact McNemar (sign test)",
        "p_value": float(mcnemar(gained, lost)),
        "only_first": lost,
        "only_second": gained,
    }


def agreement(first: Answers, second: Answers) -> float:
    """Give the share of samples with the same prediction; of measured outputs their correlation.

    Parameters
    ----------
    first, second
        Answers of two networks.
    """
    if first.predicted is not None and second.predicted is not None:
        return float((first.predicted == second.predicted).mean())
    x, y = (part.outputs - part.outputs.mean(axis=0) for part in (first, second))
    size = np.sqrt((x**2).sum() * (y**2).sum())
    return float((x * y).sum() / size) if size > 0 else float("nan")


def group_rows(members: Sequence[Member], answers: Sequence[Answers], labels: Array | None) -> pd.DataFrame:
    """Give table 5's metrics, one row a group of two networks or more; all that were given alone are one group."""
    groups: dict[str, list[int]] = {}
    for place, member in enumerate(members):
        groups.setdefault(member.group, []).append(place)
    if labels is None or any(found.predicted is None for found in answers):
        return pd.DataFrame()
    return pd.DataFrame([_group(name, places, members, answers, labels) for name, places in groups.items()])


def _group(
    name: str, places: Sequence[int], members: Sequence[Member], answers: Sequence[Answers], labels: Array
) -> dict[str, object]:
    forms = [members[place].run.model.output for place in places]
    are_distances = all("distance" in form or form == "negated-activation" for form in forms)
    squares = sum(answers[place].outputs ** 2 for place in places) if are_distances else None
    predictions = np.stack([np.asarray(answers[place].predicted) for place in places])
    score = float(np.mean([answers[place].scores.mean() for place in places]))
    counts = {"l2": np.nan, **ensemble_errors(predictions, labels, None if squares is None else np.asarray(squares))}
    order = ("unique", "consistent", "voting", "l2")
    return {"group": name, "networks": len(places), "samples": len(labels), "score": score} | {
        key: counts[key] for key in order
    }


def class_rows(members: Sequence[Member], answers: Sequence[Answers], labels: Array | None) -> pd.DataFrame:
    """Give one row a pair and class: both accuracies, what only one gets right, and the test of the difference."""
    if labels is None or any(found.predicted is None for found in answers):
        return pd.DataFrame()
    parts = [
        _classes(a.name, b.name, x.scores > 0.5, y.scores > 0.5, labels)
        for (a, x), (b, y) in combinations(zip(members, answers, strict=True), 2)
    ]
    return pd.concat(parts, ignore_index=True)


def _classes(first: str, second: str, one: Array, other: Array, labels: Array) -> pd.DataFrame:
    rows = []
    for label in np.unique(labels):
        mine, theirs = one[labels == label], other[labels == label]
        lost, gained = int((mine & ~theirs).sum()), int((theirs & ~mine).sum())
        rows.append(
            {
                "first": first,
                "second": second,
                "class": int(label),
                "samples": len(mine),
                "first_accuracy": float(mine.mean()),
                "second_accuracy": float(theirs.mean()),
                "only_first": lost,
                "only_second": gained,
                "p_value": float(mcnemar(gained, lost)),
            }
        )
    table = pd.DataFrame(rows)
    return table.assign(q_value=benjamini_hochberg(table["p_value"].to_numpy(float)))
